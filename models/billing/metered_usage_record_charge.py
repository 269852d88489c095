# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from odoo import api, models
from odoo.exceptions import UserError

from ...ingest.usage_calls import USAGE_SAMPLES
from ...rating.aggregations import ADDITIVE
from ...rating.usage_price import PricedUsage, price_usage
from ..price.metered_price_engine import day_us

#: aggregations of which days and single records can stand beside each other; what the
#: records of a day before one of them come to
_EARLIER = {
    "sum": "sum(cdr.quantity)",
    "count": "sum(cdr.quantity)",
    "max": "max(cdr.quantity)",
    "min": "min(cdr.quantity)",
}
#: records of a period whose price is one of each record: all of them are read
MOST_EVENTS = 5_000
#: where usage that is not invoiced stands: after what is
_OPEN = 2**62


@dataclass(frozen=True)
class RecordCharge:
    """What one record adds to the price of its billing period.

    :ivar before, after: ``PricedUsage`` of the period up to the record, without it and
        with it
    """

    before: PricedUsage
    after: PricedUsage

    @property
    def amount(self):
        """Exactly, before the amount of the period is rounded: a Fraction."""
        return self.after.exact_amount - self.before.exact_amount

    @property
    def free(self):
        """What it took of the free units, a Fraction."""
        return self.after.free - self.before.free


class MeteredUsage(models.Model):
    """What single records of a meter cost, whose price is that of a billing period.

    Records count in the order in which they are billed: what is invoiced first, then
    by day, time and id. So the charges of the records of a period come to its price,
    but for a minimum that they do not reach, and for its rounding.
    """

    _inherit = "metered.usage"

    def _period_priced(self, so_far):
        """The priced period of a row of usage.

        :param so_far: ``SoFar`` of the row, while it is not invoiced
        :return: ``PricedMeter``; None where there is no price, or no more the one that
            it was invoiced with
        """
        self.ensure_one()
        line = self.invoice_line_id
        if not line:
            return so_far.priced.get(self.id)
        if not line.metered_date_from or self.meter_id.kind == "call":
            return None
        owner = line.metered_subscription_id
        try:
            found = self._price_meter(
                self.meter_id,
                owner,
                owner.partner_id or self.partner_id,
                self.company_id,
                line.metered_date_from,
                line.metered_date_to,
                self.browse(),
            )
        except UserError:
            return None
        return None if found.due(found.currency) else found

    @api.model
    def _record_charges(self, found, cdrs):
        """What some records add to the price of a period.

        :param found: ``PricedMeter``
        :param cdrs: ``metered.cdr`` of the period
        :return: dict id -> :class:`RecordCharge`; empty where the price is none of
            records, such as the average of a level
        """
        rows = found.billed_usage | found.records
        if found.measured_from:
            rows = rows.filtered(lambda row: row.day >= found.measured_from)
        cdrs = cdrs.filtered(lambda cdr: cdr.usage_id in rows)
        if found.basis[0] not in _EARLIER or found.meter._prices_level(found.basis[0]):
            return {}
        by_event = found.basis[0] in ADDITIVE and found.price._prices_events()
        if by_event and sum(rows.mapped("records")) > MOST_EVENTS:
            return {}
        read = self._events_before if by_event else self._days_before
        priced, charges = {}, {}
        for key, at, records in read(found, rows, cdrs):
            pair = []
            # What stands before a record often is what another one ends with.
            for place, upto in ((at, records[:-1]), ((*at[:-1], at[-1] + 1), records)):
                if place not in priced:
                    priced[place] = self._price_records(found, upto)
                pair.append(priced[place])
            if all(pair):
                charges[key] = RecordCharge(*pair)
        return charges

    @api.model
    def _days_before(self, found, rows, cdrs):
        """Yield each record with its place and all records up to it.

        Days before it are one record each, and so is what came before it on its day.

        :return: iterator of (id, place, list as ``_read_records`` has them)
        """
        place_of = {row.id: (row.invoice_line_id.id or _OPEN, row.day) for row in rows}
        wanted = {place_of[usage_id] for usage_id in cdrs.usage_id.ids}
        whole = self._read_records(found, rows).values.tolist()
        self.env.cr.execute(
            f"""
            SELECT * FROM (
                SELECT cdr.id, cdr.usage_id, cdr.quantity::text,
                       count(*) OVER earlier,
                       {_EARLIER[found.basis[0]]} OVER earlier::text
                  FROM {USAGE_SAMPLES}
                  JOIN metered_usage usage ON usage.id = cdr.usage_id
                WINDOW earlier AS (
                    PARTITION BY usage.invoice_line_id, usage.day
                    ORDER BY cdr.start_time, cdr.id
                    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ) AS placed WHERE id = ANY(%(ids)s)
            """,  # noqa: S608 - ours
            {
                "usage": [row.id for row in rows if place_of[row.id] in wanted],
                "ids": cdrs.ids,
            },
        )
        for key, usage_id, quantity, count, earlier in self.env.cr.fetchall():
            place = place_of[usage_id]
            at_us = day_us(place[1])
            upto = [record for record in whole if place_of[record[0]] < place]
            if count:
                upto.append([-1, at_us, Decimal(earlier), count])
            yield key, (*place, count), [*upto, [-2, at_us, Decimal(quantity), 1]]

    @api.model
    def _events_before(self, found, rows, cdrs):
        """The same where each record has a price of its own: one by one."""
        wanted, upto = set(cdrs.ids), []
        groups = rows.grouped(lambda row: row.invoice_line_id.id or _OPEN)
        for line, of_line in sorted(groups.items()):
            for record in self._read_records(found, of_line).values.tolist():
                upto.append(record)
                if record[0] in wanted:
                    yield record[0], (line, len(upto) - 1), list(upto)

    @api.model
    def _price_records(self, found, records):
        """The price of some records of a period; None: there is none for them."""
        columns = ["id", "at_us", "value", "records"]
        price, terms = self._price_terms(found)
        try:
            return price_usage(
                price, records=pd.DataFrame(records, columns=columns), **terms
            )
        except ValueError:
            return None
