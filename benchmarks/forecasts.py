# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How far off a forecast of the running month is, beside the straight line.

On the seconds that the demo's customers called from a real switch: once in its month as
it is, of which no earlier week is known, and once in months that are drawn from its
days, weekday by weekday, with the eight weeks before them.
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
MONTHS = 4


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


def mean_errors(forecasts, months):
    """How far off forecasts are, as a share of what the month came to.

    :param forecasts: functions of (days before, begin, end, today)
    :param months: list of dicts day -> Fraction
    :return: for each forecast the mean error on each of the days ``ON``, floats
    """
    errors = [[] for _forecast in forecasts]
    for on in ON:
        today = BEGIN + timedelta(days=on - 1)
        sums = [Fraction(0) for _forecast in forecasts]
        for days in months:
            before = {day: value for day, value in days.items() if day < today}
            came_to = sum(value for day, value in days.items() if BEGIN <= day < END)
            for place, forecast in enumerate(forecasts):
                told = forecast(before, BEGIN, END, today)
                sums[place] += abs(told - came_to) / came_to
        for place, total in enumerate(sums):
            errors[place].append(float(total / len(months)))
    return errors


def cases(seed="forecast"):
    """The months: as they are, and drawn.

    :return: dict name -> list of months
    """
    chance = random.Random(seed)  # noqa: S311 - it must be the same each time
    used = seconds_by_day()
    as_is = [
        {day: value for day, value in days.items() if day >= BEGIN}
        for _owner, days in sorted(used.items())
    ]
    return {
        "as it is": as_is,
        "drawn": [drawn(days, chance) for days in as_is for _again in range(MONTHS)],
    }


def measure(forecast_sum):
    """Errors of the weekday profile and of the straight line.

    :param forecast_sum: of ``rating.forecast``
    :return: dict name of the case -> (errors of the profile, of the straight line)
    """

    def by_profile(*asked):
        return forecast_sum(*asked).quantity

    return {
        name: tuple(mean_errors((by_profile, straight_line), months))
        for name, months in cases().items()
    }


def figures(say):
    """The figures of ``./dev bench``, of the drawn months.

    :param say: told each case
    """
    from odoo.addons.metered_billing.rating.forecast import (  # noqa: PLC0415
        forecast_sum,
    )

    for name, ways in measure(forecast_sum).items():
        for way, errors in zip(("weekdays", "straight line"), ways, strict=True):
            days = ", ".join(
                f"day {on} {error:.1%}" for on, error in zip(ON, errors, strict=True)
            )
            say(f"  months {name}, {way}: off by {days}")
        profile, line = map(sum, ways)
    return {
        "forecast_off": 100 * profile / len(ON),
        "forecast_over_line": profile / line,
    }
