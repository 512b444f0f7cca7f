"""A run as a page for people: the verdict, the numbers, and plots of the unseen days. One file, without scripts.

Every text from data, from a person or from a service is escaped by MarkupSafe; the plots hold numbers alone.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from retrain.doors.charts import BLUE, GREY, ORANGE, chart
from retrain.doors.sliced import HEADS, cells, named
from retrain.doors.terminal import METRICS, approval_lines, ending, heading, scorecards, shown
from retrain.errors import ServiceError, ServiceUnavailable
from retrain.records.measured import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from retrain.doors.charts import Line
    from retrain.gate.unseen import UnseenDay
    from retrain.records.ledger import Ledger
    from retrain.records.run import Run

CUMULATIVE_GAIN = "Cumulative loss difference (champion minus challenger); it rises where the challenger is better"
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The Content-Security-Policy under which a page is served: it needs nothing, and may do nothing."""

PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
h1 {{ font-size: 1.4rem; }}
h2 {{ font-size: 1.1rem; margin-top: 2rem; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: 0.2rem 0.8rem; border-bottom: 1px solid #ddd; text-align: right; vertical-align: top; }}
td:first-child, th:first-child, .words td {{ text-align: left; overflow-wrap: anywhere; }}
.reason {{ font-size: 1.1rem; }}
.warning {{ color: #9a3b00; }}
svg {{ max-width: 100%; height: auto; }}
svg text {{ font-family: inherit; }}
pre {{ background: #f6f6f6; padding: 0.8rem; overflow-x: auto; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
""")


def page_of(run: Run, ledger: Ledger) -> str:
    """The page of a run, without plots if the days of its comparison cannot be read. Raises: ServiceUnavailable."""
    try:
        return page(run, ledger.unseen_days(run.run_id))
    except ServiceUnavailable:
        raise
    except ServiceError as error:
        return page(run, (), f"The plots cannot be drawn: {error}")


def page(run: Run, days: Sequence[UnseenDay], lost: str = "") -> str:
    """The page of a run.

    Args:
        days: the days that its comparison rests on; none where nothing was compared.
        lost: why they are missing, if they should be there.
    """
    title = f"{ending(run).upper()}: run {run.run_id}"
    plots = _plots(days) if run.evidence else []  # days of an earlier attempt may be left
    body = _join([*_reasons(run, lost), *_scores(run), *plots, *_slices(run), *_facts(run)])
    # Half a character, which JSON can hold and a file's name too, would stop the whole page at its encoding.
    return PAGE.format(policy=POLICY, title=title, body=body).encode(errors="replace").decode()


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("\n").join(parts)


def _reasons(run: Run, lost: str) -> list[Markup]:
    """The reason of the verdict, the warnings, the trouble, what cannot be shown."""
    reason = [Markup('<p class="reason">{}</p>').format(run.reason or "It waits its turn.")]
    warnings = [*run.warnings, *filter(None, (run.trouble, lost))]
    reason += [Markup('<p class="reason">{}</p>').format(line) for line in approval_lines(run)]
    return reason + [Markup('<p class="warning">{}</p>').format(warning) for warning in warnings]


def _scores(run: Run) -> list[Markup]:
    """One line a model, one column a metric."""
    cards = scorecards(run)
    if not cards:
        return []
    rows = [
        [
            name,
            *(shown(metric, getattr(scores, metric)) for metric in METRICS),
            scores.order if isinstance(scores, Model) else "",
        ]
        for name, scores in cards
    ]
    return [Markup("<h2>On the unseen days</h2>"), _table(["", *map(heading, METRICS), "order"], rows)]


def _slices(run: Run) -> list[Markup]:
    """One line a slice."""
    rows = [[named(each), *cells(each)] for each in run.slices or ()]
    return [Markup("<h2>By slice</h2>"), _table(["", *HEADS], rows)] if rows else []


def _facts(run: Run) -> list[Markup]:
    """The rest of the record, section by section."""
    record, found = run.as_json(), []
    sections = "request landing data watch evidence approval model promotion error seconds"
    for name in sections.split():
        if record.get(name):
            found += [Markup("<h2>{}</h2>").format(name.capitalize()), _listed(record[name])]
    return found


def _listed(value: Any) -> Markup:
    """Nested records as nested tables, lists of lines as they were written."""
    if isinstance(value, dict):
        rows = _join(
            Markup("<tr><td>{}</td><td>{}</td></tr>").format(name.replace("_", " "), _listed(inner))
            for name, inner in value.items()
            if inner is not None
        )
        return Markup('<table class="words">{}</table>').format(rows)
    if isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        return _join(map(_listed, value))
    if isinstance(value, list):
        return Markup("<pre>{}</pre>").format("\n".join(map(str, value))) if value else Markup("none")
    return Markup("{}").format({True: "yes", False: "no"}[value] if isinstance(value, bool) else value)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(cell) for cell in heads)
    lines = (Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row) for row in rows)
    return Markup("<table><tr>{}</tr>{}</table>").format(
        head, Markup("").join(Markup("<tr>{}</tr>").format(line) for line in lines)
    )


def _plots(days: Sequence[UnseenDay]) -> list[Markup]:
    """Actual and forecast amounts; and the cumulative loss difference, if there was a champion.

    Source of the latter: Goyal & Welch (2008), Review of Financial Studies 21(4), 1455-1508, figure 1.
    """
    if len({day.day for day in days}) < 2:  # there is no line of one point
        return []
    amounts: list[Line] = [
        ("actual", GREY, [(day.day, day.amount) for day in days]),
        ("champion, a day ahead", BLUE, [(day.day, day.champion) for day in days]),
        ("challenger, a day ahead", ORANGE, [(day.day, day.challenger) for day in days]),
    ]
    plots = _plot("Currency per day", amounts)
    gains = list(accumulate(day.champion_loss - day.challenger_loss for day in days))
    if math.isfinite(gains[-1]):
        points = [(day.day, gain) for day, gain in zip(days, gains, strict=True)]
        plots += _plot(CUMULATIVE_GAIN, [("", ORANGE, points)])
    return plots


def _plot(title: str, lines: Sequence[Line]) -> list[Markup]:
    """Lines over days, as SVG; a sentence if they cannot be drawn, nothing if there is nothing to draw."""
    finite = [
        (name, colour, [(day, value) for day, value in points if math.isfinite(value)])
        for name, colour, points in lines
    ]
    drawn = [line for line in finite if line[2]]
    try:
        return [Markup(chart(title, drawn))] if drawn else []  # noqa: S704 - its words are our own
    except (ValueError, ArithmeticError):  # days at the ends of the calendar, numbers too large to subtract
        return [Markup('<p class="warning">{}</p>').format(f"The plot cannot be drawn of these numbers: {title}")]
