"""What the calendar says of a day, when fitting and when answering."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from retrain.arima.order import Order
from retrain.arima.regressors import beside, calendar_of, columns, names
from retrain.errors import ConfigError
from scoring.calendar import Calendar

GROUPS = ("weekdays", "month_end", "holidays of US")


def test_each_column_is_one_where_its_name_says():
    """From a Wednesday, the last of January, on; the fifth of July is no holiday, the fourth is."""
    weekdays = columns(["weekdays"], date(2024, 1, 31), 5)
    ends = columns(["month_end"], date(2024, 2, 27), 4)
    holidays = columns(["holidays of US"], date(2024, 7, 3), 3)

    assert names(["weekdays"]) == ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    assert weekdays.argmax(axis=1).tolist() == [2, 3, 4, 5, 0]
    assert weekdays[4].sum() == 0  # a Sunday is what the others are measured against
    assert ends.ravel().tolist() == [0, 0, 1, 0]
    assert holidays.ravel().tolist() == [0, 1, 0]


def test_the_service_adds_what_was_fitted():
    """The artifact's effects, day by day, are the regression that the fit had."""
    first, effects = date(2023, 12, 20), np.arange(1.0, 9.0)

    calendar = Calendar.from_json(calendar_of(GROUPS, effects.tolist(), first).as_json())
    fitted = columns(GROUPS, first, 400) @ effects
    answered = [calendar.effect(date.fromordinal(first.toordinal() + day)) for day in range(400)]

    assert answered == pytest.approx(fitted.tolist())


def test_a_mean_is_a_column_of_ones_before_the_calendar():
    """As statsmodels orders them."""
    both = beside(Order(1, 0, 0, mean=True, regressors=("month_end",)), date(2024, 1, 30), 3)

    assert both.tolist() == [[1, 0], [1, 1], [1, 0]]


def test_holidays_of_a_part_of_a_country():
    """César Chávez Day is one in California."""
    day = date(2024, 3, 31)

    assert columns(["holidays of US-CA"], day, 1).item() == 1
    assert columns(["holidays of US"], day, 1).item() == 0


@pytest.mark.parametrize("country", ["XX", "US-ZZ", "us", "utils", "HolidayBase", "XNYS", "US-"])
def test_an_unknown_country_is_a_wrong_setting(country: str):
    """The sentence names it."""
    with pytest.raises(ConfigError, match=f"RETRAIN_COUNTRY is '{country}'"):
        columns([f"holidays of {country}"], date(2024, 1, 1), 1)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"effects": {"full_moon": 1.0}, "holidays": []},
        {"effects": {}, "holidays": ["soon"]},
        {"effects": {"monday": "nan"}, "holidays": []},
    ],
)
def test_a_calendar_that_cannot_be_understood_is_refused(document: dict[str, object]):
    """Rather than served without it."""
    with pytest.raises((KeyError, ValueError)):
        Calendar.from_json(document)


@pytest.mark.filterwarnings("error")
def test_holidays_that_are_decreed_late_are_no_warning():
    """India's are known for some years only."""
    assert calendar_of(["holidays of IN"], [1.0], date(2030, 1, 1)).holidays
