"""The other story: a model that won is made to answer, step by step.

    register -> build -> deploy -> prove -> switch -> confirm -> retire

Every step may be repeated, and is written down before the next begins, so that a promotion which was killed is
simply made again. The pointer moves only after the new service has given the artifact's own forecast; the old one
answers until then. What fails before the switch removes what it deployed; what fails just after it moves the
pointer back.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from retrain.errors import Bug, BuildFailed, Conflict, PromotionFailed, RetrainError, ServiceError, Unsettled
from retrain.ports import DEPLOY, LOG_LINES, REGISTER
from retrain.promotion import catalog
from retrain.promotion.client import current
from retrain.promotion.record import Promotion
from retrain.promotion.verify import answers, confirm, prove, wait_until_ready
from retrain.records.image import build_context
from retrain.records.ledger import NOBODY, Ledger, Pointer, Reign
from retrain.records.registry import Lineage, RegisteredModel, Registry, service_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import Ports, Service
    from retrain.settings import Settings
    from scoring.model import ForecastModel

STEPS = ("submit", REGISTER, "build", DEPLOY, "prove", "switch", "confirm", "retire")


def promote(run_id: str, settings: Settings, ports: Ports, half: str | None = None) -> RegisteredModel:
    """Make the model that a run has submitted the champion, or go on with that.

    Args: half: REGISTER to stop once it is registered; DEPLOY or None to go all the way.
    Raises: NotFound if the run has submitted none; PromotionFailed with the step, the reason and the service's last
        lines, the champion being as it was; Unsettled if it failed and that is not certain yet.
    """
    promotion = Promotion.of(run_id, ports)
    with _or_taken_back(promotion, settings, ports):
        model = _registered(promotion, settings, ports)
        if half != REGISTER:
            _crown(promotion, model, settings, ports)
    if half != REGISTER:
        _retire(promotion, model, settings, ports)
    return model


def give_up(run_id: str, why: str, settings: Settings, ports: Ports) -> PromotionFailed | None:
    """Take a promotion back that nobody goes on with. None if its champion was confirmed: then it has not failed.

    Raises: Unsettled if the pointer had moved and could not be moved back.
    """
    promotion = Promotion.of(run_id, ports)
    if "confirm" in promotion.steps:
        return None
    _take_back(promotion, why, settings, ports)
    done = STEPS.index(promotion.step) + 1 if promotion.step in STEPS else 0
    return PromotionFailed(STEPS[min(done, len(STEPS) - 1)], why, [])


@contextmanager
def _or_taken_back(promotion: Promotion, settings: Settings, ports: Ports) -> Iterator[None]:
    """The door of the steps: whatever fails, things are left as they were."""
    try:
        yield
    except Exception as error:
        told = error if isinstance(error, RetrainError) else Bug(error)
        step = promotion.step or REGISTER
        log = error.log.splitlines()[-LOG_LINES:] if isinstance(error, BuildFailed) else []
        log = log or _last_lines(promotion, settings, ports)
        _take_back(promotion, f"promotion failed at {step}: {told}", settings, ports)
        raise PromotionFailed(step, str(told), log) from error


def _registered(promotion: Promotion, settings: Settings, ports: Ports) -> RegisteredModel:
    """The model's version, which a rollback has from the start."""
    registry = Registry(ports.state, settings.platform.model_name)
    if promotion.is_rollback:
        return registry.get(str(promotion.version))
    with promotion.taking(REGISTER, ports) as outcome:
        lineage = Lineage.from_json(promotion.lineage)
        model = registry.register(promotion.artifact_sha256, lineage, promotion.run_id, ports.now())
        promotion.version = outcome["version"] = model.version
        catalog.list_version(model, settings, ports)
    return model


def _crown(promotion: Promotion, model: RegisteredModel, settings: Settings, ports: Ports) -> None:
    name, loaded = service_name(model.name, model.version), Registry(ports.state, model.name).load(model)
    reigns = _reigns(Ledger(ports.state).pointer(), promotion)
    service = _answering(model, loaded, ports, reigns=reigns) or _started(promotion, model, ports)
    with promotion.taking("prove", ports) as outcome:
        wait_until_ready(service, ports.platform, settings.platform.ready_seconds)
        prove(service, loaded)
        outcome["service"] = service.url
    with promotion.taking("switch", ports):
        if not reigns:
            _switch(promotion, model, ports)
        ports.platform.point_to(name)
    with promotion.taking("confirm", ports):
        confirm(service, loaded, ports.platform, settings.platform.confirm_seconds)


def _answering(model: RegisteredModel, loaded: ForecastModel, ports: Ports, *, reigns: bool) -> Service | None:
    """The version's service, if it has one that proves itself: it must not be replaced by one that has not.

    Raises: ServiceError if it is champion and runs, but does not answer from here.
    """
    service = ports.platform.find(model.version)
    if service is None:
        return None
    if answers(service, loaded, ports.platform):
        return service
    moved = current(service, ports.platform)
    if moved != service and answers(moved, loaded, ports.platform):
        return moved
    if reigns and ports.platform.is_running(service.name):
        raise ServiceError(
            f"service {service.name} is champion, runs, and does not prove itself from here; it is not replaced. "
            "See its log; to start it anew, remove it first"
        )
    return None


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


def _reigns(pointer: Pointer, promotion: Promotion) -> bool:
    """Whether the version is champion already, and not only by this promotion's own unconfirmed switch."""
    champion = pointer.champion
    return champion is not None and champion.version == promotion.version and not _is_ours(pointer, promotion)


def _is_ours(pointer: Pointer, promotion: Promotion) -> bool:
    """Whether this promotion has moved the pointer, and has not confirmed it."""
    champion = pointer.champion
    moved = champion is not None and (champion.version, champion.run_id) == (promotion.version, promotion.run_id)
    return moved and "confirm" not in promotion.steps


def _switch(promotion: Promotion, model: RegisteredModel, ports: Ports) -> None:
    """Raises: Conflict if somebody else was crowned since: this model has not been compared with that one."""
    ledger = Ledger(ports.state)
    pointer = ledger.pointer()
    if _is_ours(pointer, promotion):
        return
    now_champion = pointer.champion.version if pointer.champion else None
    if now_champion != promotion.over:
        raise Conflict(
            f"version {now_champion} became champion meanwhile, and this model was measured against "
            f"{promotion.over}; retrain again"
        )
    if promotion.steps.pop("confirm", None):  # of an earlier time as champion
        promotion.note(ports)
    ledger.switch(pointer, Reign(model.version, ports.now(), promotion.run_id))


def _take_back(promotion: Promotion, why: str, settings: Settings, ports: Ports) -> None:
    """Leave things as they were: the old champion named, the new service gone unless it was wanted before.

    Args: why: it has to be taken back.
    Raises: Unsettled if the pointer could not be moved back, and a failed model is taken for champion.
    """
    ledger = Ledger(ports.state)
    try:
        pointer = ledger.pointer()
        if _is_ours(pointer, promotion):
            ledger.switch(pointer, Reign(promotion.over or NOBODY, ports.now(), promotion.run_id))
            pointer = ledger.pointer()
    except RetrainError as error:
        raise Unsettled(f"{why}; it could not be taken back yet: {error}; the next trigger tries again") from error
    if promotion.version is None or _reigns(pointer, promotion):
        return
    # What is left behind here is removed when the next promotion retires.
    with suppress(RetrainError):
        if pointer.champion is not None and "prove" in promotion.steps:
            ports.platform.point_to(service_name(settings.platform.model_name, pointer.champion.version))
    with suppress(RetrainError):
        if promotion.version not in pointer.versions[: settings.platform.keep_services]:
            ports.platform.remove(service_name(settings.platform.model_name, promotion.version))


def _last_lines(promotion: Promotion, settings: Settings, ports: Ports) -> list[str]:
    if promotion.version is None:
        return []
    try:
        return ports.platform.log(service_name(settings.platform.model_name, promotion.version))
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
    kept = [model.version, *ledger.pointer().versions[: settings.platform.keep_services]]
    removed = [service.name for service in ports.platform.services() if service.version not in kept]
    for name in removed:
        ports.platform.remove(name)
    over = Registry(ports.state, model.name).get(promotion.over) if promotion.over else None
    catalog.list_reigns(model, over, ports)
    return removed
