"""Calendar regressors, in the fit and in the service."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from retrain.arima.order import Order
from retrain.arima.regressors import calendar_of, columns, names, with_mean
from retrain.errors import ConfigError
from scoring.calendar import Calendar
from tests.builders import consecutive

GROUPS = ("weekdays", "month_end", "holidays of US")


def test_each_column_is_one_where_its_name_says():
    """From Wednesday, 31 January, on; the fourth of July is a holiday, the fifth is not."""
    weekdays = columns(["weekdays"], consecutive(5, date(2024, 1, 31)))
    ends = columns(["month_end"], consecutive(4, date(2024, 2, 27)))
    holidays = columns(["holidays of US"], consecutive(3, date(2024, 7, 3)))

    assert names(["weekdays"]) == ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    assert weekdays.argmax(axis=1).tolist() == [2, 3, 4, 5, 0]
    assert weekdays[4].sum() == 0  # Sunday is the reference level
    assert ends.ravel().tolist() == [0, 0, 1, 0]
    assert holidays.ravel().tolist() == [0, 1, 0]


def test_the_service_adds_what_was_fitted():
    """The artifact's effects, day by day, equal the regression of the fit."""
    first, effects = date(2023, 12, 20), np.arange(1.0, 9.0)

    calendar = Calendar.from_json(calendar_of(GROUPS, effects.tolist(), first).as_json())
    fitted = columns(GROUPS, consecutive(400, first)) @ effects
    served = [calendar.effect(date.fromordinal(first.toordinal() + day)) for day in range(400)]

    assert served == pytest.approx(fitted.tolist())


def test_a_mean_is_a_column_of_ones_before_the_calendar():
    """In statsmodels' order."""
    both = with_mean(Order(1, 0, 0, mean=True, regressors=("month_end",)), consecutive(3, date(2024, 1, 30)))

    assert both.tolist() == [[1, 0], [1, 1], [1, 0]]


def test_holidays_of_a_subdivision():
    """César Chávez Day is a holiday in California."""
    day = date(2024, 3, 31)

    assert columns(["holidays of US-CA"], consecutive(1, day)).item() == 1
    assert columns(["holidays of US"], consecutive(1, day)).item() == 0


@pytest.mark.parametrize("country", ["XX", "US-ZZ", "us", "utils", "HolidayBase", "XNYS", "US-"])
def test_an_unknown_country_is_a_wrong_setting(country: str):
    """The message names the setting."""
    with pytest.raises(ConfigError, match=f"RETRAIN_COUNTRY is '{country}'"):
        columns([f"holidays of {country}"], consecutive(1, date(2024, 1, 1)))


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"effects": {"full_moon": 1.0}, "holidays": []},
        {"effects": {}, "holidays": ["soon"]},
        {"effects": {"monday": "nan"}, "holidays": []},
    ],
)
def test_an_invalid_calendar_is_refused(document: dict[str, object]):
    """A model is not served without its calendar."""
    with pytest.raises((KeyError, ValueError)):
        Calendar.from_json(document)


@pytest.mark.filterwarnings("error")
def test_holidays_that_are_announced_late_cause_no_warning():
    """India's are known for some years only."""
    assert calendar_of(["holidays of IN"], [1.0], date(2030, 1, 1)).holidays
