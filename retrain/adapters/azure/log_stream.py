"""The last lines of a replica of a container app, which Azure gives for a token of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retrain.adapters.azure.arm import bounds
from retrain.ports import LOG_LINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.mgmt.appcontainers import ContainerAppsAPIClient


def read_log(client: ContainerAppsAPIClient, group: str, app: str, replicas: Sequence[Any]) -> list[str]:
    """The last lines of the first replica that has any; none if there is no replica.

    Its parameters are those of `az containerapp logs show`. Raises: what the SDK raises.
    """
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    containers = [one for replica in replicas for one in (replica.containers or [])]
    streams = [str(one.log_stream_endpoint) for one in containers if one.log_stream_endpoint]
    if not streams:
        return []
    token = client.container_apps.get_auth_token(group, app).token
    asked = {"follow": "false", "output": "text", "tailLines": str(LOG_LINES)}
    for stream in streams:
        # A client of its own: that of Resource Manager would send its own token there.
        with PipelineClient[HttpRequest, Any](stream, **bounds()) as plain:
            request = HttpRequest("GET", stream, params=asked, headers={"Authorization": f"Bearer {token}"})
            answer = plain.send_request(request)
            answer.raise_for_status()
            lines = str(answer.text()).splitlines()
        if lines:
            return lines
    return []
