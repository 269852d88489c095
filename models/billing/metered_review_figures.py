# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from decimal import Decimal

from odoo import models
from odoo.fields import Domain

from ...ingest.usage_calls import NEWEST_OF_CONTACT
from ...stored.payers import Household
from ...stored.usual_amounts import MOST_HISTORY, usual_range
from .metered_review import UNPOSTED

# The periods before each, the newest first. What was credited in full, or cancelled,
# was not billed: it stands for nothing.
_EARLIER = """
    SELECT review.id, earlier.amount, earlier.currency_id, earlier.is_posted
      FROM metered_review review
     CROSS JOIN LATERAL (
        SELECT CASE WHEN move.id IS NULL THEN 0 ELSE move.amount_total END AS amount,
               move.currency_id, move.state = 'posted' AS is_posted
          FROM metered_period period
          LEFT JOIN account_move move
                 ON move.id = period.invoice_id
                AND move.move_type = 'out_invoice'
                AND move.state != 'cancel'
                AND move.payment_state IS DISTINCT FROM 'reversed'
         WHERE period.subscription_id = review.subscription_id
           AND period.date_to < review.date_to
         ORDER BY period.date_to DESC
         LIMIT %s) earlier
     WHERE review.id = ANY(%s)
"""
_LINES = """
    SELECT move_id,
           sum(CASE WHEN metered_date_from IS NULL THEN 0 ELSE price_subtotal END),
           sum(CASE WHEN metered_date_from IS NULL THEN price_subtotal ELSE 0 END)
      FROM account_move_line
     WHERE move_id = ANY(%s) AND display_type = 'product'
     GROUP BY move_id
"""
#: newest records of a contact that tell where its records come from
NEWEST = 20
_SOURCES = f"""
    SELECT DISTINCT contact.id, cdr.source_id
      FROM unnest(%(contacts)s) AS contact (id) CROSS JOIN {NEWEST_OF_CONTACT}
     WHERE cdr.source_id = ANY(%(sources)s)
"""
_SKIP_LOCKED = """
    SELECT id FROM metered_review WHERE id = ANY(%s) AND state = ANY(%s)
     ORDER BY id FOR UPDATE SKIP LOCKED
"""


class MeteredReview(models.Model):
    """What is known about an invoice: its history, open exceptions, missing days.

    All rows at once, in a handful of statements: a run may have thousands of them.
    """

    _inherit = "metered.review"

    def _refresh(self):
        """Work out anew what of these is not posted, and nobody is deciding about."""
        if not self:
            return
        self.env.flush_all()
        self.env.cr.execute(_SKIP_LOCKED, (self.ids, list(UNPOSTED)))
        ids = [id_ for (id_,) in self.env.cr.fetchall()]
        self.sudo().browse(ids)._work_out()

    def _work_out(self):
        """Write the figures of these rows, as superuser."""
        if not self:
            return
        self.env.flush_all()
        earlier, lines = self._read_earlier(), self._read_lines()
        carried = self._read_carried()
        exceptions, missing = {}, {}
        for company, rows in self.grouped("company_id").items():
            rows = rows.with_company(company)
            households = rows._households()
            exceptions |= rows._count_exceptions(households)
            missing |= rows._count_missing_days(households)
        for row in self:
            usage, fees = lines.get(row.invoice_id.id, (0, 0))
            count, money = exceptions.get(row.id, (0, 0))
            row.write(
                {
                    **row._history_values(earlier.get(row.id, [])),
                    "usage_amount": usage,
                    "fee_amount": fees,
                    "usage_share": 100 * usage / (usage + fees) if usage + fees else 0,
                    "exceptions": count,
                    "exception_money": money,
                    "missing_days": missing.get(row.id, 0),
                    "carried_amount": carried.get(row.invoice_id.id, 0),
                }
            )

    # === HISTORY === #

    def _read_earlier(self):
        """The periods before each.

        :return: dict id -> list of (amount, id of the currency or None, whether it is
            posted), the newest first
        """
        self.env.cr.execute(_EARLIER, (MOST_HISTORY, self.ids))
        earlier = defaultdict(list)
        for id_, *values in self.env.cr.fetchall():
            earlier[id_].append(values)
        return earlier

    def _history_values(self, earlier):
        """What the periods before say about this invoice.

        :param earlier: of :meth:`_read_earlier`
        """
        self.ensure_one()
        currency = self.currency_id
        last, last_currency, _posted = earlier[0] if earlier else (0, None, False)
        billed = any(currency_id for _amount, currency_id, _posted in earlier)
        usual = usual_range(
            [
                Decimal(amount)
                for amount, currency_id, is_posted in earlier
                if is_posted and currency_id == currency.id
            ],
            Decimal(repr(currency.rounding)),
        )
        return {
            "is_first": not billed,
            # Other money cannot be compared.
            "has_last": billed and last_currency in (None, currency.id),
            "last_amount": last if last_currency == currency.id else 0,
            "has_usual": bool(usual),
            "usual": usual.middle if usual else 0,
            "usual_low": usual.low if usual else 0,
            "usual_high": usual.high if usual else 0,
        }

    def _read_lines(self):
        """Usage and fees of each invoice, without taxes: dict id -> (usage, fees)."""
        self.env.cr.execute(_LINES, (self.invoice_id.ids,))
        return {
            move_id: (float(usage), float(fees))
            for move_id, usage, fees in self.env.cr.fetchall()
        }

    # === EXCEPTIONS === #

    def _households(self):
        """Whom the invoices of these bill: dict partner id -> Household."""
        return self.partner_id._metered_households()

    def _named(self, households):
        """Ids of those whose usage is on this invoice; see :meth:`_households`."""
        self.ensure_one()
        return households.get(self.partner_id.id, Household()).named

    def _count_exceptions(self, households):
        """Open exceptions of the customers.

        :return: dict id -> (number, money)
        """
        named = {id_ for row in self for id_ in row._named(households)}
        # Days in UTC, as the moments are that the list of them is searched by.
        model = self.env["metered.exception"].with_context(tz="UTC")
        groups = model._read_group(
            [
                ("company_id", "in", self.company_id.ids),
                ("state", "=", "open"),
                ("partner_id", "in", sorted(named)),
            ],
            ["partner_id", "start_time:day"],
            ["__count", "estimate:sum"],
        )
        by_partner = defaultdict(list)
        for partner, day, count, money in groups:
            by_partner[partner.id].append((day and day.date(), count, money or 0))
        found = {}
        for row in self if by_partner else ():
            named = row._named(households)
            some = [
                (count, money)
                for partner_id in by_partner.keys() & set(named)
                for day, count, money in by_partner[partner_id]
                if not day or not row.date_to or day < row.date_to
            ]
            found[row.id] = tuple(map(sum, zip(*some, strict=True))) or (0, 0)
        return found

    def _exceptions_domain(self):
        """The exceptions that are counted of this row."""
        self.ensure_one()
        row = self.with_company(self.company_id)
        named = row._named(row._households())
        domain = Domain(
            [
                ("company_id", "=", self.company_id.id),
                ("state", "=", "open"),
                ("partner_id", "in", list(named)),
            ]
        )
        if self.date_to:
            domain &= Domain("start_time", "=", False) | Domain(
                "start_time", "<", self.date_to
            )
        return domain

    # === MISSING DAYS === #

    def _count_missing_days(self, households):
        """Days of the periods on which sources of the customers lack records.

        Of an account they are its customer's. Of a source as a whole they are those of
        every customer whose records come from it.

        :return: dict id -> days
        """
        dated = self.filtered("date_to")
        if not dated:
            return {}
        first, last = min(dated.mapped("date_from")), max(dated.mapped("date_to"))
        gaps = self.env["metered.completeness"].search_fetch(
            [
                ("company_id", "in", self.company_id.ids),
                ("state", "=", "gap"),
                ("day", ">=", first),
                ("day", "<", last),
            ],
            ["source_id", "account_id", "partner_id", "day"],
        )
        if not gaps:
            return {}
        of_partner, of_source = defaultdict(set), defaultdict(set)
        for gap in gaps:
            if gap.account_id:
                of_partner[gap.partner_id.id].add(gap.day)
            else:
                of_source[gap.source_id.id].add(gap.day)
        comes_from = self._read_sources(households, list(of_source))
        found = {}
        for row in dated:
            days = set()
            for partner_id in row._named(households):
                days |= of_partner.get(partner_id, set())
                for source_id in comes_from.get(partner_id, ()):
                    days |= of_source[source_id]
            found[row.id] = sum(row.date_from <= day < row.date_to for day in days)
        return found

    def _read_sources(self, households, source_ids):
        """From which of some sources the records of the customers' contacts come.

        Their newest records say so, and their identifiers of one source.

        :return: dict partner id -> set of ids of sources
        """
        if not source_ids:
            return {}
        contacts = sorted({id_ for some in households.values() for id_ in some.named})
        self.env.cr.execute(
            _SOURCES, {"contacts": contacts, "most": NEWEST, "sources": source_ids}
        )
        found = defaultdict(set)
        for partner_id, source_id in self.env.cr.fetchall():
            found[partner_id].add(source_id)
        identifiers = self.env["metered.identifier"]._read_group(
            [("source_id", "in", source_ids), ("partner_id", "in", contacts)],
            ["partner_id", "source_id"],
        )
        for partner, source in identifiers:
            found[partner.id].add(source.id)
        return found
