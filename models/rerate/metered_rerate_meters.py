# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from odoo import api, models
from odoo.exceptions import UserError

from ...rating.shares import finite_amount, shares


@dataclass(frozen=True, slots=True)
class Billed:
    """What one invoice bills of a meter in one billing period, and of whom.

    :ivar meter: ``metered.meter``
    :ivar owner: ``sale.subscription`` whose period it is, may be empty
    :ivar partner: ``res.partner``: the commercial entity
    :ivar date_from: first day of the period
    :ivar date_to: first day after it
    :ivar move: the ``account.move``
    """

    meter: models.BaseModel
    owner: models.BaseModel
    partner: models.BaseModel
    date_from: object
    date_to: object
    move: models.BaseModel

    @property
    def period(self):
        """The meter and billing period, whatever bills it."""
        return self.meter, self.owner, self.partner, self.date_from, self.date_to


class MeteredRerate(models.Model):
    """Invoiced usage of meters, priced again with the prices of today.

    A price is that of a whole billing period. So the whole period is priced again,
    also where a run is about some of its days, and invoice by invoice, as it was
    billed: each bills the period so far, less what those before it bill. What an
    invoice bills now goes to its rows in the proportions in which they were charged.
    """

    _inherit = "metered.rerate"

    def _price_again(self, usage, periods):
        """Price the periods again that invoiced usage is of.

        :param usage: ``metered.usage`` of meters, on posted invoices; all of a
            company and its contacts
        :param periods: as :meth:`_periods_of` found them
        :return: (dict ``metered.usage`` row -> (before, after) as Decimals, of all
            rows of the same periods on posted invoices; dict partner id -> why it
            cannot be priced; dict row -> what explains its price now, see
            ``metered_pricing`` of invoice lines)
        """
        every = usage.union(*periods.values())
        before = self._charged(every)
        after, problems, pricings = dict(before), {}, {}
        # What else is on invoices of these periods has to be known, in its turn.
        own = {
            billed: rows
            for billed, rows in every.grouped(self._billed_as).items()
            if billed.period in periods and billed.move.state == "posted"
        }
        for billed in sorted(own, key=lambda some: (some.move.id, some.meter.id)):
            rows = own[billed]
            earlier = periods[billed.period].filtered(
                lambda row, move=billed.move: row.invoice_id.id < move.id
            )
            try:
                found = self._priced_now(billed, rows, earlier)
            except UserError as error:
                problems.update((partner.id, str(error)) for partner in rows.partner_id)
                continue
            due = found.priced.due(
                sum(Fraction(after[row]) for row in earlier),
                is_rounded=billed.move.currency_id == found.currency,
            )
            after.update(_given(finite_amount(due), rows, before, billed.meter))
            pricings.update(dict.fromkeys(rows, rows._pricing(found)))
        told = {row: (before[row], after[row]) for row in usage.union(*own.values())}
        return told, problems, pricings

    def _periods_of(self, usage):
        """All usage on invoices of the meters and periods of some.

        :return: dict ``Billed.period`` -> ``metered.usage``
        """
        found = {}
        for billed in {self._billed_as(row) for row in usage}:
            if billed.period not in found:
                found[billed.period] = usage._billed_usage(
                    billed.meter,
                    billed.owner,
                    billed.owner.partner_id or billed.partner,
                    self.company_id,
                    billed.date_from,
                    billed.date_to,
                )
        return found

    @api.model
    def _billed_as(self, row):
        """What a row of invoiced usage was billed with.

        :return: :class:`Billed`
        """
        line = row.invoice_line_id
        return Billed(
            meter=row.meter_id,
            owner=line.metered_subscription_id,
            partner=line.metered_subscription_id.partner_id.commercial_partner_id
            or row.partner_id.commercial_partner_id,
            date_from=line.metered_date_from,
            date_to=line.metered_date_to,
            move=line.move_id,
        )

    def _charged(self, usage):
        """What usage was charged, with the differences that were billed since.

        :return: dict ``metered.usage`` row -> Decimal
        """
        self.env.cr.execute(
            "SELECT id, amount::text FROM metered_usage WHERE id = ANY(%s)",
            (usage.ids,),
        )
        amounts = {key: Decimal(text) for key, text in self.env.cr.fetchall()}
        since = self.env["metered.rerate.difference"]._billed_of(usage)
        return {row: amounts[row.id] + since.get(row.id, Decimal()) for row in usage}

    def _priced_now(self, billed, rows, earlier):
        """The price of a period as far as an invoice has billed it.

        :param rows: ``metered.usage`` that is billed by it
        :param earlier: what earlier invoices bill of the period
        :return: ``PricedMeter``
        :raises UserError: saying why there is no price
        """
        Usage = self.env["metered.usage"]
        found = Usage._find_price(
            billed.meter,
            billed.owner,
            billed.owner.partner_id or billed.partner,
            self.company_id,
            billed.date_from,
            billed.date_to,
            rows,
            product=rows.invoice_line_id.product_id[:1],
        )
        if (rows | earlier).currency_id - found.currency:
            raise UserError(
                self.env._(
                    "%(meter)s would be charged in another currency: %(currency)s.",
                    meter=billed.meter.name,
                    currency=found.currency.name,
                )
            )
        Usage._price_found(found, billed.partner, earlier | rows)
        return found


def _given(due, rows, before, meter):
    """What is due of rows of usage, shared out as it was.

    :param due: Fraction with an end
    :param before: dict row -> Decimal
    :return: dict row -> Decimal; nothing is changed where the sum is what it was
    """
    charged = [Fraction(before[row]) for row in rows]
    if due == sum(charged):
        return {row: before[row] for row in rows}
    given = {row: Decimal() for row in rows}
    is_shared = sum(charged) and min(charged) >= 0
    if is_shared or not rows.filtered("records"):
        weights = charged if is_shared else [Fraction(1)] * len(rows)
    else:
        # Nothing was charged: it is shared out as on a new invoice.
        rows, weights = rows.filtered("records")._weights(meter)
    return given | dict(zip(rows, shares(due, weights), strict=True))
