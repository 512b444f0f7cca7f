"""ACR Tasks: a build context is fetched from storage, built, and gets its digest."""

from __future__ import annotations

import itertools
import secrets
import threading
from typing import TYPE_CHECKING, Any

from tests.azure.emulator.documents import moment
from tests.azure.emulator.images import BuildFailed
from tests.azure.emulator.routes import ArmError
from tests.azure.emulator.web import Request, Response
from tests.azure.emulator.world import LOCATION, PROVIDERS, REGISTRY

if TYPE_CHECKING:
    from tests.azure.emulator.images import Image
    from tests.azure.emulator.world import World

CONTAINER = "acr"
ENDED = ("Succeeded", "Failed", "Canceled", "Error", "Timeout")


class Registry:
    """One thread a build."""

    def __init__(self, world: World) -> None:
        self._world, self._numbers = world, itertools.count(1)
        self._threads: list[threading.Thread] = []
        base = f"Microsoft.ContainerRegistry/registries/{REGISTRY}"
        world.routes.add("GET", base, self._registry)
        world.routes.add("POST", f"{base}/listBuildSourceUploadUrl", self._upload_url)
        world.routes.add("POST", f"{base}/scheduleRun", self._schedule)
        world.routes.add("GET", f"{base}/runs", self._list)
        world.routes.add("GET", f"{base}/runs/{{run}}", self._get)
        world.routes.add("POST", f"{base}/runs/{{run}}/cancel", self._cancel)
        world.routes.add("POST", f"{base}/runs/{{run}}/listLogSasUrl", self._log_url)

    def close(self) -> None:
        """Wait for the builds."""
        for thread in self._threads:
            thread.join()

    def _registry(self, request: Request) -> Response:
        mode = "AbacRepositoryPermissions" if self._world.switches.abac else "LegacyRegistryPermissions"
        # Its own interface answers here too; images keep the name that a registry of Azure would have.
        properties = {"loginServer": self._world.arm_url.partition("//")[2], "roleAssignmentMode": mode}
        where = {"id": request.path, "name": REGISTRY, "location": LOCATION}
        return Response(200, {**where, "properties": {**properties, "provisioningState": "Succeeded"}})

    def _upload_url(self, _request: Request) -> Response:
        name = f"source/{secrets.token_hex(16)}.tar.gz"
        link = self._world.storage.link(CONTAINER, name, write=True)
        return Response(200, {"uploadUrl": link, "relativePath": name})

    def _schedule(self, request: Request) -> Response:
        body = request.json or {}
        if body.get("type") != "DockerBuildRequest" or not body.get("sourceLocation"):
            raise ArmError(400, "InvalidRequest", "only a DockerBuildRequest with a sourceLocation is emulated")
        run = f"ca{next(self._numbers)}"
        path = _path(run)
        facts = {"runId": run, "status": "Queued", "runType": "QuickBuild", "createTime": moment()}
        document, _ = self._world.documents.put(path, {"properties": {**facts, "provisioningState": "Succeeded"}})
        thread = threading.Thread(target=self._build, args=(path, run, body), daemon=True)
        self._threads.append(thread)
        thread.start()
        return Response(200, document)

    def _list(self, _request: Request) -> Response:
        return Response(200, {"value": self._world.documents.children(_path("").rstrip("/"))})

    def _get(self, _request: Request, run: str) -> Response:
        return Response(200, self._world.documents.get(_path(run)))

    def _cancel(self, _request: Request, run: str) -> Response:
        self._end(_path(run), status="Canceled", finishTime=moment())
        return Response(200)

    def _log_url(self, _request: Request, run: str) -> Response:
        self._world.documents.get(_path(run))
        return Response(200, {"logLink": self._world.storage.link(CONTAINER, _log(run))})

    def _build(self, path: str, run: str, body: dict[str, Any]) -> None:
        names, log = body.get("imageNames") or [], [f"{moment()} Downloading source code..."]
        self._world.timeline.note(f"build {run} of {', '.join(names)} started")
        self._end(path, status="Running", startTime=moment())
        ended: dict[str, Any] = {"status": "Succeeded"}
        try:
            images = self._images(body, names, log)
            ended["outputImages"] = [_described(self._world.images.server, image) for image in images]
        except Exception as exc:  # noqa: BLE001 - whatever it is, the run has failed and its log says why
            message = str(exc) if isinstance(exc, BuildFailed) else f"failed to download context: {exc}"
            log.append(f"Error: failed during run, err: {message}")
            ended = {"status": "Failed", "runErrorMessage": "failed during run, err: exit status 1"}
        # The log first: whoever learns that the run has ended may read it at once.
        self._world.storage.write(CONTAINER, _log(run), ("\n".join(log) + "\n").encode())
        self._end(path, **ended, finishTime=moment())
        digest = next((image["digest"] for image in ended.get("outputImages", [])), log[-1])
        self._world.timeline.note(f"build {run} ended {ended['status']}: {digest}")

    def _images(self, body: dict[str, Any], names: list[str], log: list[str]) -> list[Image]:
        context = self._world.storage.read(CONTAINER, body["sourceLocation"])
        if self._world.switches.broken_build:
            log.append("Step 1/1 : RUN pip install --no-cache-dir --require-hashes")
            raise BuildFailed("THESE PACKAGES DO NOT MATCH THE HASHES: exit status 1")
        source = ((body.get("credentials") or {}).get("sourceRegistry") or {}).get("identity")
        if self._world.switches.abac and source != "[caller]":
            raise BuildFailed("denied: requested access to the resource is denied")
        return self._world.images.build(context, body.get("dockerFilePath") or "Dockerfile", names, log)

    def _end(self, path: str, **changes: Any) -> None:
        def change(document: dict[str, Any]) -> None:
            # A run that was canceled stays so, whatever its build still does.
            if document["properties"]["status"] not in ENDED:
                document["properties"].update(changes)

        self._world.documents.change(path, change)


def _path(run: str) -> str:
    return f"{PROVIDERS}Microsoft.ContainerRegistry/registries/{REGISTRY}/runs/{run}"


def _log(run: str) -> str:
    return f"logs/{run}/rawtext.log"


def _described(server: str, image: Image) -> dict[str, str]:
    return {"registry": server, "repository": image.repository, "tag": image.tag, "digest": image.digest}
