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
Group = namedtuple(
    "Group", "late service contact listed calls seconds billed covered charge tariffs"
)
Usage = namedtuple("Usage", "late kind day meter unit quantity amount open_ids")
Readings = namedtuple("Readings", "meter unit serial first last quantity")
Call = namedtuple(
    "Call",
    "late service contact record_id start_time direction caller callee destination"
    " call_type seconds billed covered price per_seconds initial increment deck charge"
    " currency",
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

    def _usage_scope(self):
        """The usage on the statement: that of its invoice, or of its period.

        :return: (FROM, of ``line``, ``usage`` and ``meter``; WHERE), both SQL
        """
        if self.scope == "invoice":
            tables = SQL(
                """
                account_move_line line
                JOIN metered_usage usage ON usage.invoice_line_id = line.id
                """
            )
            condition = SQL(
                "line.move_id = %s AND line.company_id = %s",
                self.invoice_id.id,
                self.company_id.id,
            )
        else:
            partner = self.partner_id.with_company(self.company_id)
            tables = SQL(
                """
                metered_usage usage
                LEFT JOIN account_move_line line ON line.id = usage.invoice_line_id
                """
            )
            condition = SQL(
                "usage.partner_id = ANY(%s) AND usage.currency_id = %s"
                " AND usage.day >= %s AND usage.day < %s",
                partner._metered_family().ids,
                self.currency_id.id,
                self.date_from,
                self.date_to,
            )
        return (
            SQL("%s JOIN metered_meter meter ON meter.id = usage.meter_id", tables),
            SQL("%s AND usage.company_id = %s", condition, self.company_id.id),
        )

    def _late(self):
        """Whether usage was recorded after its period had been invoiced, in SQL."""
        if self.scope == "invoice":
            return SQL("coalesce(line.metered_late, FALSE)")
        return SQL("FALSE")

    def _sub_account(self):
        """What calls are grouped by: the service, and the contact if it has one."""
        return SQL(
            """
            coalesce(identifier.value, '') COLLATE "C" AS service,
            (CASE WHEN usage.partner_id = %s THEN '' ELSE coalesce(member.name, '') END
            ) COLLATE "C" AS contact
            """,
            self.partner_id.id,
        )

    def _calls_of(self):
        """The calls on the statement: FROM and WHERE."""
        tables, condition = self._usage_scope()
        return SQL(
            """
              FROM %(tables)s
              JOIN metered_cdr cdr ON cdr.usage_id = usage.id
              JOIN res_partner member ON member.id = usage.partner_id
              LEFT JOIN metered_identifier identifier
                   ON identifier.id = cdr.identifier_id
              LEFT JOIN metered_destination destination
                   ON destination.id = cdr.destination_id
              LEFT JOIN metered_rate rate ON rate.id = cdr.rate_id
              LEFT JOIN metered_rate_deck deck ON deck.id = rate.deck_id
              LEFT JOIN res_currency currency ON currency.id = cdr.currency_id
             WHERE meter.kind = 'call' AND %(condition)s
            """,
            tables=tables,
            condition=condition,
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

        :return: list of `Group`; sums of seconds and charges are exact, ``tariffs``
            the names of decks
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT %(late)s, %(sub_account)s, %(listed)s, count(*),
                       coalesce(sum(cdr.quantity), 0)::text,
                       coalesce(sum(cdr.billed_quantity), 0)::text,
                       coalesce(sum(cdr.plan_quantity), 0)::text,
                       coalesce(sum(cdr.charge), 0)::text,
                       coalesce(array_agg(DISTINCT deck.name)
                                FILTER (WHERE deck.name IS NOT NULL), '{}')
                %(calls)s
                 GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4 DESC
                """,
                late=self._late(),
                sub_account=self._sub_account(),
                listed=self._listed(),
                calls=self._calls_of(),
            )
        )
        return [Group(*row[:5], *map(Decimal, row[5:9]), row[9]) for row in rows]

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
                SELECT %(late)s AS late, %(sub_account)s, cdr.call_id,
                       cdr.start_time, coalesce(cdr.direction, ''),
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
                 ORDER BY late, service, contact, cdr.start_time,
                          cdr.call_id COLLATE "C", cdr.source_id
                """,
                lang=self.lang or "en_US",
                late=self._late(),
                sub_account=self._sub_account(),
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
                yield from map(Call._make, rows)
        finally:
            cr.execute("CLOSE metered_statement")

    def _read_usage(self):
        """Usage of meters that are no calls, by day.

        :return: list of `Usage`; ``open_ids`` are those whose amount is not known yet
        """
        tables, condition = self._usage_scope()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT %(late)s,
                       CASE WHEN meter.kind = 'counter' THEN 'counter'
                            WHEN meter.is_measured THEN 'measured' ELSE 'other' END,
                       usage.day,
                       coalesce(meter.name ->> %(lang)s, meter.name ->> 'en_US')
                       COLLATE "C",
                       coalesce(meter.unit, ''), sum(usage.quantity)::text,
                       coalesce(sum(usage.amount), 0)::text,
                       array_agg(usage.id ORDER BY usage.id)
                           FILTER (WHERE usage.invoice_line_id IS NULL)
                  FROM %(tables)s
                 WHERE meter.kind <> 'call' AND %(condition)s
                 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 4, 3, 5
                """,
                late=self._late(),
                lang=self.lang or "en_US",
                tables=tables,
                condition=condition,
            )
        )
        return [
            Usage(*row[:5], Decimal(row[5]), Decimal(row[6]), row[7] or [])
            for row in rows
        ]

    def _read_readings(self):
        """Between which readings the usage of each device lies: list of `Readings`."""
        tables, condition = self._usage_scope()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT coalesce(meter.name ->> %(lang)s, meter.name ->> 'en_US')
                       COLLATE "C",
                       coalesce(meter.unit, ''), register.serial COLLATE "C",
                       (array_agg(cdr.properties ORDER BY
                            (cdr.properties ->> 'from_time')::timestamptz))[1],
                       (array_agg(cdr.properties ORDER BY
                            (cdr.properties ->> 'to_time')::timestamptz DESC))[1],
                       sum(cdr.quantity)::text
                  FROM %(tables)s
                  JOIN metered_cdr cdr ON cdr.usage_id = usage.id
                  JOIN metered_register register ON register.id = cdr.register_id
                 WHERE meter.kind = 'counter' AND cdr.properties ? 'from'
                   AND %(condition)s
                 GROUP BY 1, 2, 3 ORDER BY 1, 3, 2
                """,
                lang=self.lang or "en_US",
                tables=tables,
                condition=condition,
            )
        )
        return [Readings(*row[:5], Decimal(row[5])) for row in rows]

    def _read_meters(self, carried_ids):
        """What the usage of a period comes to, by meter and invoice.

        :param carried_ids: of usage that is carried forward
        :return: list of (meter, whether it is of calls, invoice or None, its state,
            ``waived`` or ``carried``, records, billed seconds, amount, ids whose
            amount is not known yet)
        """
        tables, condition = self._usage_scope()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT coalesce(meter.name ->> %(lang)s, meter.name ->> 'en_US')
                       COLLATE "C",
                       meter.kind = 'call', move.name,
                       coalesce(move.state, CASE
                           WHEN usage.waived_period_id IS NOT NULL THEN 'waived'
                           WHEN usage.id = ANY(%(carried)s) THEN 'carried' END),
                       sum(usage.records),
                       coalesce(sum(usage.billed_quantity), 0)::text,
                       coalesce(sum(usage.amount), 0)::text,
                       array_agg(usage.id ORDER BY usage.id)
                           FILTER (WHERE line.id IS NULL AND meter.kind <> 'call')
                  FROM %(tables)s
                  LEFT JOIN account_move move ON move.id = line.move_id
                 WHERE %(condition)s
                 GROUP BY 1, 2, 3, 4 ORDER BY 2 DESC, 1, 3 NULLS LAST, 4
                """,
                lang=self.lang or "en_US",
                carried=carried_ids,
                tables=tables,
                condition=condition,
            )
        )
        return [
            (*row[:5], Decimal(row[5]), Decimal(row[6]), row[7] or []) for row in rows
        ]
