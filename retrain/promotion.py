"""The other story: a model that won is made to answer, step by step.

    register -> build -> deploy -> prove -> switch -> confirm -> retire

Every step may be repeated, and is written down before the next begins, so that a promotion which was killed is
simply made again. The pointer moves only after the new service has given the artifact's own forecast; the old one
answers until then. What fails before the switch removes what it deployed; what fails just after it moves the
pointer back.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from retrain import __version__
from retrain.errors import Bug, Conflict, NotFound, PromotionFailed, RetrainError
from retrain.image import build_context
from retrain.ledger import NOBODY, Ledger, Pointer, Reign
from retrain.ports import ABSENT
from retrain.proof import confirm, prove, wait_until_ready
from retrain.registry import Lineage, RegisteredModel, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.fit import FittedModel
    from retrain.ports import Ports
    from retrain.series import DailySeries
    from retrain.settings import Settings


@dataclass(slots=True)
class Promotion:
    """What is to answer, instead of whom, and how far it has come.

    Attributes:
        reason: why it should be champion.
        over: the champion that it was measured against; None for the first.
        steps: what each finished step came to.
    """

    run_id: str
    reason: str
    artifact_sha256: str
    lineage: dict[str, str]
    over: str | None
    steps: dict[str, Any] = field(default_factory=dict)
    step: str = ""

    @contextmanager
    def taking(self, step: str, ports: Ports) -> Iterator[dict[str, Any]]:
        """Take a step and write down what it came to."""
        self.step, outcome = step, dict[str, Any]()
        ports.progress(step, "")
        yield outcome
        self.steps[step] = {"at": ports.now().isoformat(), **outcome}
        self.note(ports)

    def note(self, ports: Ports) -> None:
        """Write down how far it has come."""
        record = {name: getattr(self, name) for name in self.__slots__}
        Ledger(ports.state).note_promotion(self.run_id, record)


def submit(
    winner: FittedModel,
    series: DailySeries,
    pointer: Pointer,
    reason: str,
    run_id: str,
    settings: Settings,
    ports: Ports,
) -> None:
    """Keep the winner's artifact and write down that it is to be promoted.

    Args:
        winner: fitted to every day of `series`.
        pointer: as it was when the comparison began.
    """
    lineage = Lineage(
        data_sha256=series.sha256,
        trained_from=series.first_day,
        trained_through=series.last_day,
        order=str(winner.order),
        code_version=__version__,
    ).as_json()
    facts = {**winner.model.facts, "name": settings.model_name, "parameters": winner.parameters, "lineage": lineage}
    artifact = replace(winner.model, facts=facts).to_json()
    digest = Registry(ports.state, settings.model_name).keep(artifact)
    over = pointer.champion.version if pointer.champion else None
    if pointer.etag == ABSENT:
        Ledger(ports.state).found()
    Promotion(run_id, reason, digest, lineage, over).note(ports)


def promote(run_id: str, settings: Settings, ports: Ports) -> RegisteredModel:
    """Make the model that a run has submitted the champion, or go on with that.

    Raises: NotFound if the run has submitted none; PromotionFailed with the step, the reason and the service's last
        lines, the champion being as it was.
    """
    record = Ledger(ports.state).promotion(run_id)
    if record is None:
        raise NotFound(f"run {run_id} has no model to promote; `retrain show {run_id}` tells its verdict")
    promotion = Promotion(**record)
    registry = Registry(ports.state, settings.model_name)
    with promotion.taking("register", ports) as outcome:
        lineage = Lineage.from_json(promotion.lineage)
        model = registry.register(promotion.artifact_sha256, lineage, run_id, ports.now())
        outcome["version"] = model.version
    return _crown(promotion, model, settings, ports)


def rollback(to: str | None, run_id: str, settings: Settings, ports: Ports) -> RegisteredModel:
    """Make an earlier version champion again, starting its service if need be.

    Args: to: a registered version; None for the champion before the present one.
    Raises: NotFound if there is no such version; PromotionFailed as for a promotion.
    """
    pointer = Ledger(ports.state).pointer()
    earlier = [version for version in pointer.versions if pointer.champion and version != pointer.champion.version]
    if to is None and not earlier:
        raise NotFound("there is no earlier champion to go back to; `retrain champion` tells the present one")
    model = Registry(ports.state, settings.model_name).get(to or earlier[0])
    over = pointer.champion.version if pointer.champion else None
    reason = f"Back from version {over or 'none'} to {model.version}."
    promotion = Promotion(run_id, reason, model.artifact_sha256, model.lineage.as_json(), over)
    return _crown(promotion, model, settings, ports)


def service_name(model: RegisteredModel) -> str:
    """One service a version."""
    return f"{model.name}-v{model.version}"


def _crown(promotion: Promotion, model: RegisteredModel, settings: Settings, ports: Ports) -> RegisteredModel:
    name, registry = service_name(model), Registry(ports.state, model.name)
    reigns = _reigns(Ledger(ports.state).pointer(), promotion, model)
    try:
        with promotion.taking("build", ports) as outcome:
            image = ports.platform.build(name, build_context(model, registry.artifact(model)))
            outcome["image"] = image
        with promotion.taking("deploy", ports) as outcome:
            service = ports.platform.deploy(name, model.version, image)
            outcome["service"] = service.url
        with promotion.taking("prove", ports):
            loaded = registry.load(model)
            wait_until_ready(service, ports.platform, settings.ready_seconds)
            prove(service, loaded)
        with promotion.taking("switch", ports):
            if not reigns:
                _switch(promotion, model, ports)
        with promotion.taking("confirm", ports):
            confirm(service, loaded, ports.platform, settings.confirm_seconds)
    except Exception as error:  # the door of the steps: whatever it is, things are left as they were
        log = _last_lines(name, ports)
        if not reigns:
            _undo(promotion, model, settings, ports)
        told = error if isinstance(error, RetrainError) else Bug(error)
        raise PromotionFailed(promotion.step, str(told), log) from error
    with promotion.taking("retire", ports) as outcome:
        try:
            outcome["removed"] = _retire(settings.keep_services, ports)
        except RetrainError as error:  # the new champion answers; the next promotion retires what is left
            outcome["failed"] = str(error)
    return model


def _reigns(pointer: Pointer, promotion: Promotion, model: RegisteredModel) -> bool:
    """Whether the version is champion already, and not only by this promotion's own unconfirmed switch."""
    champion = pointer.champion
    unconfirmed = _is_ours(pointer, promotion, model) and "confirm" not in promotion.steps
    return champion is not None and champion.version == model.version and not unconfirmed


def _switch(promotion: Promotion, model: RegisteredModel, ports: Ports) -> None:
    """Raises: Conflict if somebody else was crowned since: this model has not been compared with that one."""
    ledger = Ledger(ports.state)
    pointer = ledger.pointer()
    if _is_ours(pointer, promotion, model):
        return
    now_champion = pointer.champion.version if pointer.champion else None
    if now_champion != promotion.over:
        raise Conflict(
            f"version {now_champion} became champion meanwhile, and this model was measured against "
            f"{promotion.over}; retrain again"
        )
    ledger.switch(pointer, Reign(model.version, ports.now(), promotion.run_id))


def _is_ours(pointer: Pointer, promotion: Promotion, model: RegisteredModel) -> bool:
    champion = pointer.champion
    return champion is not None and (champion.version, champion.run_id) == (model.version, promotion.run_id)


def _undo(promotion: Promotion, model: RegisteredModel, settings: Settings, ports: Ports) -> None:
    """Leave things as they were: the old champion named, the new service gone unless it was wanted before."""
    ledger = Ledger(ports.state)
    with suppress(RetrainError):
        pointer = ledger.pointer()
        if _is_ours(pointer, promotion, model):
            ledger.switch(pointer, Reign(promotion.over or NOBODY, ports.now(), promotion.run_id))
    with suppress(RetrainError):  # what is left behind is removed when the next promotion retires
        if model.version not in ledger.pointer().versions[: settings.keep_services]:
            ports.platform.remove(service_name(model))


def _last_lines(name: str, ports: Ports) -> list[str]:
    try:
        return ports.platform.log(name)
    except RetrainError:
        return []


def _retire(keep: int, ports: Ports) -> list[str]:
    """Stop every service but those of the last champions."""
    kept = Ledger(ports.state).pointer().versions[:keep]
    removed = [service.name for service in ports.platform.services() if service.version not in kept]
    for name in removed:
        ports.platform.remove(name)
    return removed
