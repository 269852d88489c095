# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..billing.sale_subscription_dates import PAST_RENEWALS
from ..billing.sale_subscription_renew import Renewal
from ..guard.untrusted import own_context


class AccountMove(models.Model):
    """Billing the usage of an invoice anew that waits for it.

    Its lines of usage are made as a renewal makes them, of all that is recorded by
    then; its fees stay as they are.
    """

    _inherit = "account.move"

    def _metered_recalculate(self, who):
        """Bill anew what was recorded until now.

        :param str who: asked for it, for the versions of the charges
        :raises NotPendingError: it does not wait
        :raises UserError: its usage has no price, or its billing period is gone
        """
        self.ensure_one()
        move = own_context(self).sudo().with_company(self.company_id)
        move._metered_lock_pending()
        period = move.metered_period_id
        subscription = period.subscription_id.with_company(move.company_id)
        if not subscription:
            raise UserError(
                self.env._(
                    "The billing period of %s was deleted, so it cannot be "
                    "recalculated.",
                    move._metered_label(),
                )
            )
        charges = move.metered_charge_ids
        before = {charge.id: charge._figures() for charge in charges}
        given = charges._given_quantities()
        move.invoice_line_ids.filtered("metered_date_from")._metered_take_off()
        others = subscription._metered_unbilled_periods() - period
        renewal = Renewal(
            subscription,
            period.date_from,
            period.date_to,
            period=period,
            fees=not period.without_fees,
            apart=[(other.date_from, other.date_to) for other in others],
            invoice=move,
        )
        day = period.date_to
        if period.without_fees:
            day = fields.Date.subtract(day, days=1)
        with PAST_RENEWALS.said({subscription.id: day}):
            subscription._metered_claim_usage([renewal])
        move.invoice_line_ids = [
            Command.create(values) for values, _ids in renewal.usage_lines
        ]
        move.env["metered.usage"]._link_to_invoice(move, renewal.usage_lines)
        move._set_as_program({"metered_version": move.metered_version + 1})
        move._metered_find_charges()
        # What arrived since is part of a quantity of the whole period.
        for charge, (quantity, giver) in given.items():
            if charge.exists():
                charge._give_whole(quantity, giver)
        for charge in move.metered_charge_ids:
            charge._add_version(who, before.get(charge.id))

    def _metered_find_charges(self):
        """Have a charge for each meter and period whose usage these bill."""
        for move in self:
            found = {}
            for line in move.invoice_line_ids.filtered("metered_date_from"):
                meter = line._metered_meter()
                if meter:
                    key = meter, line.metered_subscription_id, line.metered_date_from
                    found[key] = max(
                        line.metered_date_to, found.get(key, line.metered_date_to)
                    )
            known = {charge._key(): charge for charge in move.metered_charge_ids}
            vals_list = []
            for key, date_to in found.items():
                if key in known:
                    known[key].date_to = date_to
                    continue
                meter, subscription, date_from = key
                vals_list.append(
                    {
                        "move_id": move.id,
                        "company_id": move.company_id.id,
                        "meter_id": meter.id,
                        "subscription_id": subscription.id,
                        "date_from": date_from,
                        "date_to": date_to,
                    }
                )
            for charge in move.env["metered.charge"].create(vals_list):
                charge._adopt_given()


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _metered_meter(self):
        """The meter or call type whose usage a line charges; may be empty."""
        self.ensure_one()
        meters = self.env["metered.meter"].sudo()
        if self.metered_pricing:
            return meters.browse(self.metered_pricing["meter_id"]).exists()
        return self.sudo().metered_usage_ids.meter_id[:1]

    def _metered_take_off(self):
        """Take these lines off their draft, because they are made anew at once.

        Nobody is told that their usage is free: it is not.

        :return: the usage with records that they charged, ``metered.usage``
        """
        if not self:
            return self.metered_usage_ids
        self._metered_check_differences()
        usage = self.metered_usage_ids
        self.env["metered.usage"].flush_model(["invoice_line_id"])
        self.env.cr.execute(
            "UPDATE metered_usage SET invoice_line_id = NULL WHERE id = ANY(%s)",
            (usage.ids,),
        )
        self.env["metered.usage"]._forget_invoices()
        self.invalidate_recordset(["metered_usage_ids"], flush=False)
        made = usage.filtered(lambda row: not row.records)
        made.unlink()
        self.move_id.invoice_line_ids = [Command.delete(line.id) for line in self]
        return usage - made
