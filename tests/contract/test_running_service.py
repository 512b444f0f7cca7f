"""What every platform promises of a service that runs; nothing here changes it, so one of each kind is enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from retrain.arima.ensemble import fit_pinned
from retrain.arima.order import Order
from retrain.errors import ServiceError
from retrain.promotion.client import ask
from retrain.promotion.verify import prove
from tests.builders import series, weekly
from tests.contract.conftest import KINDS, empty
from tests.contract.test_platform import model, ready

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from retrain.ports import Platform, Service
    from scoring.model import ForecastModel


@pytest.fixture(scope="module", params=KINDS)
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of each kind, for all tests of this module."""
    with empty(request.param, tmp_path_factory.mktemp(request.param), request) as made:
        yield made


@pytest.fixture(scope="module")
def service(platform: Platform) -> Service:
    """The one that runs on it."""
    return ready(platform)


def test_it_answers_as_itself(service: Service):
    """Under its own key, and only under it."""
    prove(service, model())
    with pytest.raises(ServiceError, match=r"does not know the key|refuses|no object"):
        ask(replace(service, key="another key"), "/score", {"data": [1]})


def test_deploying_again_changes_nothing(platform: Platform, service: Service):
    """One service a name: the same address and key."""
    assert ready(platform) == service
    assert platform.services() == [service]


def test_it_is_found_by_what_is_on_record(platform: Platform, service: Service):
    """So that a forecast asks no control plane; there is no other version."""
    assert platform.find("3") == service
    assert platform.find("4") is None


@pytest.mark.usefixtures("service")
def test_it_has_a_log(platform: Platform):
    """Lines, few of them, and none for a service that never was."""
    assert all(isinstance(line, str) for line in platform.log("m-v3"))
    assert not platform.is_running("m-v9")


def test_other_numbers_are_no_proof(service: Service):
    """A service that forecasts anything but its artifact's own is found out."""
    other = fit_pinned(Order(1, 0, 0, mean=True), series(weekly(60, seed=5)), 7).model

    with pytest.raises(ServiceError, match="other numbers than its artifact"):
        prove(service, other)


def test_the_same_model_some_days_later_is_no_proof_either(service: Service):
    """The dates count too."""
    later: ForecastModel = model().observe([float("nan")])

    with pytest.raises(ServiceError):
        prove(service, later)


def test_the_key_goes_to_the_service_and_nowhere_else(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Neither through a proxy of the environment nor beside the credentials of a netrc."""
    (tmp_path / "netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    prove(service, model())
