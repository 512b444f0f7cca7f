"""What the catalogue tells of a version: where it comes from, how it measured, what it runs as, when it reigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrain.records.ledger import Ledger
from retrain.records.registry import artifact_name

if TYPE_CHECKING:
    from retrain.ports import Ports
    from retrain.records.registry import RegisteredModel
    from retrain.settings import Settings

METRICS = ("rmse", "mae", "mase", "r2")


def list_version(model: RegisteredModel, settings: Settings, ports: Ports) -> None:
    """List a version with its lineage and its metrics on the unseen days."""
    report = Ledger(ports.state).report(model.run_id) or {}
    card = report.get("challenger") or {}
    metrics = {name: f"{card[name]:.6g}" for name in METRICS if card.get(name) is not None}
    facts = {**model.lineage.as_json(), "artifact_sha256": model.artifact_sha256, "run": model.run_id, **metrics}
    commit = {"git_commit": settings.azure.commit} if settings.azure.commit else {}
    tell(model, ports, **facts, **commit)


def list_image(model: RegisteredModel, image: str, ports: Ports) -> None:
    """List the image of a version, and name it beside the version."""
    if ports.catalog is not None:
        ports.catalog.show_image(model.name, model.version, image)
    tell(model, ports, image=image)


def list_reigns(model: RegisteredModel, over: RegisteredModel | None, ports: Ports) -> None:
    """Say who is champion, and since when the one before is not."""
    champion = Ledger(ports.state).pointer().champion
    if champion is None or champion.version != model.version:
        return
    since = champion.since.isoformat()
    tell(model, ports, champion="yes", champion_since=since)
    if over is not None and over.version != model.version:
        tell(over, ports, champion="no", champion_until=since)


def tell(model: RegisteredModel, ports: Ports, **facts: str) -> None:
    """Add to what is told of a version, where there is a catalogue."""
    if ports.catalog is not None:
        ports.catalog.show_model(model.name, model.version, artifact_name(model.artifact_sha256), facts)
