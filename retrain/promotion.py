"""The other story: a model that won becomes a version, and the version becomes the champion.

The pointer moves last: whatever fails before that leaves the old champion as it was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from retrain import __version__
from retrain.ledger import Ledger, Pointer, Reign
from retrain.registry import Lineage, RegisteredModel, Registry

if TYPE_CHECKING:
    from retrain.fit import FittedModel
    from retrain.ports import Ports
    from retrain.series import DailySeries


def promote(
    winner: FittedModel, series: DailySeries, pointer: Pointer, name: str, run_id: str, ports: Ports
) -> RegisteredModel:
    """Register -> switch.

    Args:
        winner: fitted to every day of `series`.
        pointer: as it was when the comparison began.
    Raises: Conflict if another champion was crowned meanwhile: this model has not been compared with it.
    """
    lineage = Lineage(
        data_sha256=series.sha256,
        trained_from=series.first_day,
        trained_through=series.last_day,
        order=str(winner.order),
        code_version=__version__,
    )
    facts = {
        **winner.model.facts,
        "name": name,
        "parameters": winner.parameters,
        "lineage": lineage.as_json(),
    }
    artifact = replace(winner.model, facts=facts).to_json()
    registered = Registry(ports.state, name).register(artifact, lineage, run_id, ports.now())
    Ledger(ports.state).switch(pointer, Reign(registered.version, ports.now(), run_id))
    return registered
