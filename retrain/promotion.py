"""The other story: a model that won is made to answer, step by step.

    register -> build -> deploy -> prove -> switch -> confirm -> retire

Every step may be repeated, and is written down before the next begins, so that a promotion which was killed is
simply made again. The pointer moves only after the new service has given the artifact's own forecast; the old one
answers until then. What fails before the switch removes what it deployed; what fails just after it moves the
pointer back.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from retrain import catalog
from retrain.errors import Bug, BuildFailed, Conflict, NotFound, PromotionFailed, RetrainError, Unsettled
from retrain.image import build_context
from retrain.ledger import NOBODY, Ledger, Pointer, Reign
from retrain.proof import answers, confirm, prove, wait_until_ready
from retrain.registry import Lineage, RegisteredModel, Registry, service_name
from retrain.submission import Promotion

if TYPE_CHECKING:
    from retrain.ports import Ports, Service
    from retrain.settings import Settings
    from scoring.model import ForecastModel

REGISTER, DEPLOY = "register", "deploy"
"""The two halves in which a job promotes; the second takes every step after the first."""
STEPS = ("submit", REGISTER, "build", DEPLOY, "prove", "switch", "confirm", "retire")
LOG_LINES = 20


def promote(run_id: str, settings: Settings, ports: Ports, half: str | None = None) -> RegisteredModel:
    """Make the model that a run has submitted the champion, or go on with that.

    Args: half: REGISTER to stop once it is registered; DEPLOY or None to go all the way.
    Raises: NotFound if the run has submitted none; PromotionFailed with the step, the reason and the service's last
        lines, the champion being as it was.
    """
    promotion = Promotion.of(run_id, ports)
    model = _register(promotion, settings, ports)
    return model if half == REGISTER else _crown(promotion, model, settings, ports)


def _register(promotion: Promotion, settings: Settings, ports: Ports) -> RegisteredModel:
    registry = Registry(ports.state, settings.model_name)
    lineage = Lineage.from_json(promotion.lineage)
    try:
        with promotion.taking(REGISTER, ports) as outcome:
            model = registry.register(promotion.artifact_sha256, lineage, promotion.run_id, ports.now())
            catalog.list_version(model, settings, ports)
            outcome["version"] = model.version
    except RetrainError as error:
        raise PromotionFailed(REGISTER, str(error), []) from error
    return model


def give_up(run_id: str, why: str, settings: Settings, ports: Ports) -> str:
    """Leave things as they were before a promotion that nobody goes on with, and name the step it died at.

    Raises: Unsettled if the pointer had moved and could not be moved back.
    """
    promotion = Promotion.of(run_id, ports)
    registered = promotion.steps.get(REGISTER)
    if registered is not None:
        model = Registry(ports.state, settings.model_name).get(registered["version"])
        if not _reigns(Ledger(ports.state).pointer(), promotion, model):
            _undo(promotion, model, why, settings, ports)
    steps = STEPS if ports.jobs is not None else STEPS[1:]
    return next((step for step in steps if step not in promotion.steps), steps[-1])


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


def _crown(promotion: Promotion, model: RegisteredModel, settings: Settings, ports: Ports) -> RegisteredModel:
    name, registry = service_name(model.name, model.version), Registry(ports.state, model.name)
    reigns = _reigns(Ledger(ports.state).pointer(), promotion, model)
    try:
        loaded = registry.load(model)
        service = _answering(model, loaded, ports) or _started(promotion, model, ports)
        with promotion.taking("prove", ports) as outcome:
            wait_until_ready(service, ports.platform, settings.ready_seconds)
            prove(service, loaded)
            outcome["service"] = service.url
        with promotion.taking("switch", ports):
            if not reigns:
                _switch(promotion, model, ports)
            ports.platform.point_to(name)
        with promotion.taking("confirm", ports):
            confirm(service, loaded, ports.platform, settings.confirm_seconds)
    except Exception as error:  # the door of the steps: whatever it is, things are left as they were
        log = error.log.splitlines()[-LOG_LINES:] if isinstance(error, BuildFailed) else _last_lines(name, ports)
        told = error if isinstance(error, RetrainError) else Bug(error)
        if not reigns:
            _undo(promotion, model, f"promotion failed at {promotion.step}: {told}", settings, ports)
        raise PromotionFailed(promotion.step, str(told), log) from error
    _retire(promotion, model, settings, ports)
    return model


def _answering(model: RegisteredModel, loaded: ForecastModel, ports: Ports) -> Service | None:
    """The version's service, if it has one that proves itself: it must not be replaced by one that has not."""
    service = ports.platform.find(model.version)
    return service if service is not None and answers(service, loaded) else None


def _started(promotion: Promotion, model: RegisteredModel, ports: Ports) -> Service:
    return _deploy(promotion, model, _build(promotion, model, ports), ports)


def _build(promotion: Promotion, model: RegisteredModel, ports: Ports) -> str:
    ledger, artifact = Ledger(ports.state), Registry(ports.state, model.name).artifact(model)
    with promotion.taking("build", ports) as outcome:
        try:
            image = ports.platform.build(model.name, model.version, build_context(model, artifact))
        except BuildFailed as error:
            ledger.keep_build_log(promotion.run_id, error.log)
            raise
        if image.log:
            ledger.keep_build_log(promotion.run_id, image.log)
        catalog.list_image(model, image.reference, ports)
        outcome["image"] = image.reference
    return image.reference


def _deploy(promotion: Promotion, model: RegisteredModel, image: str, ports: Ports) -> Service:
    with promotion.taking(DEPLOY, ports) as outcome:
        service = ports.platform.deploy(service_name(model.name, model.version), model.version, image)
        catalog.tell(model, ports, service=service.url)
        outcome["service"] = service.url
    return service


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


def _undo(promotion: Promotion, model: RegisteredModel, why: str, settings: Settings, ports: Ports) -> None:
    """Leave things as they were: the old champion named, the new service gone unless it was wanted before.

    Args: why: it has to be undone.
    Raises: Unsettled if the pointer could not be moved back, and a failed model is taken for champion.
    """
    ledger = Ledger(ports.state)
    try:
        pointer = ledger.pointer()
        if _is_ours(pointer, promotion, model):
            ledger.switch(pointer, Reign(promotion.over or NOBODY, ports.now(), promotion.run_id))
            pointer = ledger.pointer()
    except RetrainError as error:
        raise Unsettled(f"{why}; it could not be taken back yet: {error}; the next trigger tries again") from error
    with suppress(RetrainError):  # what is left behind is removed when the next promotion retires
        if pointer.champion is not None and "prove" in promotion.steps:
            ports.platform.point_to(service_name(model.name, pointer.champion.version))
        if model.version not in pointer.versions[: settings.keep_services]:
            ports.platform.remove(service_name(model.name, model.version))


def _last_lines(name: str, ports: Ports) -> list[str]:
    try:
        return ports.platform.log(name)
    except RetrainError:
        return []


def _retire(promotion: Promotion, model: RegisteredModel, settings: Settings, ports: Ports) -> None:
    """Stop every service but those of the last champions, and remember that the question is answered.

    Nothing here can make the promotion fail: the new champion answers, and the next one retires what is left.
    """
    with suppress(RetrainError), promotion.taking("retire", ports) as outcome:
        try:
            outcome["removed"] = _retired(promotion, model, settings, ports)
        except RetrainError as error:
            outcome["failed"] = str(error)
        except Exception as error:  # noqa: BLE001 - a bug in tidying up is no reason to call the champion a failure
            outcome["failed"] = str(Bug(error))


def _retired(promotion: Promotion, model: RegisteredModel, settings: Settings, ports: Ports) -> list[str]:
    ledger = Ledger(ports.state)
    if promotion.question is not None:
        ledger.conclude(promotion.question, promotion.run_id, "promote", promotion.reason)
    kept = ledger.pointer().versions[: settings.keep_services]
    removed = [service.name for service in ports.platform.services() if service.version not in kept]
    for name in removed:
        ports.platform.remove(name)
    over = Registry(ports.state, model.name).get(promotion.over) if promotion.over else None
    catalog.list_reigns(model, over, ports)
    return removed
