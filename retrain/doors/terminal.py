"""A run and a forecast as a person reads them in a terminal."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from retrain.doors.output import printable
from retrain.doors.sliced import slices_line
from retrain.doors.watch_lines import watch_lines
from retrain.gate.evidence import amount
from retrain.records.approval import UNPROMOTED
from retrain.records.approval import advice as approval_advice
from retrain.records.landing import Ignored, Landed, LandedBefore, Quarantined, Settled
from retrain.records.measured import Model, Scores
from retrain.records.run import Status
from retrain.settings import known_settings
from retrain.settings.setting import as_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrain.records.measured import Evidence
    from retrain.records.run import Data, Landing, Run

SHOWN_P = 0.001
NOT_RECORDED = {
    Status.QUEUED: "it waits for its turn; the next command or trigger that retrains makes it",
    Status.RUNNING: "its run has begun; if its process was ended, the next command or trigger makes it again",
}
"""A run has no record before its first end, or before its winner is submitted."""
SHOWN_DAYS = 3
METRICS = ("rmse", "mae", "mase", "r2", "bias", "coverage_80", "coverage_95")
HEADINGS = {"coverage_80": "IN 80 %", "coverage_95": "IN 95 %"}


def summary(run: Run) -> str:
    """A run, line by line, each under its heading."""
    lines = [f"run        {run.run_id}  ({run.trigger})", *_settings_lines(run)]
    if run.status in NOT_RECORDED:
        return _together([*lines, f"status     {run.status}: {run.reason or NOT_RECORDED[run.status]}"])
    lines += _landing_lines(run) + _data_lines(run.data)
    heading_of_ending = "verdict" if run.status is Status.DONE and run.verdict else "status"
    lines.append(f"{heading_of_ending:<11}{ending(run).upper()}  {run.reason}")
    lines += [f"warning    {warning}" for warning in run.warnings]
    lines += [f"trouble    {run.trouble}"] if run.trouble else []
    lines += [*watch_lines(run.watch), *_score_lines(run)]
    lines += [f"approval   {line}" for line in approval_lines(run)]
    if run.model:
        lines.append(f"model      {run.model.name} version {run.model.version}")
    lines += _promotion_lines(run)
    spent = "  ".join(f"{stage} {seconds:.1f} s" for stage, seconds in run.seconds.items())
    lines += [f"time       {spent}"] if spent else []
    lines.append(f"artifacts  {run.artifacts}")
    return _together(lines)


def _together(lines: Sequence[str]) -> str:
    return "\n".join(map(printable, lines))


def _settings_lines(run: Run) -> list[str]:
    """The settings that it was made under and that are not the defaults."""
    defaults = {known.name: as_text(known.default) for known in known_settings()}
    other = [f"{name}={value}" for name, value in run.request.settings.items() if defaults.get(name) != value]
    return [f"settings   {' '.join(other)}"] if other else []


def ending(run: Run) -> str:
    """The verdict of a run that is done; the status of every other, which has not reached one for good."""
    if run.status is Status.HELD and run.verdict:
        return f"{run.verdict}, held"
    if run.status is Status.DONE and run.approval and run.approval.state in UNPROMOTED:
        return run.approval.state
    return (run.verdict if run.status is Status.DONE else None) or run.status


def approval_lines(run: Run) -> list[str]:
    """What a person is asked about the winner, and what was answered."""
    asked = run.approval
    if asked is None:
        return []
    if run.status is Status.AWAITING:
        to_do = f"{approval_advice(run.run_id)}, until {asked.expires:%Y-%m-%d %H:%M} UTC"
        return [to_do, f"decision {asked.decision}"]
    by = f" by {asked.by} at {asked.at:%Y-%m-%d %H:%M} UTC, run {asked.run_id}" if asked.at else ""
    return [f"{asked.state}{by}{f': {asked.why}' if asked.why else ''}"]


def _landing_lines(run: Run) -> list[str]:
    landing: Landing | None = run.landing
    match landing:
        case LandedBefore():
            if landing.held:
                to_do = f"to do      {advice(landing.taken_in_by)}"
                return [f"held       {landing.file}: run {landing.taken_in_by} holds it", to_do]
            return [f"landed     {landing.file}: taken in before, by run {landing.taken_in_by}"]
        case Quarantined():
            return [f"landed     {landing.file}: refused, a copy is in {landing.quarantine}"]
        case Ignored():
            return [f"landed     {landing.file}: ignored, {landing.ignored}"]
        case Settled():
            changed = _some_days(landing.changed_days)
            return [
                f"{landing.done:<11}{landing.days} days of {landing.file}, landed by run {landing.of}: "
                f"{landing.new_days} new, {len(landing.changed_days)} changed{changed}"
            ]
        case Landed():
            return _landed_lines(landing, run.run_id)
    return []


def _landed_lines(landing: Landed, run_id: str) -> list[str]:
    repeated = f", {landing.repeated_rows:,} repeated rows left out" if landing.repeated_rows else ""
    replaced = f"; replaces what run {landing.replaces} landed" if landing.replaces else ""
    changed = (
        f"{landing.new_days} new, {len(landing.changed_days)} changed{_some_days(landing.changed_days)}, "
        f"{landing.equal_days} unchanged{replaced}"
    )
    if len(landing.held_days) == landing.days:
        changed = "all of them held; what the history says stays as it is"
    rows = f"{landing.rows:,} rows{repeated}; {landing.days} days ({landing.made})"
    lines = [f"landed     {landing.file}: {rows}: {changed}"]
    lines += [f"read       {how}" for how in landing.read_as]
    lines += [f"warning    {warning}" for warning in landing.warnings]
    for each in landing.findings:
        what = f"{len(each.days)} days{_some_days(each.days)}" if each.days else "the file"
        lines.append(f"held       {what}, {each.doubt}: found {each.found}; expected {each.expected}")
    if landing.held_days:
        lines.append(f"to do      {advice(run_id)}")
    return lines


def advice(run_id: str) -> str:
    """What a person can do about held days."""
    return (
        f"`retrain accept {run_id}` lets them count, `retrain drop {run_id}` leaves them out; --day DAY for one of "
        "them; or correct the file and land it again under the same name"
    )


def _some_days(days: Sequence[date]) -> str:
    if not days:
        return ""
    more = ", ..." if len(days) > SHOWN_DAYS else ""
    return f" ({', '.join(day.isoformat() for day in days[:SHOWN_DAYS])}{more})"


def _data_lines(data: Data | None) -> list[str]:
    if data is None:
        return []
    filled = f", {data.interpolated_days} of them interpolated" if data.interpolated_days else ""
    closed = f"; closed: {data.closed}" if data.closed else ""
    span = f"{data.days} days, {data.first_day} to {data.last_day}{filled}{closed}"
    return [f"data       {span}  sha256 {data.sha256[:12]}"]


def _promotion_lines(run: Run) -> list[str]:
    steps = run.promotion
    if not steps:
        return []
    if set(steps) == {"submit"}:
        return [f"promotion  by job {steps['submit'].job or ''}"]
    removed = steps["retire"].removed if "retire" in steps else None
    retired = f"; retired {', '.join(removed)}" if removed else ""
    service = steps["prove"].service if "prove" in steps else None
    answers = f"; answers at {service}" if service else ""
    return [f"promotion  {' -> '.join(steps)}{answers}{retired}"]


def _score_lines(run: Run) -> list[str]:
    if run.evidence is None:
        return []
    table = [f"{'':<11}{'':<22}" + "".join(f"{heading(metric):>9}" for metric in METRICS)]
    for name, scores in scorecards(run):
        numbers = "".join(f"{shown(metric, getattr(scores, metric)):>9}" for metric in METRICS)
        order = scores.order if isinstance(scores, Model) else ""
        table.append(f"{'':<11}{name:<22}{numbers}  {order}".rstrip())
    return [*table, _evidence_line(run.evidence), *slices_line(run)]


def _evidence_line(evidence: Evidence) -> str:
    line = (
        f"evidence   {evidence.origins} origins x {evidence.horizon_days} days, unseen from "
        f"{evidence.first_unseen_day} on ({evidence.unseen_days} days)"
    )
    if evidence.value is not None:
        line = f"{line}; {amount(evidence.value)} of the {evidence.needed:.3g} that a promotion needs"
    if evidence.p_value is None:
        return line
    p = f"= {evidence.p_value:.3f}" if evidence.p_value >= SHOWN_P else f"< {SHOWN_P}"
    return f"{line}; Diebold-Mariano {evidence.dm_statistic:+.2f}, one-sided p {p}"


def scorecards(run: Run) -> list[tuple[str, Scores]]:
    """Every model that was compared, with its name and version."""
    named = (("champion", run.champion), ("challenger", run.challenger), ("seasonal naive", run.seasonal_naive))
    return [(_name(name, scores), scores) for name, scores in named if scores is not None and scores.were_measured]


def _name(name: str, scores: Scores) -> str:
    return f"{name} v{scores.version}" if isinstance(scores, Model) and scores.version else name


def heading(metric: str) -> str:
    """What stands above a column of scores."""
    return HEADINGS.get(metric, metric.upper())


def shown(metric: str, value: float | None) -> str:
    """A score as a person reads it; `-` where there is none."""
    if value is None:
        return "-"
    if metric.startswith("coverage"):
        return f"{value:.1%}"
    return f"{value:.3f}" if metric in ("mase", "r2") else f"{value:.1f}"


def forecast_table(answer: dict[str, Any]) -> str:
    """A forecast as a person reads it: who answered, from what, and the days to come."""
    levels = [interval["level"] for interval in answer["forecast"][0]["intervals"]]
    lines = [
        f"version    {answer['version']} of {answer['model']}, trained through {answer['trained_through']}",
        f"origin     {answer['origin']}, {answer['data_age_days']} days ago",
        *([f"warning    {answer['warning']}"] if "warning" in answer else []),
        f"{'':<11}{'day':<14}{'forecast':>12}" + "".join(f"{f'{level:g} % interval':>24}" for level in levels),
    ]
    for row in answer["forecast"]:
        day = f"{row['date']} {date.fromisoformat(row['date']):%a}"
        bounds = "".join(f"{one['lower']:>12.1f} .. {one['upper']:>8.1f}" for one in row["intervals"])
        lines.append(f"{'':<11}{day:<14}{row['mean']:>12.1f}{bounds}")
    return _together(lines)
