"""The triggers: each hands over to the door of its kind.

None holds logic of its own, and none imports pandas or statsmodels before it is called.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob

from retrain.telemetry.quiet import quiet_libraries
from retrain.trace import HEADER, tracing

if TYPE_CHECKING:
    from retrain.doors.http import Answer

quiet_libraries()
app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

STORAGE = "TRANSACTIONS_STORAGE"
QUEUE = "retrain-requests"
CALLER = "x-ms-client-principal-name"  # whom App Service authentication has signed in
# Read at indexing, as literals: the host does not index a function whose path names an app setting that is not set.
CONTAINER = os.environ.get("TRANSACTIONS_CONTAINER") or "transactions"
SCHEDULE = os.environ.get("RETRAIN_SCHEDULE") or "0 0 3 * * *"
# Flex Consumption takes Event Grid only, which does not reach Azurite under `func start`.
# A wrong value would leave the app without any function, also without one to say so; `parse` complains of it.
EVENTS, POLLING = func.BlobSource.EVENT_GRID, func.BlobSource.LOGS_AND_CONTAINER_SCAN
SOURCE = POLLING if os.environ.get("RETRAIN_BLOB_SOURCE") == POLLING.value else EVENTS


@app.blob_trigger(arg_name="landed", path=f"{CONTAINER}/{{name}}", connection=STORAGE, source=SOURCE)
def retrain_on_new_data(landed: blob.BlobClient, context: func.Context) -> None:
    """A file landed. The client carries its name; the run reads the bytes, once, as a stream."""
    from retrain.doors.http import on_blob

    with tracing(context.trace_context.trace_parent):
        on_blob(str(landed.blob_name), str(landed.container_name))


@app.timer_trigger(arg_name="timer", schedule=SCHEDULE, run_on_startup=False)
def retrain_on_schedule(timer: func.TimerRequest, context: func.Context) -> None:
    """The schedule fired, perhaps late."""
    from retrain.doors.http import on_timer

    with tracing(context.trace_context.trace_parent):
        on_timer(is_late=timer.past_due)


@app.route("retrain", methods=["POST"])
@app.queue_output(arg_name="queue", queue_name=QUEUE, connection=STORAGE)
def retrain_on_request(req: func.HttpRequest, queue: func.Out[str], context: func.Context) -> func.HttpResponse:
    """A person asks: the request is written down and answered at once; the queue's trigger does the work."""
    from retrain.doors import http

    with tracing(req.headers.get(HEADER), context.trace_context.trace_parent):
        return respond(lambda: http.accept(req.get_body(), queue.set))


@app.queue_trigger(arg_name="message", queue_name=QUEUE, connection=STORAGE)
def retrain_from_queue(message: func.QueueMessage) -> None:  # noqa: ARG001 - it only wakes the worker
    """Work off what was asked for over HTTP; the request itself lies in the ledger."""
    from retrain.doors.http import on_queue

    on_queue()


@app.route("runs", methods=["GET"])
def list_runs(req: func.HttpRequest) -> func.HttpResponse:
    """The newest runs, newest first."""
    from retrain.doors import http

    return respond(lambda: http.list_runs(req.params.get("newest", "20")))


@app.route("runs/{id}", methods=["GET"])
def show_run(req: func.HttpRequest) -> func.HttpResponse:
    """One run's report, or that it waits its turn."""
    from retrain.doors import http

    return respond(lambda: http.show_run(req.route_params["id"]))


@app.route("runs/{id}/{decision:regex(^(accept|drop|approve|reject)$)}", methods=["POST"])
@app.queue_output(arg_name="queue", queue_name=QUEUE, connection=STORAGE)
def decide_on_a_run(req: func.HttpRequest, queue: func.Out[str], context: func.Context) -> func.HttpResponse:
    """A person decides on held days or on a winner: written down and answered at once, as a manual retrain."""
    from retrain.doors import http

    asked, caller = req.route_params, req.headers.get(CALLER)
    with tracing(req.headers.get(HEADER), context.trace_context.trace_parent):
        return respond(lambda: http.decide(asked["id"], asked["decision"], req.get_body(), queue.set, caller))


@app.route("runs/{id}/page", methods=["GET"])
def show_page(req: func.HttpRequest) -> func.HttpResponse:
    """The same as a page, for a browser."""
    from retrain.doors import http

    return respond(lambda: http.show_page(req.route_params["id"]))


@app.route("doctor", methods=["GET"])
def look_at_deployment(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - it asks nothing
    """What this deployment lacks, seen as the identity of the app."""
    from retrain.doors import http

    return respond(http.look_at_deployment)


@app.route("forecast", methods=["GET"])
@app.queue_output(arg_name="queue", queue_name=QUEUE, connection=STORAGE)
def forecast(req: func.HttpRequest, queue: func.Out[str], context: func.Context) -> func.HttpResponse:
    """The champion's forecast: one address through every promotion; the queue repairs its service."""
    from retrain.doors import http

    with tracing(req.headers.get(HEADER), context.trace_context.trace_parent):
        return respond(lambda: http.forecast_days(req.params.get("days", "7"), queue.set))


def respond(action: "Callable[[], Answer]") -> func.HttpResponse:
    """Carry a door's answer over to the platform's type."""
    from retrain.doors.http import answered, as_text

    answer = answered(action)
    return func.HttpResponse(
        as_text(answer), status_code=answer.status, mimetype=answer.media_type, headers=answer.headers
    )
