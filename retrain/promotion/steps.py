"""A model that won is made to answer, step by step.

    register -> build -> deploy -> prove -> switch -> confirm -> retire

Every step may be repeated: a promotion that was killed is made again, from its first step.
The pointer moves only after the new service has given the artifact's own forecast; the old one answers until then.
What fails before the switch removes what it deployed; what fails just after it moves the pointer back.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from retrain.errors import Bug, BuildFailed, Conflict, DamagedRecord, PromotionFailed, RetrainError, Unsettled
from retrain.ports import DEPLOY, LOG_LINES, REGISTER
from retrain.promotion.look import MENDED_BY_STOPPING, look
from retrain.promotion.record import Promotion
from retrain.promotion.verify import confirm, prove, wait_until_ready
from retrain.records.champion import NOBODY, Champion, Pointer
from retrain.records.image import build_context
from retrain.records.registry import Lineage, RegisteredModel, service_name
from retrain.records.service_state import ServiceStates, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retrain.ports import Service
    from retrain.records.context import Context
    from retrain.records.run import Run
    from retrain.settings import Settings
    from scoring.model import ForecastModel

BUILD_LOG = "build.log"
STEPS = ("submit", REGISTER, "build", DEPLOY, "prove", "switch", "confirm", "retire")


@dataclass(frozen=True, slots=True)
class Promoted:
    """The version, and the record of how it came to answer."""

    model: RegisteredModel
    promotion: Promotion


def promote(run_id: str, settings: Settings, context: Context, half: str | None = None) -> Promoted:
    """Make the model that a run has submitted the champion, or continue doing so.

    Args: half: REGISTER to stop once it is registered; DEPLOY or None to take every step.
    Raises: NotFound if the run has submitted none; PromotionFailed with the step, the reason and the service's last
        lines, the champion being as it was; Unsettled if it failed and the pointer could not be moved back yet.
    """
    promotion = Promotion.of(run_id, context)
    promotion.is_watched = half is not None
    with _or_taken_back(promotion, settings, context):
        model = _registered(promotion, context)
        if half != REGISTER:
            _make_champion(promotion, model, settings, context)
    if half != REGISTER:
        _retire(promotion, model, settings, context)
    return Promoted(model, promotion)


def give_up(run: Run, why: str, settings: Settings, context: Context) -> PromotionFailed | None:
    """Take back a promotion that nobody continues. None if its champion was confirmed: then it has not failed.

    Raises: Unsettled if the pointer had moved and could not be moved back; DamagedRecord, and a switch that nothing
        says was confirmed is taken back.
    """
    try:
        promotion = Promotion.of(run.run_id, context)
    except DamagedRecord:
        if not run.has_promoted:
            _switch_back(run.run_id, why, settings, context)
        context.ledger.set_aside_promotion(run.run_id)
        raise
    if "confirm" in promotion.steps:
        return None
    if promotion.version is None:  # its process may have died after it had registered one
        lineage = Lineage.from_json(promotion.lineage)
        model = context.registry.registered(promotion.artifact_sha256, lineage)
        promotion.version = model.version if model else None
    _take_back(promotion, why, settings, context)
    done = STEPS.index(promotion.step) + 1 if promotion.step in STEPS else 0
    return PromotionFailed(STEPS[min(done, len(STEPS) - 1)], why, [])


@contextmanager
def _or_taken_back(promotion: Promotion, settings: Settings, context: Context) -> Iterator[None]:
    """The door of the steps: whatever fails, everything is left as it was."""
    try:
        yield
    except Exception as error:
        known = error if isinstance(error, RetrainError) else Bug(error)
        step = promotion.step or REGISTER
        log = error.log.splitlines()[-LOG_LINES:] if isinstance(error, BuildFailed) else []
        log = log or _last_lines(promotion, settings, context)
        _take_back(promotion, f"promotion failed at {step}: {known}", settings, context)
        raise PromotionFailed(step, str(known), log) from error


def _registered(promotion: Promotion, context: Context) -> RegisteredModel:
    """The model's version, which a rollback has from the start."""
    if promotion.is_rollback:
        return context.registry.of_record(str(promotion.version))
    with promotion.taking(REGISTER, context) as facts:
        lineage = Lineage.from_json(promotion.lineage)
        newest_known = max(context.ledger.pointer().versions, key=int, default="0")
        model = context.registry.register(
            promotion.artifact_sha256, lineage, promotion.run_id, context.now(), newest_known
        )
        promotion.version = facts["version"] = model.version
    return model


def _make_champion(promotion: Promotion, model: RegisteredModel, settings: Settings, context: Context) -> None:
    name, loaded = service_name(model.name, model.version), context.registry.load(model)
    is_champion = _is_champion(context.ledger.pointer(), promotion)
    service = _answering(model, loaded, context, is_champion=is_champion) or _started(promotion, model, context)
    with promotion.taking("prove", context) as facts:
        wait_until_ready(service, context.platform, settings.platform.ready_seconds)
        prove(service, loaded)
        facts["service"] = service.url
    if not context.registry.has_made(model):  # nothing can be remembered of the service of a new version
        ServiceStates(context.state).forget(name)
    with promotion.taking("switch", context):
        if not is_champion:
            _switch(promotion, model, context)
        context.platform.point_to(name)
    with promotion.taking("confirm", context):
        confirm(service, loaded, context.platform, settings.platform.confirm_seconds)


def _answering(
    model: RegisteredModel, loaded: ForecastModel, context: Context, *, is_champion: bool
) -> Service | None:
    """The version's service, if it has one that proves itself: it must not be replaced by one that has not.

    What runs and hangs, or answers as another, is ended here, and started anew by the next step. A platform that
    restarts its services itself knows better, unless a person asks for the champion's.
    """
    found = look(model.version, loaded, context.platform)
    if found.state is State.ANSWERS:
        return found.service
    if found.state in MENDED_BY_STOPPING or (is_champion and found.state is State.UNREACHABLE):
        context.platform.stop(service_name(model.name, model.version), at_once=True)
    return None


def _started(promotion: Promotion, model: RegisteredModel, context: Context) -> Service:
    return _deploy(promotion, model, _build(promotion, model, context), context)


def _build(promotion: Promotion, model: RegisteredModel, context: Context) -> str:
    artifact = context.registry.artifact(model)
    with promotion.taking("build", context) as facts:
        try:
            image = context.platform.build(model.name, model.version, build_context(model, artifact))
        except BuildFailed as error:
            context.ledger.keep(promotion.run_id, BUILD_LOG, error.log)
            raise
        if image.log:
            context.ledger.keep(promotion.run_id, BUILD_LOG, image.log)
        facts["image"] = image.reference
    if image.log and not promotion.is_watched:  # a build of minutes: a repair may need its image, whatever follows
        promotion.note(context)
    return image.reference


def _deploy(promotion: Promotion, model: RegisteredModel, image: str, context: Context) -> Service:
    with promotion.taking(DEPLOY, context) as facts:
        service = context.platform.deploy(service_name(model.name, model.version), model.version, image)
        facts["service"] = service.url
    return service


def _is_champion(pointer: Pointer, promotion: Promotion) -> bool:
    """Whether the version is champion already, and not only by this promotion's own unconfirmed switch."""
    champion = pointer.champion
    return champion is not None and champion.version == promotion.version and not _is_ours(pointer, promotion)


def _is_ours(pointer: Pointer, promotion: Promotion) -> bool:
    """Whether this promotion has moved the pointer, and has not confirmed it."""
    champion = pointer.champion
    moved = champion is not None and (champion.version, champion.run_id) == (promotion.version, promotion.run_id)
    return moved and "confirm" not in promotion.steps


def _switch(promotion: Promotion, model: RegisteredModel, context: Context) -> None:
    """Raises: Conflict if another version became champion since: this model was not compared with that one."""
    pointer = context.ledger.pointer()
    if _is_to_move(pointer, promotion):
        if promotion.steps.pop("confirm", None):  # of an earlier time as champion
            promotion.note(context)
        champion = Champion(model.version, context.now(), promotion.run_id, promotion.question)
        try:
            context.ledger.switch(pointer, champion)
        except Conflict:
            if _is_to_move(context.ledger.pointer(), promotion):
                raise


def _is_to_move(pointer: Pointer, promotion: Promotion) -> bool:
    """Whether the pointer is still where it was when the comparison began. Raises: Conflict if another moved it."""
    if _is_ours(pointer, promotion):
        return False
    now_champion = pointer.champion.version if pointer.champion else None
    if now_champion != promotion.over:
        raise Conflict(
            f"version {now_champion} became champion meanwhile, and this model was compared with version "
            f"{promotion.over}; retrain again"
        )
    return True


def _take_back(promotion: Promotion, why: str, settings: Settings, context: Context) -> None:
    """Leave everything as it was: the old champion in the pointer, the new service gone unless it was kept before.

    Args: why: the reason, for the error.
    Raises: Unsettled if the pointer could not be moved back, so that a failed model is still champion.
    """
    try:
        pointer = context.ledger.pointer()
        if _is_ours(pointer, promotion):
            context.ledger.switch(pointer, Champion(promotion.over or NOBODY, context.now(), promotion.run_id))
            pointer = context.ledger.pointer()
    except RetrainError as error:
        raise Unsettled(f"{why}; it could not be taken back yet: {error}; the next trigger tries again") from error
    if promotion.version is None or _is_champion(pointer, promotion):
        return
    # What is left behind here is removed when the next promotion retires.
    with suppress(RetrainError):
        if pointer.champion is not None and pointer.was_moved_by(promotion.run_id):
            context.platform.point_to(service_name(settings.platform.model_name, pointer.champion.version))
    with suppress(RetrainError):
        if promotion.version not in pointer.versions[: settings.platform.keep_services]:
            context.platform.remove(service_name(settings.platform.model_name, promotion.version))


def _switch_back(run_id: str, why: str, settings: Settings, context: Context) -> None:
    """Undo the switch of a run by what the pointer alone says. Raises: Unsettled."""
    pointer = context.ledger.pointer()
    if pointer.champion is None or pointer.champion.run_id != run_id:
        return
    before = pointer.champions[-2].version if len(pointer.champions) > 1 else NOBODY
    version = pointer.champion.version
    unread = Promotion(run_id=run_id, reason=why, artifact_sha256="", lineage={}, over=before, version=version)
    _take_back(unread, why, settings, context)


def _last_lines(promotion: Promotion, settings: Settings, context: Context) -> list[str]:
    if promotion.version is None:
        return []
    try:
        return context.platform.log(service_name(settings.platform.model_name, promotion.version))
    except RetrainError:
        return []


def _retire(promotion: Promotion, model: RegisteredModel, settings: Settings, context: Context) -> None:
    """Stop every service but those of the last champions.

    Nothing here can make the promotion fail: the new champion answers, and the next promotion retires what is left.
    """
    with suppress(RetrainError), promotion.taking("retire", context) as facts:
        try:
            facts["removed"] = _retired(model, settings, context)
        except RetrainError as error:
            facts["failed"] = str(error)
        except Exception as error:  # noqa: BLE001 - a bug in tidying up is no reason to call the champion a failure
            facts["failed"] = str(Bug(error))


def _retired(model: RegisteredModel, settings: Settings, context: Context) -> list[str]:
    kept = [model.version, *context.ledger.pointer().versions[: settings.platform.keep_services]]
    removed = [service.name for service in context.platform.services() if service.version not in kept]
    for name in removed:
        context.platform.remove(name)
        ServiceStates(context.state).forget(name)
    return removed
