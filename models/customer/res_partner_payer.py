# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models

from ...stored.payers import households_of, payers_of, with_parents


class ResPartner(models.Model):
    """Who pays for whose usage: the one place that knows.

    A commercial entity pays for its contacts, and for the companies below it that have
    no running subscription of their own.
    """

    _inherit = "res.partner"

    metered_bills_children = fields.Boolean(
        string="Bills Its Child Companies",
        default=True,
        copy=False,
        groups="metered_billing.group_metered_user",
        help="Usage of companies below this one is invoiced with this company's "
        "subscriptions, unless they have an active subscription of their own.",
    )

    def _metered_former_payers(self, vals):
        """Ids of those above these whose plans a change may alter; None: nobody's.

        :param vals: as of ``write``, which is still to be done
        """
        if not {"metered_bills_children", "parent_id"} & vals.keys():
            return None
        parents = with_parents(self.env.cr, self.ids).values()
        return {id_ for ids in parents for id_ in ids}

    def _metered_payers_changed(self, former):
        """Have calling plans applied anew where another company pays now.

        :param former: of :meth:`_metered_former_payers`
        """
        if former is not None:
            self.env["metered.plan.mark"].sudo()._mark_open(self, former=former)

    def _metered_households(self):
        """Whom each of these commercial entities pays for, in the user's company.

        :return: dict id -> :class:`Household`
        """
        if not self.ids:
            return {}
        self._metered_flush_payers()
        return households_of(self.env.cr, self.env.company.id, self.ids)

    def _metered_family(self):
        """Whose usage the invoices of these customers hold, archived ones too.

        :return: ``res.partner`` with all rights
        """
        households = self.commercial_partner_id._metered_households()
        ids = {key for some in households.values() for key in some.implied}
        return (
            self.env["res.partner"]
            .sudo()
            .with_context(active_test=False)
            .browse(sorted(ids))
        )

    def _metered_payer(self):
        """The commercial entity whose subscriptions bill this customer's usage.

        Its own, where none has a subscription.

        :return: ``res.partner`` with all rights
        """
        self.ensure_one()
        owner = self.sudo().commercial_partner_id
        return owner._metered_payers().get(owner, owner)

    def _metered_payers(self):
        """The commercial entities whose subscriptions bill these, in one query.

        :return: dict ``res.partner`` -> ``res.partner``, with all rights
        """
        owners = self.sudo().commercial_partner_id
        if not owners.ids:
            return {}
        self._metered_flush_payers()
        payers = payers_of(self.env.cr, self.env.company.id, owners.ids)
        return {owner: owner.browse(payers[owner.id]) for owner in owners}

    @api.model
    def _metered_flush_payers(self):
        self.env["res.partner"].flush_model(
            ["commercial_partner_id", "parent_id", "metered_bills_children"]
        )
        self.env["sale.subscription"].flush_model(
            ["partner_id", "company_id", "in_progress", "active"]
        )
