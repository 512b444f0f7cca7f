"""The command that tries policies on a store's own past."""

from __future__ import annotations

import argparse
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from retrain.doors.asking import connected
from retrain.doors.output import say, show_progress
from retrain.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from retrain.gate.decide import PromotionPolicy
    from retrain.gate.intervals import Interval
    from retrain.runs.whatif import Record, Tried, WhatIf
    from retrain.runs.whatif_course import Switch
    from retrain.runs.whatif_errors import Against
    from retrain.settings import Settings

SHOWN_DIFFERENCES = 5
HEADER = f"{'POLICY':<26}{'PROMOTED':>9}{'DEPLOYED':>9}{'RMSE':>11}{'MAE':>11}  {{:<30}}{{:<30}}"


def add(command: Callable[..., argparse.ArgumentParser], day: Callable[[str], date]) -> None:
    """Its options."""
    added = command("whatif", whatif, "try policies on the days that this store has had; it changes nothing")
    added.add_argument(
        "--policy",
        dest="policies",
        action="append",
        default=[],
        metavar="NAME[,KEY=VALUE...]",
        help="better or evidence, with alpha or min_gain; repeat it for more; the one in force is always tried",
    )
    added.add_argument("--loss", metavar="LOSS", help="rmse, mae or mase, for all; by default the one in force")
    added.add_argument("--from", dest="since", type=day, metavar="DAY", help="begin with the champion of this day")
    added.add_argument("--processes", type=int, default=0, metavar="N", help="at most; by default one a processor")
    added.add_argument(
        "--cadence", choices=("daily", "weekly", "monthly"), help="look so often, instead of when runs looked"
    )


def whatif(options: argparse.Namespace) -> int:
    """Print what each policy would have promoted, and the error that users would have had."""
    from retrain.runs.whatif import IN_FORCE
    from retrain.runs.whatif import whatif as tried
    from retrain.runs.whatif_timeline import Cadence

    if options.processes < 0:
        raise UsageError(f"--processes is {options.processes}; it must be 0, for one each processor, or more")
    settings, context = connected(options)
    policies = {IN_FORCE: _policy("", options.loss, settings)}
    for text in options.policies:
        if not text.strip():
            raise UsageError("--policy is empty; name better or evidence, for example --policy evidence,alpha=0.01")
        policies[text] = _policy(text, options.loss, settings)
    cadence = Cadence(options.cadence) if options.cadence else None
    found = tried(policies, settings, context, cadence, options.since, options.processes)
    show_progress("", "")
    if options.json:
        for each in found.tried:
            print(json.dumps(_facts(each, found)))
    else:
        say(*_lines(found))
    return 0


def _policy(text: str, loss: str | None, settings: Settings) -> PromotionPolicy:
    """The policy in force with what a text changes: `evidence,alpha=0.01`.

    Raises: UsageError for a name or a value that is not allowed.
    """
    from retrain.settings import under
    from retrain.settings.policy import PolicySettings
    from retrain.settings.setting import settings_of

    known = {each.field: each.name for each in settings_of("policy", PolicySettings)}
    changes = {} if loss is None else {known["loss"]: loss}
    if text:
        rule, *rest = text.split(",")
        changes[known["rule"]] = rule
        for part in rest:
            key, equals, value = part.partition("=")
            if not equals or key not in known.keys() - {"rule", "loss"}:
                raise UsageError(
                    f"--policy {text}: {part!r} is not KEY=VALUE with one of the keys alpha and min_gain"
                )
            if known[key] in changes:
                raise UsageError(f"--policy {text}: {key} is given twice; give it once")
            changes[known[key]] = value
    try:
        return under(settings, {**settings.deciding, **changes}).decision.policy
    except ConfigError as error:
        option = f"--policy {text}" if text else "--loss"
        raise UsageError(f"{option}: {error}") from error


def _facts(each: Tried, found: WhatIf) -> dict[str, Any]:
    """One object a policy."""
    course, errors, policy = each.course, each.errors, each.policy
    verdicts = [given.verdict for given in course.given]
    promotions = [_switch(switch) for switch in course.switches if not switch.is_rollback]
    return {
        "policy": each.name,
        "rule": policy and policy.rule,
        "alpha": policy and policy.alpha,
        "min_gain": policy and policy.min_gain,
        "loss": found.loss,
        "looks": found.looks,
        "verdicts": {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))},
        "start": course.start and _switch(course.start),
        "promotions": promotions,
        "rollbacks": len(course.switches) - len(promotions),
        "deployments": len(course.switches),
        "origins": errors.origins if errors else 0,
        "days": errors.days if errors else 0,
        "rmse": errors and errors.rmse,
        "mae": errors and errors.mae,
        "mase": errors and errors.mase,
        "against_never": _against(errors.against_never if errors else None),
        "against_always": _against(errors.against_always if errors else None),
        "record": _record(found.record) if each is found.tried[0] else None,
    }


def _switch(switch: Switch) -> dict[str, str]:
    return {
        "look": switch.look,
        "at": switch.at.isoformat(),
        "order": switch.order,
        "trained_through": switch.trained_through.isoformat(),
    }


def _against(other: Against | None) -> dict[str, Any] | None:
    if other is None:
        return None
    return {name: _bounds(getattr(other, name)) for name in ("difference", "change")}


def _bounds(interval: Interval) -> dict[str, float]:
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}


def _record(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    differs = [{"run_id": each.run_id, "recorded": each.recorded, "given": each.given} for each in record.differs]
    return {"looks": record.looks, "other_settings": list(record.other_settings), "differs": differs}


def _lines(found: WhatIf) -> Iterator[str]:
    start, errors = found.tried[0].course.start, found.tried[0].errors
    yield f"looks      {found.looks}; each policy decides at each of them"
    if start is None:
        yield "start      there was no first model; there is nothing to compare"
    else:
        yield f"start      {start.look}: {start.order}, trained through {start.trained_through}, for every policy"
    if errors is None:
        yield "forecasts  none that can be compared: no day after the start has an amount yet"
    else:
        yield f"forecasts  {errors.days} days, from {errors.origins} origins; in brackets intervals of 95 %"
    yield from _record_lines(found.record)
    metric = found.loss.upper()
    yield from ("", HEADER.format(f"{metric} AGAINST NEVER", f"{metric} AGAINST ALWAYS").rstrip())
    yield from (_row(each) for each in found.tried)
    for each in found.tried:
        if each.policy is not None:
            yield from _switch_lines(each)


def _row(each: Tried) -> str:
    errors, switches = each.errors, each.course.switches
    promoted = sum(not switch.is_rollback for switch in switches)
    line = f"{each.name:<26}{promoted:>9}{len(switches):>9}"
    if errors is None:
        return line
    beside = "".join(f"{_change(other):<30}" for other in (errors.against_never, errors.against_always))
    return f"{line}{errors.rmse:>11.4g}{errors.mae:>11.4g}  {beside}".rstrip()


def _change(other: Against | None) -> str:
    if other is None:
        return "too few days"
    change = other.change
    if change.low == change.high == 0:
        return "the same"
    return f"{change.mean:+.1%} ({change.low:+.1%} to {change.high:+.1%})"


def _switch_lines(each: Tried) -> Iterator[str]:
    if not each.course.switches:
        return
    yield from ("", f"promotions under {each.name}")
    for switch in each.course.switches:
        what = f"{'rollback to ' if switch.is_rollback else ''}{switch.order}"
        yield f"  {switch.at:%Y-%m-%d}  {switch.look}  {what}, trained through {switch.trained_through}"


def _record_lines(record: Record | None) -> Iterator[str]:
    if record is None:
        return
    same = record.looks - len(record.differs)
    yield f"record     the policy in force gives {same} of {record.looks} verdicts as they are on record"
    if record.other_settings:
        yield (
            f"record     {len(record.other_settings)} of the runs were made under other settings, the first is "
            f"{record.other_settings[0]}"
        )
    for each in record.differs[:SHOWN_DIFFERENCES]:
        yield f"record     {each.run_id}: {each.recorded} on record, {each.given} here"
