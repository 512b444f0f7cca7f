"""The identity that services have is never the app's own, however its id is spelled."""

from __future__ import annotations

import pytest

from retrain.adapters.azure.pull_identity import refuse_identity_of_app
from retrain.errors import ConfigError
from retrain.settings import parse

OWN = "aaaaaaaa-1111-1111-1111-11111111111a"


@pytest.mark.parametrize("spelled", [OWN, OWN.upper()])
def test_the_identity_of_the_app_is_refused_in_any_case_of_letters(spelled: str):
    """Azure compares ids without regard to it; whoever breaks into a service would own the data."""
    with pytest.raises(ConfigError, match="is the identity of the app itself"):
        refuse_identity_of_app({"clientId": OWN}, parse({"TRANSACTIONS_STORAGE__clientId": spelled}))


@pytest.mark.parametrize("found", [{"clientId": OWN.replace("a", "b")}, {}])
def test_another_identity_is_taken(found: dict[str, str]):
    """Also one that tells no id."""
    settings = parse({"TRANSACTIONS_STORAGE__clientId": OWN})

    assert refuse_identity_of_app(found, settings) is None  # type: ignore[func-returns-value]
