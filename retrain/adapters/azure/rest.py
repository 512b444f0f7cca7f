"""Plain calls of Azure's REST interfaces, for the few resources that no SDK of this project knows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from retrain.adapters.azure.arm import arm_bounds, translated
from retrain.adapters.azure.credentials import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.settings import Settings

NOTHING: Mapping[str, str] = MappingProxyType({})
STORAGE_SCOPE = "https://storage.azure.com/.default"


class Rest:
    """One service at one address; its connections are kept until `close`.

    Args: scope: for which this process signs in; empty where each call brings its own token.
    """

    def __init__(self, url: str, scope: str = "", client_id: str | None = None) -> None:
        from azure.mgmt.core import ARMPipelineClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        bounds = arm_bounds()
        signing = [ARMChallengeAuthenticationPolicy(sign_in(client_id), scope)] if scope else []
        self._client: Any = ARMPipelineClient(base_url=url, policies=_policies(signing, bounds), **bounds)
        self._url = url.rstrip("/")

    def close(self) -> None:
        """End its connections."""
        self._client.close()

    def get(self, path: str, what: str, **query: str) -> dict[str, Any]:
        """The object at a path.

        Args:
            path: from the host on, beginning with a slash.
            what: what is being done and to which resource, for the message of an error.
            query: of the address, for example `api_version`, whose underscore becomes a hyphen.

        Raises: NotFound; AccessDenied; ServiceUnavailable; ServiceError.
        """
        return self.call("GET", path, what, query=query)

    def post(self, path: str, what: str, body: Any = None, **query: str) -> dict[str, Any]:
        """The answer to an action. See `get`."""
        return self.call("POST", path, what, body, query)

    def put(self, path: str, what: str, body: Any, **query: str) -> dict[str, Any]:
        """The resource as it is after it was created or replaced. See `get`."""
        return self.call("PUT", path, what, body, query)

    def delete(self, path: str, what: str, **query: str) -> None:
        """Remove what is at a path; nothing happens if nothing is there. See `get`."""
        self.call("DELETE", path, what, query=query)

    def listed(self, path: str, what: str, **query: str) -> Iterator[dict[str, Any]]:
        """The objects of a list, page after page. See `get`."""
        page = self.get(path, what, **query)
        while True:
            yield from page.get("value") or []
            following = urlsplit(str(page.get("nextLink") or ""))
            if not following.path:
                return
            page = self.get(f"{following.path}?{following.query}", what)

    def call(
        self,
        method: str,
        path: str,
        what: str,
        body: Any = None,
        query: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """The JSON object that a request is answered with; empty if the answer is not one. See `get`.

        Args: form: the fields of a form, which is sent instead of a body.
        """
        from azure.core.exceptions import HttpResponseError, map_error
        from azure.core.rest import HttpRequest
        from azure.mgmt.core.exceptions import ARMErrorFormat

        asked = {name.replace("_", "-"): value for name, value in query.items()}
        sent: dict[str, Any] = {"json": body} if form is None else {"data": dict(form)}
        request = HttpRequest(method, f"{self._url}{path}", params=asked, headers=dict(headers), **sent)
        with translated(what):
            response = self._client.send_request(request)
            if response.status_code >= 400:
                map_error(response.status_code, response, _kinds())
                raise HttpResponseError(response=response, error_format=ARMErrorFormat)
            if "json" not in response.headers.get("Content-Type", ""):
                return {}
            found = response.json() if response.content else {}
        return found if isinstance(found, dict) else {}


def arm(settings: Settings) -> Rest:
    """Azure Resource Manager."""
    url = settings.azure.arm_url
    return Rest(url, f"{url}/.default", settings.storage.client_id)


def storage(url: str, settings: Settings) -> Rest:
    """A service of the storage account that the settings have no client for, such as its queues."""
    return Rest(url, STORAGE_SCOPE, settings.storage.client_id)


def resource_group(settings: Settings) -> str:
    """The path of the resource group."""
    return f"/subscriptions/{settings.azure.subscription}/resourceGroups/{settings.azure.resource_group}"


def _policies(signing: list[Any], bounds: Mapping[str, Any]) -> list[Any]:
    from azure.core.pipeline.policies import RequestIdPolicy, RetryPolicy, UserAgentPolicy

    retries = RetryPolicy(retry_total=bounds["retry_total"])
    return [RequestIdPolicy(), UserAgentPolicy("retrain"), retries, *bounds["per_retry_policies"], *signing]


def _kinds() -> dict[int, Any]:
    from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError

    return {401: ClientAuthenticationError, 404: ResourceNotFoundError}
