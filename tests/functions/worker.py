"""Drives the genuine Python worker of Azure Functions: it loads, indexes and invokes `function_app.py`.

There is no .NET host here, so there is no polling, no retry, no routing; what the host would send is made by hand.
Only attributes of the host's protobuf messages are read by the worker, so plain objects stand in for them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import uuid
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import azure_functions_runtime as runtime

if TYPE_CHECKING:
    from pathlib import Path


class Message(SimpleNamespace):
    """A protobuf message as the worker sees one: fields by keyword."""


class TypedData:
    """One value of a named kind."""

    def __init__(self, **field: Any) -> None:
        self.kind: str | None = None
        self.value: Any = None
        for self.kind, self.value in field.items():
            setattr(self, self.kind, self.value)

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - protobuf's name
        return self.kind


class ParameterBinding(Message):
    """A value bound to an argument."""

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - protobuf's name
        return "data"


class Protos:
    """The names that the worker looks up in its protobuf module."""

    TypedData, ParameterBinding = TypedData, ParameterBinding
    RpcHttp = RpcException = RpcFunctionMetadata = RpcRetryOptions = WorkerMetadata = Message
    WorkerInitResponse = FunctionMetadataResponse = FunctionLoadResponse = InvocationResponse = Message
    NullableString = NullableBool = NullableDouble = NullableTimestamp = Message

    class BindingInfo(Message):
        undefined, out, inout = 0, 1, 2

    class StatusResult(Message):
        Failure, Success = 0, 1

    class RpcHttpCookie(Message):
        SameSite = SimpleNamespace(Lax=1, Strict=2, ExplicitNone=3, **{"None": 0})


class InvocationFailed(Exception):
    """What the host would log, and retry where the trigger allows it."""


@dataclass(frozen=True)
class HttpAnswer:
    """An HTTP response and what the function put on its queue."""

    status: int
    headers: dict[str, str]
    body: Any
    queued: str | None


class Worker:
    """One loaded Function App.

    Attributes:
        trace_parent: what the host says of the trace of each invocation; empty where it says nothing.
    """

    trace_parent = ""

    def __init__(self, app: Path) -> None:
        sys.modules.pop("function_app", None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        runtime.start_threadpool_executor()
        sys.path.insert(0, str(app))
        try:
            request = Message(capabilities={}, function_app_directory=str(app))
            self._ask(runtime.worker_init_request, worker_init_request=request)
        finally:
            sys.path.remove(str(app))
        found = self._ask(runtime.functions_metadata_request).function_metadata_results or []
        self.functions = {function.name: function for function in found}
        for function in found:
            request = Message(function_id=function.function_id)
            self._ask(runtime.function_load_request, function_load_request=request)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        runtime.stop_threadpool_executor()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def bindings(self, function: str) -> dict[str, dict[str, Any]]:
        """A function's bindings by their type."""
        parsed = (json.loads(raw) for raw in self.functions[function].raw_bindings)
        return {binding["type"]: binding for binding in parsed}

    def blob(self, function: str, container: str, name: str, connection: str) -> None:
        """A blob landed: the host sends where it is, not what is in it."""
        content = json.dumps({"Connection": connection, "ContainerName": container, "BlobName": name})
        reference = Message(
            version="1.0", source="AzureStorageBlobs", content_type="application/json", content=content
        )
        self._invoke(function, "blobTrigger", TypedData(model_binding_data=reference))

    def timer(self, function: str, *, past_due: bool = False) -> None:
        """The schedule fired."""
        status = {
            "Last": "0001-01-01T00:00:00",
            "Next": "2026-01-01T03:00:00",
            "LastUpdated": "0001-01-01T00:00:00",
        }
        timer = {"Schedule": {"AdjustForDST": True}, "IsPastDue": past_due, "ScheduleStatus": status}
        self._invoke(function, "timerTrigger", TypedData(json=json.dumps(timer)))

    def queue(self, function: str, body: str) -> None:
        """A message came off the queue."""
        metadata = {
            "Id": TypedData(string="id-1"),
            "DequeueCount": TypedData(string="1"),
            "PopReceipt": TypedData(string="pr"),
            "InsertionTime": TypedData(json='"2026-01-01T00:00:00+00:00"'),
            "ExpirationTime": TypedData(json='"2026-01-08T00:00:00+00:00"'),
            "NextVisibleTime": TypedData(json='"2026-01-01T00:10:00+00:00"'),
        }
        self._invoke(function, "queueTrigger", TypedData(string=body), metadata)

    def http(
        self,
        function: str,
        method: str,
        body: bytes = b"",
        route: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        **query: str,
    ) -> HttpAnswer:
        """A request came in on the function's route."""
        request = Message(
            method=method, url="http://localhost/api", headers=headers or {}, params=route or {}, query=query,
            body=TypedData(bytes=body),
        )  # fmt: skip
        response = self._invoke(function, "httpTrigger", TypedData(http=request))
        http = response.return_value.http
        queued = next((item.data.value for item in response.output_data), None)
        said = http.body.value
        is_page = http.headers["content-type"].startswith("text/html")
        return HttpAnswer(
            int(http.status_code), http.headers, said.decode() if is_page else json.loads(said), queued
        )

    def _invoke(
        self, function: str, trigger: str, data: TypedData, metadata: dict[str, TypedData] | None = None
    ) -> Any:
        argument = self.bindings(function)[trigger]["name"]
        request = Message(
            invocation_id=str(uuid.uuid4()),
            function_id=self.functions[function].function_id,
            input_data=[ParameterBinding(name=argument, data=data)],
            trigger_metadata=metadata or {},
            trace_context=Message(trace_parent=self.trace_parent, trace_state="", attributes={}),
            retry_context=Message(retry_count=0, max_retry_count=0, exception=None),
        )
        return self._ask(runtime.invocation_request, invocation_request=request)

    def _ask(self, handler: Any, **content: Any) -> Any:
        message = Message(request=Message(**content), properties={"host": "127.0.0.1", "protos": Protos})
        response = asyncio.run_coroutine_threadsafe(handler(message), self._loop).result()
        if response.result.status != Protos.StatusResult.Success:
            raise InvocationFailed(response.result.exception.message)
        return response
