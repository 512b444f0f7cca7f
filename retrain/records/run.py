"""What a run leaves behind: `report.json` for machines, a summary for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrain.data.series import DailySeries, Restatement
    from retrain.data.transactions import LandedDays
    from retrain.errors import RetrainError
    from retrain.gate.decide import Decision, Verdict
    from retrain.gate.evaluate import Comparison
    from retrain.gate.scores import Scorecard
    from retrain.records.registry import RegisteredModel
    from retrain.records.request import Request

SHOWN_P = 0.001
METRICS = ("rmse", "mae", "mase", "r2", "bias", "coverage_80", "coverage_95")
HEADINGS = {"coverage_80": "IN 80 %", "coverage_95": "IN 95 %"}


@dataclass(slots=True)
class RunReport:
    """Filled while the run goes on; what was not reached stays null.

    `challenger` is the model that was measured, and once it is registered the one that `model` names.
    """

    request: Request
    artifacts: str
    verdict: Verdict | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    landing: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    champion: dict[str, Any] | None = None
    challenger: dict[str, Any] | None = None
    measured: Comparison | None = None
    model: RegisteredModel | None = None
    promoting: bool = False
    steps: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def landed(self, landed: LandedDays, outcome: Restatement) -> None:
        """Note what a file brought and what it changed."""
        self.landing = {
            "file": landed.file,
            "rows": landed.rows,
            "days": len(landed.days),
            "repeated_ids": landed.repeated_ids,
            "new_days": len(outcome.new_days),
            "equal_days": outcome.equal_days,
            "changed_days": [day.isoformat() for day in outcome.changed_days],
        }

    def landed_before(self, file: str, run_id: str) -> None:
        """Note an event that was delivered again."""
        self.landing = {"file": file, "taken_in_by": run_id}

    def quarantined(self, file: str, place: str) -> None:
        """Note where a refused file went."""
        self.landing = {"file": file, "quarantine": place}

    def decided(self, decision: Decision) -> None:
        """Note the verdict and its sentence."""
        self.verdict, self.reason = decision.verdict, decision.reason
        self.warnings = decision.warnings

    def saw(self, series: DailySeries, files: tuple[str, ...]) -> None:
        """Note the data that the run decides on."""
        self.data = {
            "sha256": series.sha256,
            "first_day": series.first_day.isoformat(),
            "last_day": series.last_day.isoformat(),
            "days": len(series),
            "interpolated_days": len(series.interpolated),
            "files": list(files),
        }

    def submitted(self, decision: Decision, challenger: dict[str, Any]) -> None:
        """Note that a winner is on its way; a run that is killed now can be gone on with."""
        self.decided(decision)
        self.challenger, self.promoting = challenger, True

    def promoted(self, model: RegisteredModel, steps: dict[str, Any]) -> None:
        """Note that it answers, and by which steps that came."""
        self.model, self.steps, self.promoting = model, steps, False
        self.challenger = {**(self.challenger or {}), "version": model.version}

    def failed(self, error: RetrainError) -> None:
        """Note why there is no verdict; the champion is as it was."""
        self.verdict, self.reason, self.error = None, str(error), error.as_json()

    def as_json(self) -> dict[str, Any]:
        """The document, every key always there but `error`, which only a failed run has."""
        measured = self.measured
        document: dict[str, Any] = {
            "run_id": self.request.run_id,
            "trigger": str(self.request.trigger),
            "status": "failed" if self.error else "promoting" if self.promoting else "done",
            "verdict": None if self.verdict is None else str(self.verdict),
            "reason": self.reason,
            "warnings": list(self.warnings),
            "request": {
                "force": self.request.force,
                "dry_run": self.request.dry_run,
                "note": self.request.note,
            },
            "landing": self.landing,
            "data": self.data,
            "champion": self.champion and self.champion | _metrics(measured.champion if measured else None),
            "challenger": self.challenger and self.challenger | _metrics(measured.challenger if measured else None),
            "seasonal_naive": measured and _metrics(measured.seasonal_naive),
            "evidence": measured and _evidence(measured),
            "model": self.model and self.model.as_json(),
            "promotion": self.steps,
            "artifacts": self.artifacts,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
        }
        return document | ({"error": self.error} if self.error else {})


def model_card(version: str | None, order: str, trained_through: date) -> dict[str, Any]:
    """How a report names a model."""
    return {"version": version, "order": order, "trained_through": trained_through.isoformat()}


def _metrics(card: Scorecard | None) -> dict[str, float | None]:
    return dict.fromkeys(METRICS) if card is None else asdict(card)


def _evidence(measured: Comparison) -> dict[str, Any]:
    test = measured.test
    return {
        "unseen_days": measured.unseen_days,
        "first_unseen_day": measured.first_unseen_day.isoformat(),
        "origins": measured.origins,
        "horizon_days": measured.horizon_days,
        "refits_kept": measured.refits_kept,
        "dm_statistic": test and test.statistic,
        "p_value": test and test.p_value,
    }


def summary(report: dict[str, Any]) -> str:
    """A report as a person reads it in a terminal."""
    lines = [f"run        {report['run_id']}  ({report['trigger']})"]
    if report["status"] == "queued":
        return "\n".join([*lines, "status     waits its turn"])
    lines += _landing_lines(report["landing"]) + _data_lines(report["data"])
    lines.append(f"verdict    {(report['verdict'] or report['status']).upper()}  {report['reason']}")
    lines += [f"warning    {warning}" for warning in report["warnings"]]
    lines += [f"trouble    {report['trouble']}"] if report.get("trouble") else []
    lines += _score_lines(report)
    if report["model"]:
        lines.append(f"model      {report['model']['name']} version {report['model']['version']}")
    lines += _promotion_lines(report.get("promotion"))
    spent = "  ".join(f"{stage} {seconds:.1f} s" for stage, seconds in report["seconds"].items())
    lines += [f"time       {spent}", f"artifacts  {report['artifacts']}"]
    return "\n".join(lines)


def _landing_lines(landing: dict[str, Any] | None) -> list[str]:
    if not landing:
        return []
    if "taken_in_by" in landing:
        return [f"landed     {landing['file']}: taken in before, by run {landing['taken_in_by']}"]
    if "quarantine" in landing:
        return [f"landed     {landing['file']}: set aside in {landing['quarantine']}"]
    changed = landing["changed_days"]
    shown = f" ({', '.join(changed[:3])}{', ...' if len(changed) > 3 else ''})" if changed else ""
    repeated = f", {landing['repeated_ids']:,} repeated transactions left out" if landing["repeated_ids"] else ""
    return [
        f"landed     {landing['file']}: {landing['rows']:,} rows{repeated}; {landing['days']} days, of which "
        f"{landing['new_days']} new, {len(changed)} changed{shown}, {landing['equal_days']} as known"
    ]


def _data_lines(data: dict[str, Any] | None) -> list[str]:
    if not data:
        return []
    filled = f", {data['interpolated_days']} of them filled" if data["interpolated_days"] else ""
    days = f"{data['days']} days, {data['first_day']} to {data['last_day']}{filled}"
    return [f"data       {days}  sha256 {data['sha256'][:12]}"]


def _promotion_lines(steps: dict[str, Any] | None) -> list[str]:
    if not steps:
        return []
    if set(steps) == {"submit"}:
        return [f"promotion  job {steps['submit'].get('job', '')} is on its way"]
    retired = steps.get("retire", {}).get("removed")
    also = f"; retired {', '.join(retired)}" if retired else ""
    where = steps.get("prove", {}).get("service")
    answers = f"; answers at {where}" if where else ""
    return [f"promotion  {' -> '.join(steps)}{answers}{also}"]


def _score_lines(report: dict[str, Any]) -> list[str]:
    if not report["evidence"]:
        return []
    table = [f"{'':<11}{'':<22}" + "".join(f"{heading(metric):>9}" for metric in METRICS)]
    for name, card in scorecards(report):
        numbers = "".join(f"{shown(metric, card.get(metric)):>9}" for metric in METRICS)
        version = f" v{card['version']}" if card.get("version") else ""
        table.append(f"{'':<11}{name + version:<22}{numbers}  {card.get('order', '')}".rstrip())
    evidence = report["evidence"]
    line = (
        f"evidence   {evidence['origins']} origins x {evidence['horizon_days']} days, unseen from "
        f"{evidence['first_unseen_day']} on ({evidence['unseen_days']} days)"
    )
    if evidence["p_value"] is not None:
        p = f"= {evidence['p_value']:.3f}" if evidence["p_value"] >= SHOWN_P else f"< {SHOWN_P}"
        line += f"; Diebold-Mariano {evidence['dm_statistic']:+.2f}, one-sided p {p}"
    return [*table, line]


def scorecards(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Whoever was measured, by the part that it played."""
    names = ("champion", "challenger", "seasonal_naive")
    return [
        (name.replace("_", " "), report[name]) for name in names if (report.get(name) or {}).get("rmse") is not None
    ]


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
        f"{'':<11}{'day':<14}{'forecast':>12}" + "".join(f"{f'{level:g} % interval':>24}" for level in levels),
    ]
    for row in answer["forecast"]:
        day = f"{row['date']} {date.fromisoformat(row['date']):%a}"
        bounds = "".join(f"{one['lower']:>12.1f} .. {one['upper']:>8.1f}" for one in row["intervals"])
        lines.append(f"{'':<11}{day:<14}{row['mean']:>12.1f}{bounds}")
    return "\n".join(lines)
