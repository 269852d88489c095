# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Levels: calls at one time, and three months of samples as a graph shows them.

Of samples the hours are made, as many as a hundred million samples have: those of one
customer who is sampled every second, and of others who are sampled every minute.
"""

import io
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import imports
import numpy as np
from effort import Effort

from odoo.addons.metered_billing.models.level import metered_level_bands
from odoo.addons.metered_billing.rating.concurrency import calls_at_once

ROUNDS = 5
START, END = datetime(2026, 4, 1), datetime(2026, 7, 1)
DAYS = (END - START).days
#: of the graph that is made of its samples
SECONDS_APART = 30
#: samples behind the graph that is made of hours, and of them those of its customer
BEHIND = 100_000_000
EVERY_SECOND = DAYS * 86_400
#: columns of each row; PostgreSQL writes its length before each of them, and times as
#: microseconds since 2000
_COLUMNS = {"partner_id": ">i4", "start": ">i8", "duration": ">i4", "answered": ">i4"}
_ROW = np.dtype(
    [("columns", ">i2")]
    + [
        part
        for name, kind in _COLUMNS.items()
        for part in ((f"of_{name}", ">i4"), (name, kind))
    ]
)
#: octets before and after the rows
_HEAD, _TAIL = 19, 2
_CALLS = """
    COPY (
    SELECT partner_id, start_time, duration::int, quantity::int
      FROM metered_cdr WHERE quantity > 0 AND partner_id IS NOT NULL
    ) TO STDOUT (FORMAT binary)
"""
_USAGE = """
    INSERT INTO metered_usage (company_id, partner_id, meter_id, day, currency_id,
                               records, quantity, billed_quantity, amount, collecting)
    SELECT %(company)s, partner_id, %(meter)s, date %(start)s + day, %(currency)s,
           %(records)s, 0, 0, 0, TRUE
      FROM unnest(%(partners)s) AS partner_id, generate_series(0, %(days)s - 1) AS day
    RETURNING id
"""
_SAMPLES = """
    INSERT INTO metered_cdr (company_id, call_id, start_time, quantity, state, meter_id,
                             partner_id, usage_id)
    SELECT usage.company_id, 'level-' || usage.id || '-' || second,
           usage.day + second * interval '1 second', second * 7919 %% 100, 'rated',
           usage.meter_id, usage.partner_id, usage.id
      FROM metered_usage usage, generate_series(0, 86399, %(apart)s) AS second
     WHERE usage.id = ANY(%(usage)s)
"""
_HOURS = """
    INSERT INTO metered_level_hour (company_id, usage_id, level_of, hour, records,
           samples, first_time, last_time, last_id, lowest, highest, last, area,
           lapsed_area, lapsed_us)
    SELECT company_id, id, '', at, %(samples)s, %(samples)s, at,
           at + interval '1 hour' - %(apart)s * interval '1 second', 1, hour %% 7,
           50 + hour, hour, 30 * 3600000000::numeric, 0, 0
      FROM (SELECT usage.company_id, usage.id, hour,
                   usage.day + hour * interval '1 hour' AS at
              FROM metered_usage usage, generate_series(0, 23) AS hour
             WHERE usage.id = ANY(%(usage)s)) hours
"""


@dataclass(frozen=True)
class LevelFigures:
    """Seconds of a graph of three months, medians.

    :ivar by_samples: of a quarter of a million samples, by these
    :ivar by_hours: of the same by their hours
    :ivar window: of a level sampled every second, by hours, with many beside it
    :ivar behind: samples that all hours stand for
    """

    by_samples: float
    by_hours: float
    window: float
    behind: int


def concurrency(env):
    """Find the most calls at one time of every customer, from stored calls.

    :return: (processor seconds of client and server, of them to read the calls,
        customers)
    """
    with Effort.measure(env.cr) as reading:
        octets = io.BytesIO()
        env.cr.copy_expert(_CALLS, octets)
        calls = np.frombuffer(octets.getbuffer()[_HEAD:-_TAIL], _ROW)
        columns = [calls[name].astype(np.int64) for name in _COLUMNS]
    with Effort.measure(env.cr) as sweep:
        most = _most_at_once(columns)
    imports.compare([("customers without a call", min(most) < 1, False)])
    read = reading.processor
    return read + sweep.processor, read, len(most)


def _most_at_once(columns):
    """The most calls at one time of each customer: list."""
    order = np.argsort(columns[0], kind="stable")
    partner, start, duration, answered = (column[order] for column in columns)
    begin = start + np.maximum(duration - answered, 0) * 1_000_000
    end = start + np.maximum(duration, answered) * 1_000_000
    first = np.flatnonzero(np.append(True, partner[1:] != partner[:-1]))
    stops = np.append(first[1:], len(partner)).tolist()
    low, high = int(begin.min()), int(end.max())
    return [
        calls_at_once(begin[at:to], end[at:to], low, high).comes_to("max")[0]
        for at, to in zip(first.tolist(), stops, strict=True)
    ]


def measure(env, operator, is_quick):
    """Measure graphs; takes back what it made.

    :param operator: :class:`workload.Workload`
    :param is_quick: with a tenth of the samples behind
    :return: :class:`LevelFigures`
    """
    meter = env["metered.meter"].create(
        {
            "name": "Bench level",
            "code": "bench_level",
            "kind": "gauge",
            "unit": "Mbit/s",
            "aggregation": "time_average",
            "level_holds": True,
        }
    )
    levels = _Levels(env, meter)
    few, second, *others = operator.partners
    usage = levels.make_usage([few], 86_400 // SECONDS_APART)
    values = {"usage": usage, "apart": SECONDS_APART}
    env.cr.execute(_SAMPLES, values)
    env["metered.level.mark"]._mark_meters(meter)
    while env["metered.level.mark"]._store_marked(env.cr.commit):
        pass
    with patch.object(metered_level_bands, "FEW_SAMPLES", 10**9):
        by_samples, expected = levels.seconds_of(few)
    by_hours, found = levels.seconds_of(few)
    imports.compare([("three months by their hours", found, expected)])
    wanted = BEHIND // 10 if is_quick else BEHIND
    behind = EVERY_SECOND
    levels.make_hours([second], 3600, 1)
    more = others[: max((wanted - behind) // (DAYS * 1440), 1)]
    levels.make_hours(more, 60, 60)
    behind += len(more) * DAYS * 1440
    window, _found = levels.seconds_of(second)
    env.cr.execute("TRUNCATE metered_level_mark")
    env.cr.execute("DELETE FROM metered_cdr WHERE meter_id = %s", (meter.id,))
    env.cr.execute("DELETE FROM metered_usage WHERE meter_id = %s", (meter.id,))
    env.invalidate_all()
    meter.unlink()
    env.cr.commit()
    return LevelFigures(by_samples, by_hours, window, behind)


class _Levels:
    """Usage of a meter, and how long its graphs take."""

    def __init__(self, env, meter):
        self.env, self.meter = env, meter

    def make_usage(self, partners, records):
        self.env.cr.execute(
            _USAGE,
            {
                "company": self.env.company.id,
                "currency": self.env.company.currency_id.id,
                "meter": self.meter.id,
                "partners": [partner.id for partner in partners],
                "start": START.date().isoformat(),
                "days": DAYS,
                "records": records,
            },
        )
        return [key for (key,) in self.env.cr.fetchall()]

    def make_hours(self, partners, samples, apart):
        usage = self.make_usage(partners, samples * 24)
        values = {"usage": usage, "samples": samples, "apart": apart}
        self.env.cr.execute(_HOURS, values)
        self.env.cr.commit()
        for table in ("metered_level_hour", "metered_usage"):
            imports.outside_transaction(self.env, f"VACUUM ANALYZE {table}")

    def seconds_of(self, partner):
        """(seconds, series) of three months by day."""
        span = START.replace(tzinfo=UTC), END.replace(tzinfo=UTC) - timedelta(hours=1)
        seconds = []
        for _round in range(ROUNDS):
            self.env.invalidate_all()
            begun = time.perf_counter()
            series = self.meter._level_series(self.env.company, partner, *span)
            seconds.append(time.perf_counter() - begun)
        return statistics.median(seconds), series
