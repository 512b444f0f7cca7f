"""Container Apps: apps with an address, revisions that really run behind it, scaled to zero and woken."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

from tests.azure.emulator import app_rules
from tests.azure.emulator.app_revisions import Running
from tests.azure.emulator.container_instances import variables_of
from tests.azure.emulator.documents import moment, set_state
from tests.azure.emulator.ingress import Ingress
from tests.azure.emulator.routes import ArmError, not_found
from tests.azure.emulator.services import tail
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import ENVIRONMENT, LOCATION, PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azure.emulator.documents import Document
    from tests.azure.emulator.tls import Certificate
    from tests.azure.emulator.world import World

APPS = "Microsoft.App/containerApps"
TOKEN = "a token of the app"
STREAM = "/streams/{app}/{revision}"


class ContainerApps:
    """The apps, their secrets, and the revisions that run."""

    def __init__(self, world: World, certificate: Certificate) -> None:
        self._world, self._certificate = world, certificate
        self._secrets: dict[str, dict[str, str]] = {}
        self._running: dict[str, Running] = {}
        self._fronts: dict[str, Ingress] = {}
        add, app = world.routes.add, f"{APPS}/{{app}}"
        revision = f"{app}/revisions/{{revision}}"
        add("GET", "Microsoft.App/managedEnvironments/{name}", self._environment_of)
        add("PUT", app, self._put)
        add("GET", app, self._get)
        add("DELETE", app, self._delete)
        add("POST", f"{app}/listSecrets", self._list_secrets)
        add("POST", f"{app}/getAuthtoken", self._token)
        add("GET", f"{app}/revisions", self._list_revisions)
        add("POST", f"{revision}/activate", self._activate)
        add("POST", f"{revision}/deactivate", self._deactivate)
        add("POST", f"{revision}/restart", self._restart)
        add("GET", f"{revision}/replicas", self._replicas)
        add("GET", STREAM, self._stream, anywhere=True)

    def services(self) -> list[str]:
        """The services that have a replica whose process or thread is alive."""
        alive = [one.name for one in self._running.values() if one.container is not None and one.container.alive]
        return [re.sub(r"--v(\d+)-.*", r"-v\1", name) for name in alive]

    def scale_to_zero(self) -> None:
        """As after five minutes in which nobody asked: every replica ends, and the next request starts one."""
        for running in self._running.values():
            running.rest()

    def stop_services(self) -> None:
        """End every replica and every address."""
        for name in list(self._running):
            self._running.pop(name).close()
        for name in list(self._fronts):
            self._fronts.pop(name).close()

    def remove_secrets(self) -> None:
        """As a person may do: no app has any more."""
        for held in self._secrets.values():
            held.clear()

    def edit(self, app: str, change: Callable[[Document], Any]) -> None:
        """As a person may do in the portal."""
        self._world.documents.change(_path(app), change)

    def _put(self, request: Request, app: str) -> Response:
        path, body = _path(app), request.json
        with self._world.documents.lock:
            there = self._world.documents.find(path)
            name = app_rules.check(
                self._world, app, body, there, self._world.documents.children(f"{path}/revisions")
            )
            front = self._fronts.setdefault(app.lower(), Ingress(self._certificate, lambda: self._champion(app)))
            shown = _public(body)
            properties = shown["properties"]
            properties["configuration"]["ingress"]["fqdn"] = front.host
            properties |= {"provisioningState": "InProgress", "latestRevisionName": name}
            document, new = self._world.documents.put(path, shown)
            given = body["properties"]["configuration"].get("secrets") or []
            self._secrets[app.lower()] = {one["name"]: one["value"] for one in given}
        is_new = self._world.documents.find(f"{path}/revisions/{name}") is None

        def work() -> None:
            if is_new:
                self._create(app, name, body["properties"]["template"])

        def settle(state: str) -> None:
            self._world.documents.change(path, set_state(state))
            if state != "Succeeded" and is_new:
                self._failed(app, name, body["properties"]["template"])

        return Response(201 if new else 200, document, self._begun(path, work, settle))

    def _environment_of(self, request: Request, name: str) -> Response:
        if name != ENVIRONMENT:
            raise not_found(request.path)
        properties = {"provisioningState": self._world.switches.deployed.apps_environment}
        return Response(200, {"id": request.path, "name": name, "location": LOCATION, "properties": properties})

    def _get(self, _request: Request, app: str) -> Response:
        return Response(200, self._world.documents.get(_path(app)))

    def _delete(self, _request: Request, app: str) -> Response:
        path = _path(app)
        with self._world.documents.lock:
            there = self._world.documents.find(path)
            if there is None:
                return Response(204)
            app_rules.settled(there)
            self._world.documents.change(path, set_state("Deleting"))
        revisions = [one["name"] for one in self._world.documents.children(f"{path}/revisions")]

        def work() -> None:
            for name in revisions:
                if running := self._running.pop(name.lower(), None):
                    running.close()
            self._fronts.pop(app.lower()).close()
            self._secrets.pop(app.lower(), None)

        def settle(state: str) -> None:
            if state == "Succeeded":
                self._world.documents.remove(path)
            else:
                self._world.documents.change(path, set_state("Succeeded"))

        return Response(202, None, self._begun(f"{path}/removal", work, settle))

    def _begun(self, path: str, work: Callable[[], None], settle: Callable[[str], None]) -> dict[str, str]:
        """The headers of an operation, without the time to wait: the SDK reads it as whole seconds here."""
        headers = self._world.operations.start(path, work, settle)
        return {name: value for name, value in headers.items() if name != "Retry-After"}

    def _list_secrets(self, _request: Request, app: str) -> Response:
        self._world.documents.get(_path(app))
        held = self._secrets.get(app.lower(), {})
        return Response(200, {"value": [{"name": name, "value": value} for name, value in held.items()]})

    def _token(self, _request: Request, app: str) -> Response:
        self._world.documents.get(_path(app))
        return Response(200, {"properties": {"token": TOKEN, "expires": moment()}})

    def _list_revisions(self, _request: Request, app: str) -> Response:
        self._world.documents.get(_path(app))
        found = self._world.documents.children(f"{_path(app)}/revisions")
        for document in found:
            self._look(document)
        return Response(200, {"value": found})

    def _activate(self, _request: Request, app: str, revision: str) -> Response:
        self._revision(app, revision)
        self._running[revision.lower()].start()
        self._change(app, revision, active=True, provisioningState="Provisioned")
        return Response(200)

    def _deactivate(self, _request: Request, app: str, revision: str) -> Response:
        self._revision(app, revision)
        self._running[revision.lower()].stop()
        self._change(app, revision, active=False)
        return Response(200)

    def _restart(self, _request: Request, app: str, revision: str) -> Response:
        document = self._revision(app, revision)
        self._running[revision.lower()].restart(self._environment(app, document["properties"]["template"]))
        return Response(200)

    def _replicas(self, _request: Request, app: str, revision: str) -> Response:
        self._revision(app, revision)
        container = self._running[revision.lower()].container
        if container is None:
            return Response(200, {"value": []})
        view = container.view()
        stream = STREAM.format(app=app, revision=revision)
        replica = {
            "name": "scoring",
            "restartCount": view["restartCount"],
            "ready": self._running[revision.lower()].is_ready,
            "runningState": view["currentState"]["state"],
            "logStreamEndpoint": f"{self._world.arm_url}{stream}",
        }
        return Response(200, {"value": [{"name": f"{revision}-1", "properties": {"containers": [replica]}}]})

    def _stream(self, request: Request, app: str, revision: str) -> Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("authorization") != f"Bearer {TOKEN}" or request.query.get("follow") != "false":
            raise ArmError(401, "Unauthorized", "the token of the app is missing, or the stream would never end")
        self._revision(app, revision)
        text = tail(self._running[revision.lower()].log, int(request.query["tailLines"]))
        return Response(200, text.encode(), {"Content-Type": "text/plain"})

    def _create(self, app: str, name: str, template: Document) -> None:
        running, facts = self._launched(app, name, template), {}
        if self._world.switches.app_without_cores:  # Azure says nothing but this, for as long as it takes
            facts["runningStateDetails"] = "0/1 replicas ready."
        else:
            running.start()
        self._keep(app, name, template, running, provisioningState="Provisioned", active=True, **facts)

    def _failed(self, app: str, name: str, template: Document) -> None:
        """A revision that could not be provisioned: it is there, and nothing runs."""
        running = self._launched(app, name, template)
        error = "Deployment Progress Deadline Exceeded. 0/1 replicas ready."
        self._keep(app, name, template, running, provisioningState="Failed", active=True, provisioningError=error)

    def _launched(self, app: str, name: str, template: Document) -> Running:
        return Running.of(self._world, name, template, self._environment(app, template), self._certificate)

    def _keep(self, app: str, name: str, template: Document, running: Running, **facts: Any) -> None:
        self._running[name.lower()] = running
        told = {"createdTime": moment(), "fqdn": running.host, "template": copy.deepcopy(template), **facts}
        if self._world.switches.app_without_address:
            told.pop("fqdn")
        self._world.documents.put(f"{_path(app)}/revisions/{name}", {"properties": told})

    def _environment(self, app: str, template: Document) -> dict[str, str]:
        held, listed = self._secrets.get(app.lower(), {}), template["containers"][0].get("env") or []
        known = {one["name"]: held[one["secretRef"]] for one in listed if "secretRef" in one}
        return variables_of(listed) | known

    def _champion(self, app: str) -> Running | None:
        """The revision that has the traffic."""
        ingress = self._world.documents.get(_path(app))["properties"]["configuration"]["ingress"]
        most = max(ingress["traffic"], key=lambda one: one["weight"])
        return self._running.get(str(most["revisionName"]).lower())

    def _look(self, document: Document) -> None:
        properties, running = document["properties"], self._running.get(document["name"].lower())
        container = running.container if running else None
        state = "Running" if container else "ScaledToZero"
        properties["replicas"] = int(container is not None)
        properties["runningState"] = state if properties["active"] else "Stopped"
        if properties["provisioningState"] == "Failed":
            properties["runningState"] = "Failed"
        healthy = running is not None and running.is_ready
        properties["healthState"] = ("Healthy" if healthy else "Unhealthy") if container else "None"

    def _revision(self, app: str, revision: str) -> Document:
        if revision.lower() not in self._running:
            raise not_found(f"{_path(app)}/revisions/{revision}")
        return self._world.documents.get(f"{_path(app)}/revisions/{revision}")

    def _change(self, app: str, revision: str, **facts: Any) -> None:
        path = f"{_path(app)}/revisions/{revision}"
        self._world.documents.change(path, lambda document: document["properties"].update(facts))


def _path(app: str) -> str:
    return f"{PROVIDERS}{APPS}/{app}"


def _public(body: Document) -> Document:
    """What may be read back of an app: no secret ever."""
    shown = copy.deepcopy(body)
    for secret in shown["properties"]["configuration"].get("secrets") or []:
        secret.pop("value", None)
    return shown
