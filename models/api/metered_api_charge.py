# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from fractions import Fraction

from odoo import api, models

from ...rating.exact import exact, exact_text
from ...rating.shares import finite_amount
from ...stored.plan_terms import PER_UNIT
from ...stored.why import explain_stored


class MeteredApi(models.AbstractModel):
    """What single records are charged, for programs that may read usage.

    A call has a charge of its own. That of an event is what it adds to the price of its
    billing period, which is what it costs that it was used.
    """

    _inherit = "metered.api"

    @api.model
    def _charges(self, cdrs, so_far):
        """What records are charged.

        :param cdrs: ``metered.cdr`` that are on usage
        :param so_far: ``SoFar`` of their usage, where it is not invoiced
        :return: dict id -> dict; without those whose price is none of single records
        """
        calls = cdrs.filtered(lambda one: one.usage_id.meter_id.kind == "call")
        told = self._charges_of_calls(calls)
        periods, of_period = {}, {}
        for usage, records in (cdrs - calls).grouped("usage_id").items():
            line = usage.invoice_line_id
            if not line or line not in periods:
                periods[line] = usage._period_priced(so_far)
            period = periods[line]
            if period:
                known = of_period.setdefault(id(period), (period, []))
                known[1].extend(records.ids)
        for period, ids in of_period.values():
            charges = self.env["metered.usage"]._record_charges(
                period, cdrs.browse(ids)
            )
            granted = self._granted(period)
            for key, charge in charges.items():
                told[key] = self._of_charge(charge, period, granted)
        return told

    @api.model
    def _granted(self, period):
        """The free units of a price in a period.

        :param period: ``PricedMeter``
        :return: Fraction
        """
        price = period.price._usage_price(period.date_to)
        return price.free_units * period.usage._share_of_period(period)

    @api.model
    def _of_charge(self, charge, period, granted):
        """The charge of an event.

        :param charge: ``RecordCharge``
        """
        after = charge.after
        return {
            "amount": _text(charge.amount),
            "currency": period.currency.name,
            "included": {
                "taken": _text(charge.free),
                "left": _text(max(granted - after.free, Fraction(0))),
            }
            if granted
            else None,
            "allowances": [],
            "period": {
                "quantity": _text(after.quantity),
                "amount": _text(after.amount),
            },
        }

    @api.model
    def _charges_of_calls(self, cdrs):
        exactly = self._exactly(cdrs, "charge", "quantity")
        return {
            one.id: {
                "amount": exactly["charge"][one.id],
                "currency": one.currency_id.name or None,
                "included": None,
                "allowances": self._taken(one),
                "period": self._period_of_call(one),
            }
            for one in cdrs
        }

    @api.model
    def _explained_call(self, cdr):
        """How a call was charged; empty for others, and where nobody knows any more."""
        if cdr.usage_id.meter_id.kind != "call" or cdr._masked_text():
            return {}
        steps = explain_stored(cdr, cdr._plan_of_call()).stored.steps
        rows = self.env["metered.explanation"]._rows(
            steps, cdr.currency_id, cdr._names_of_allowances()
        )
        return {"explanation": self._of_rows(rows)} if rows else {}

    @api.model
    def _taken(self, call):
        """What a call took of allowances of a calling plan, and what is left of them.

        :param call: ``metered.cdr``
        """
        balances = self.env["metered.allowance.balance"].sudo()
        allowances = self.env["metered.calling.plan.allowance"].sudo()
        usage, told = call.usage_id, []
        for key, (taken, _seconds) in (call.plan_taken or {}).items():
            allowance = allowances.browse(int(key)).exists()
            if not allowance:  # deleted, or below 0: charged at its own price
                continue
            balance = balances.search(
                [
                    ("allowance_id", "=", allowance.id),
                    ("subscription_id", "=", usage._metered_owner().id),
                    ("identifier_id", "in", [False, call.identifier_id.id]),
                    ("date_from", "<=", usage.day),
                    ("date_to", ">", usage.day),
                ],
                limit=1,
            )
            left = self._exactly(balance, "left")["left"].get(balance.id)
            told.append(
                {
                    "allowance": allowance.name,
                    "unit": allowance.unit,
                    "taken": _text(Fraction(taken, PER_UNIT[allowance.unit])),
                    "left": None if not balance or balance.unlimited else left,
                }
            )
        return told

    @api.model
    def _period_of_call(self, call):
        """What the calls of its type come to in the billing period of a call."""
        usage = call.usage_id
        owner, line = usage._metered_owner(), usage.invoice_line_id
        begin, end = (
            (line.metered_date_from, line.metered_date_to)
            if line.metered_date_from
            else owner._metered_period_of_day(usage.day, usage.day, usage.day)
        )
        rows = usage.search(
            [
                ("company_id", "=", usage.company_id.id),
                ("partner_id", "=", usage.partner_id.id),
                ("meter_id", "=", usage.meter_id.id),
                ("currency_id", "=", usage.currency_id.id),
                ("day", ">=", begin),
                *([("day", "<", end)] if owner or line else []),
            ]
        )
        exactly = self._exactly(rows, "quantity", "amount")
        return {
            name: exact_text(
                sum((exact(text) for text in of_rows.values()), Fraction(0))
            )
            for name, of_rows in exactly.items()
        }


def _text(number):
    return exact_text(finite_amount(exact(number)))
