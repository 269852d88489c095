# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re
from collections import namedtuple
from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from ...statement.masking import split

#: rows that are fetched at a time
FETCHED = 2_000
Group = namedtuple("Group", "late service listed calls seconds billed covered charge")
Call = namedtuple(
    "Call",
    "late service record_id start_time direction caller callee destination call_type"
    " seconds billed covered price per_seconds initial increment deck charge currency",
)
#: which calls are listed by `Masking.items`
_ITEMS = {
    "all": SQL("TRUE"),
    "charged": SQL("coalesce(cdr.charge, 0) <> 0"),
    "none": SQL("FALSE"),
}
#: what a customer calls, or who calls them
_OTHER_PARTY = SQL(
    "coalesce(CASE WHEN cdr.direction = 'inbound' THEN cdr.caller ELSE cdr.callee END,"
    " '')"
)


class MeteredStatement(models.Model):
    """The calls of a statement, read from the database row by row."""

    _inherit = "metered.statement"

    def _calls_of(self):
        """The calls on the lines of the statement's invoice."""
        return SQL(
            """
              FROM account_move_line line
              JOIN metered_usage usage ON usage.invoice_line_id = line.id
              JOIN metered_meter meter
                   ON meter.id = usage.meter_id AND meter.kind = 'call'
              JOIN metered_cdr cdr ON cdr.usage_id = usage.id
              LEFT JOIN metered_identifier identifier
                   ON identifier.id = cdr.identifier_id
              LEFT JOIN metered_destination destination
                   ON destination.id = cdr.destination_id
              LEFT JOIN metered_rate rate ON rate.id = cdr.rate_id
              LEFT JOIN metered_rate_deck deck ON deck.id = rate.deck_id
              LEFT JOIN res_currency currency ON currency.id = cdr.currency_id
             WHERE line.move_id = %(invoice)s AND line.company_id = %(company)s
               AND usage.company_id = %(company)s
            """,
            invoice=self.invoice_id.id,
            company=self.company_id.id,
        )

    def _listed(self):
        """The condition that a call is listed: what ``Masking.lists`` says, in SQL."""
        masking = self._masking()
        conditions = [_ITEMS[masking.items]]
        whole, begins = split(masking.never_shown)
        digits = SQL("regexp_replace(%s, '[^0-9]', '', 'g')", _OTHER_PARTY)
        if whole:
            conditions.append(SQL("%s != ALL(%s)", digits, sorted(whole)))
        if begins:
            patterns = "|".join(map(re.escape, begins))
            conditions.append(SQL("%s !~ %s", digits, f"^({patterns})"))
        return SQL(" AND ").join(conditions)

    def _read_groups(self):
        """What the calls of each service come to, those that are not listed apart.

        :return: list of `Group`; sums of seconds and charges are exact
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT coalesce(line.metered_late, FALSE),
                       coalesce(identifier.value, '') COLLATE "C", %(listed)s, count(*),
                       coalesce(sum(cdr.quantity), 0)::text,
                       coalesce(sum(cdr.billed_quantity), 0)::text,
                       coalesce(sum(cdr.plan_quantity), 0)::text,
                       coalesce(sum(cdr.charge), 0)::text
                %(calls)s
                 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 DESC
                """,
                listed=self._listed(),
                calls=self._calls_of(),
            )
        )
        return [Group(*row[:4], *map(Decimal, row[4:])) for row in rows]

    def _read_calls(self):
        """The calls that are listed, by service and time: an iterator of `Call`.

        Never by the database's ids, so that what is made again is the same.
        """
        self.env.flush_all()
        cr = self.env.cr
        cr.execute(
            SQL(
                """
                DECLARE metered_statement NO SCROLL CURSOR FOR
                SELECT coalesce(line.metered_late, FALSE) AS late,
                       coalesce(identifier.value, '') COLLATE "C" AS service,
                       cdr.call_id, cdr.start_time, coalesce(cdr.direction, ''),
                       coalesce(cdr.caller, ''), coalesce(cdr.callee, ''),
                       coalesce(destination.name ->> %(lang)s,
                                destination.name ->> 'en_US', ''),
                       coalesce(meter.name ->> %(lang)s, meter.name ->> 'en_US'),
                       cdr.quantity::text, coalesce(cdr.billed_quantity, 0)::text,
                       coalesce(cdr.plan_quantity, 0)::text, rate.price::text,
                       rate.per_seconds, rate.initial_increment, rate.increment,
                       coalesce(deck.name, ''), coalesce(cdr.charge, 0)::text,
                       coalesce(currency.name, '')
                %(calls)s AND %(listed)s
                 ORDER BY late, service, cdr.start_time, cdr.call_id COLLATE "C",
                          cdr.source_id
                """,
                lang=self.lang or "en_US",
                calls=self._calls_of(),
                listed=self._listed(),
            )
        )
        try:
            while True:
                cr.execute(SQL("FETCH %s FROM metered_statement", FETCHED))
                rows = cr.fetchall()
                if not rows:
                    return
                for row in rows:
                    yield Call(*row)
        finally:
            cr.execute("CLOSE metered_statement")
