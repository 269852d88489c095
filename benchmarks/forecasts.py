# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How far off a forecast of the running month is, beside the straight line.

On the seconds that each of the demo's customers called from a real switch: in its month
as it is, of which no earlier week is known; in every two weeks of it, with the days
before them; and in months that are drawn from its days, weekday by weekday, with the
eight weeks before them.
"""

import csv
import random
from collections import defaultdict
from datetime import datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

DATA = Path(__file__).resolve().parents[1] / "demo" / "asterisk"
ZONE = ZoneInfo("America/New_York")
BEGIN, END = datetime(2026, 10, 1).date(), datetime(2026, 11, 1).date()
#: days of the month on which the rest of it is forecast
ON = (5, 10, 15, 20, 25)
WEEKS_BEFORE = 8
MONTHS = 8
#: days of a period of two weeks on which the rest of it is forecast
ON_OF_TWO_WEEKS = (4, 6, 8, 11)
#: whole days that are known before the first of them begins
KNOWN_BEFORE = 7


def seconds_by_day():
    """What each customer called by its days, as `demo/asterisk/README.md` bills it.

    :return: dict customer -> dict day -> Fraction
    """
    with open(DATA / "customers.csv", encoding="utf-8") as rows:
        owners = {
            (row["kind"], row["identifier"]): row["customer"]
            for row in csv.DictReader(rows)
        }
    used = defaultdict(lambda: defaultdict(Fraction))
    with open(DATA / "Master.csv", encoding="utf-8") as rows:
        for row in csv.reader(rows):
            context, channel, other, seconds, answered = (
                row[at] for at in (3, 5, 6, 13, 14)
            )
            if answered != "ANSWERED" or not other.startswith("PJSIP/carrier"):
                continue
            endpoint = channel.removeprefix("PJSIP/").rpartition("-")[0]
            owner = owners.get(("endpoint", endpoint)) or owners["context", context]
            start = datetime.fromisoformat(f"{row[9]}+00:00").astimezone(ZONE)
            used[owner][start.date()] += int(seconds)
    return used


def drawn(days, chance):
    """A month and eight weeks before it, each day one of the same weekday."""
    pool = defaultdict(list)
    for count in range((END - BEGIN).days):
        day = BEGIN + timedelta(days=count)
        pool[day.weekday()].append(days.get(day, Fraction(0)))
    first = BEGIN - timedelta(weeks=WEEKS_BEFORE)
    return {
        day: chance.choice(pool[day.weekday()])
        for day in (
            first + timedelta(days=count) for count in range((END - first).days)
        )
    }


def straight_line(days, begin, end, today):
    """Return what a period comes to if each day left is as its mean day was so far.

    :return: Fraction
    """
    whole = (today - begin).days
    used = sum((days[day] for day in days if begin <= day < today), Fraction(0))
    return used * (end - begin).days / whole if whole else used


def mean_errors(forecasts, periods, days_on):
    """How far off forecasts are, as a share of what the period came to.

    :param forecasts: functions of (days before, begin, end, today)
    :param periods: list of (dict day -> Fraction, begin, end)
    :param days_on: days of each period on which it is forecast, from 1
    :return: for each forecast the mean error on each of these days, floats
    """
    errors = [[] for _forecast in forecasts]
    for on in days_on:
        sums = [Fraction(0) for _forecast in forecasts]
        for days, begin, end in periods:
            today = begin + timedelta(days=on - 1)
            before = {day: value for day, value in days.items() if day < today}
            came_to = sum(value for day, value in days.items() if begin <= day < end)
            for place, forecast in enumerate(forecasts):
                told = forecast(before, begin, end, today)
                sums[place] += abs(told - came_to) / came_to
        for place, total in enumerate(sums):
            errors[place].append(float(total / len(periods)))
    return errors


def two_weeks(days):
    """Every two weeks of a month of which a week before is known, with usage."""
    periods = []
    for count in range(KNOWN_BEFORE, (END - BEGIN).days - 13):
        begin = BEGIN + timedelta(days=count)
        end = begin + timedelta(weeks=2)
        if any(value for day, value in days.items() if begin <= day < end):
            periods.append((days, begin, end))
    return periods


def cases(seed="forecast"):
    """The periods: as they are, and drawn.

    :return: dict name -> (list of (days, begin, end), days on which to forecast)
    """
    chance = random.Random(seed)  # noqa: S311 - it must be the same each time
    used = seconds_by_day()
    as_is = [
        {day: value for day, value in days.items() if day >= BEGIN}
        for _owner, days in sorted(used.items())
    ]
    months = [drawn(days, chance) for days in as_is for _again in range(MONTHS)]
    weeks = [period for days in as_is for period in two_weeks(days)]
    return {
        "as it is": ([(days, BEGIN, END) for days in as_is], ON),
        "its two weeks": (weeks, ON_OF_TWO_WEEKS),
        "drawn": ([(days, BEGIN, END) for days in months], ON),
    }


def measure(forecast_sum):
    """Errors of the weekday profile and of the straight line.

    :param forecast_sum: of ``rating.forecast``
    :return: dict name of the case -> (errors of the profile, of the straight line)
    """

    def by_profile(*asked):
        return forecast_sum(*asked).quantity

    return {
        name: tuple(mean_errors((by_profile, straight_line), *case))
        for name, case in cases().items()
    }


def figures(say):
    """The figures of ``./dev bench``.

    :param say: told each case
    """
    from odoo.addons.metered_billing.rating.forecast import (  # noqa: PLC0415
        forecast_sum,
    )

    days_on = {name: on for name, (_periods, on) in cases().items()}
    found = measure(forecast_sum)
    for name, ways in found.items():
        for way, errors in zip(("weekdays", "straight line"), ways, strict=True):
            days = ", ".join(
                f"day {on} {error:.1%}"
                for on, error in zip(days_on[name], errors, strict=True)
            )
            say(f"  months {name}, {way}: off by {days}")
    profile, _line = found["drawn"]
    figures = {"forecast_off": 100 * sum(profile) / len(ON)}
    for key, name in (
        ("forecast_over_line", "drawn"),
        ("forecast_two_weeks", "its two weeks"),
        ("forecast_as_it_is", "as it is"),
    ):
        profile, line = map(sum, found[name])
        figures[key] = profile / line
    return figures
