"""Lines and bands over days, as SVG: for the page of a run, and for a forecast."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    type Line = tuple[str, str, Sequence[tuple[date, float]]]
    """Name, colour, and a value for each day."""
    type Band = tuple[str, str, Sequence[tuple[date, float, float]]]
    """Name, colour, and the lower and upper bound for each day."""

WIDTH, HEIGHT = 960, 320
GREY, BLUE, ORANGE = "#777777", "#1f77b4", "#d95f02"
LIGHT_BLUE, PALE_BLUE = "#a6cbe6", "#dcebf6"


def chart(title: str, lines: Sequence[Line], bands: Sequence[Band] = ()) -> str:
    """An `svg` element; the bands lie below the lines, the first of them lowest.

    Args: lines: at least one; every value is finite.
    Raises: ValueError or ArithmeticError for days at the ends of the calendar and numbers too large to subtract.
    """
    import leather

    made = leather.Chart(title)
    for name, colour, bounds in bands:
        # Along the upper bounds, and back along the lower ones.
        around = [(day, high) for day, _, high in bounds] + [(day, low) for day, low, _ in reversed(bounds)]
        made.add_series(leather.Series(_moments(around), name=name), _Area(colour))
    for name, colour, points in lines:
        if len(points) > 1:
            made.add_line(_moments(points), name=name, stroke_color=colour, width=1)
        else:
            made.add_dots(_moments(points), name=name, fill_color=colour)
    values = [value for _, _, points in lines for _, value in points]
    values += [bound for _, _, points in bands for _, *bounds in points for bound in bounds]
    low, high = min(values), max(values)
    margin = (high - low) / 20 or abs(high) / 20 or 1.0
    made.set_y_scale(leather.Linear(low - margin, high + margin))
    made.add_x_axis(tick_formatter=lambda day, _at, _count: f"{day:%d %b %Y}")
    return str(made.to_svg(width=WIDTH, height=HEIGHT))


def _moments(points: Sequence[tuple[date, float]]) -> list[tuple[datetime, float]]:
    """Of moments and not of days: leather divides a week or less into hours."""
    return [(datetime.combine(day, time()), value) for day, value in points]


class _Area:
    """A shape of leather: the filled area within its points."""

    def __init__(self, colour: str) -> None:
        self._fill_color = colour

    def validate_series(self, series: Any) -> None:
        """Days and numbers are all that it is given."""

    def legend_to_svg(self, series: Any, palette: Any) -> Any:
        """As for every shape that is filled."""
        from leather.shapes import Shape

        return Shape.legend_to_svg(self, series, palette)

    def to_svg(self, width: int, height: int, x_scale: Any, y_scale: Any, series: Any, _palette: Any) -> Any:
        """One path; its border shows an area of one day."""
        from xml.etree.ElementTree import Element

        points = [
            f"{x_scale.project(point.x, 0, width)} {y_scale.project(point.y, height, 0)}" for point in series.data()
        ]
        colour, path = self._fill_color, f"M {' L '.join(points)} Z"
        return Element("path", {"class": "series area", "fill": colour, "stroke": colour, "d": path})
