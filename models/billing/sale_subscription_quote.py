# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from contextlib import closing
from datetime import timedelta

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ...ingest.aside import Aside
from ...rating.exact import exact_text, number
from ..guard.untrusted import own_context
from .sale_subscription_forecast import EXPECTED_HIGH
from .sale_subscription_renew import Renewal

#: quantities instead of those of the records: (id of a meter, id of a subscription,
#: first day of a period) -> Decimal
GIVEN = Aside("metered_given_quantities", default={})
#: nobody follows an invoice that is never kept
_QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "mail_notrack": True,
}


class SaleSubscription(models.Model):
    """What the next invoice would be now.

    It is made by what renews, and taken back: there is one way to an invoice, and a
    quote cannot differ from it.
    """

    _inherit = "sale.subscription"

    def _metered_quotes(self, quantities=None, forecast=False):
        """What the next invoice of each would be with the usage that there is now.

        Others of the same customer that are renewed before take their usage first.
        Nothing is kept: locks are given back, too.

        :param dict quantities: ``metered.meter`` -> Decimal, what the running period
            is to have of it instead; of one subscription
        :param forecast: with the usage that is expected until the period's end
        :return: list of dicts, one for each of these that is renewed: ``subscription``,
            ``invoice_date``, ``date_from``, ``date_to`` (the day after the last one),
            ``currency`` (records and dates), ``lines``, ``taxes``, ``allowances``
            (lists of dicts), ``untaxed``, ``tax``, ``total`` (floats, as an invoice has
            them), ``billed`` (text: what bills the period already, or empty),
            ``carried`` (text: that it is less than the smallest invoice, or empty) and
            ``forecast`` (list of texts: how it was made; None without)
        :raises UserError: one of them could not be invoiced, or a quantity not be given
        """
        quotes = []
        quiet = own_context(self.sudo()).with_context(**_QUIET)
        for company, subscriptions in quiet.grouped("company_id").items():
            # Nothing of it stays, whatever becomes of it.
            with closing(self.env.cr.savepoint()):
                quotes += subscriptions.with_company(company)._metered_quote_all(
                    quantities or {}, forecast
                )
        kept = {quote["subscription"].id: quote for quote in quotes}
        found = []
        for subscription in self:
            quote = kept.get(subscription.id)
            if quote:
                found.append({**quote, "subscription": subscription})
        return found

    def _metered_quote_all(self, quantities, forecast):
        renewals = [
            subscription._metered_quoted_renewal()
            for subscription in self._metered_renewed_with()
        ]
        given = self._metered_given(renewals, quantities)
        asked = set(self.ids)
        expected = self._metered_forecasts(renewals) if forecast else {}
        highs = {}
        for one in expected.values():
            highs |= one.highs
        subscriptions = self.union(*(renewal.subscription for renewal in renewals))
        with GIVEN.said(given), EXPECTED_HIGH.said(highs):
            subscriptions._metered_claim(renewals)
            living = [renewal for renewal in renewals if not renewal.billed]
            subscriptions._metered_claim_usage(living)
            subscriptions._metered_carry_forward(living)
            subscriptions._metered_make_invoices(
                [one for one in living if one.subscription.id in asked]
            )
        return [
            renewal.subscription._metered_quote_of(
                renewal, expected.get(renewal.subscription.id)
            )
            for renewal in renewals
            if renewal.subscription.id in asked
        ]

    def _metered_renewed_with(self):
        """These, and what is renewed before them for the same customers, in order."""
        running = self.search(
            [
                ("company_id", "in", self.company_id.ids),
                (
                    "partner_id.commercial_partner_id",
                    "in",
                    self.partner_id.commercial_partner_id.ids,
                ),
                ("in_progress", "=", True),
                ("is_paused", "=", False),
                ("recurring_next_date", "!=", False),
            ],
            order="recurring_next_date, id",
        )
        places = [place for place, one in enumerate(running) if one in self]
        return running[: places[-1] + 1] if places else running.browse()

    def _metered_quoted_renewal(self):
        """What is renewed next; where its term ends before, what is billed then."""
        self.ensure_one()
        date_to, fees = self.recurring_next_date, True
        if self._metered_ends() and self.date and self.date <= date_to:
            date_to, fees = self.date + timedelta(days=1), False
        return Renewal(
            self, self._metered_period_start(date_to), date_to, fees=fees, is_quote=True
        )

    # === QUANTITIES THAT ARE GIVEN === #

    def _metered_given(self, renewals, quantities):
        """Usage that stands for quantities that are given; of these subscriptions.

        :param quantities: see :meth:`_metered_quotes`
        :return: what ``GIVEN`` says
        :raises UserError: it does not tell what would be invoiced
        """
        given = {}
        of_these = [one for one in renewals if one.subscription in self]
        for meter, quantity in quantities.items():
            meter._check_given(quantity)
            if not of_these:
                continue
            with_line = [
                one
                for one in of_these
                if meter in one.subscription._metered_lines().metered_meter_id
            ]
            if len(with_line) > 1:
                raise UserError(
                    self.env._(
                        "Several subscriptions bill %(meter)s. Request a quote for "
                        "one of them: %(names)s.",
                        meter=meter.name,
                        names=", ".join(one.subscription.name for one in with_line),
                    )
                )
            renewal = (with_line or of_these)[0]
            subscription = renewal.subscription
            given[meter.id, subscription.id, renewal.date_from] = quantity
            if quantity:
                self.env["metered.usage"]._stand_for(
                    subscription, meter, renewal.date_from, renewal.date_to, quantity
                )
        return given

    # === TOLD === #

    def _metered_quote_of(self, renewal, expected=None):
        self.ensure_one()
        invoice = renewal.invoice or self.env["account.move"].sudo()
        invoice.flush_recordset()
        return {
            "subscription": self,
            "invoice_date": invoice.invoice_date or self._metered_billing_date(),
            "date_from": renewal.date_from,
            "date_to": renewal.date_to,
            "currency": self.currency_id,
            "lines": [
                {
                    "key": _key_of(line),
                    "name": line.name or "",
                    "is_usage": bool(line.metered_date_from),
                    "quantity": line.quantity,
                    "unit_price": line.price_unit,
                    "discount": line.discount,
                    "amount": line.price_subtotal,
                }
                for line in invoice.invoice_line_ids.sorted(
                    lambda line: (line.sequence, line.id)
                )
                if line.display_type == "product"
            ],
            "taxes": [
                {"name": line.tax_line_id.name, "amount": -line.amount_currency}
                for line in invoice.line_ids
                if line.tax_line_id
            ],
            "untaxed": invoice.amount_untaxed,
            "tax": invoice.amount_tax,
            "total": invoice.amount_total,
            "allowances": [] if renewal.billed else self._metered_quoted_allowances(),
            "billed": renewal.billed_message() if renewal.billed else "",
            "carried": renewal.below and self._metered_carried_text(renewal) or "",
            "forecast": expected
            and self._metered_forecast_notes(expected, renewal.date_to),
        }

    def _metered_quoted_allowances(self):
        """What is left today of its allowances, with the usage that there is."""
        today = self.company_id._metered_today()
        return [
            {
                "name": balance.allowance_id.name,
                "unit": balance.unit or "",
                "is_unlimited": balance.unlimited,
                "used": exact_text(number(balance.used)),
                "left": exact_text(number(balance.left)),
            }
            for balance in self._metered_balances_on(today)
        ]

    # === SHOWN === #

    def action_metered_quote(self):
        """Show what the next invoice would be now."""
        self.ensure_one()
        self.check_access("read")
        return self.env["metered.quote"]._open(self)


def _key_of(line):
    """What tells a line of a quote from others, whatever its usage comes to."""
    return (
        line.product_id.id,
        line.metered_date_from,
        line.metered_late,
        tuple(line.metered_usage_ids.meter_id.ids),
    )


def paired_lines(now, forecast):
    """The lines of a quote beside those of its forecast.

    :param now, forecast: quotes of the same subscription
    :return: list of (line or None, line or None), in the order of the forecast
    """
    left = {}
    for line in now["lines"]:
        left.setdefault(line["key"], []).append(line)
    pairs = []
    for line in forecast["lines"]:
        same = left.get(line["key"])
        pairs.append((same.pop(0) if same else None, line))
    return pairs + [(line, None) for lines in left.values() for line in lines]


def period_text(env, quote):
    """The days of a quoted period."""
    last = quote["date_to"] - timedelta(days=1)
    return f"{format_date(env, quote['date_from'])} – {format_date(env, last)}"
