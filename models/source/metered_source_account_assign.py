# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError


class MeteredSource(models.Model):
    """Whose an account of a switch is, said once and for one customer."""

    _inherit = "metered.source"

    def _assign_account(self, name, partner):
        """Make what the switch calls a customer known, in the user's own rights.

        :param str name: the account's key on the switch
        :param partner: ``res.partner``
        :return: ``metered.source.account``, an archived one restored
        :raises UserError: it is another customer's
        """
        self.ensure_one()
        accounts = self.env["metered.source.account"]
        known = accounts.with_context(active_test=False).search(
            [("source_id", "=", self.id), ("name", "=", name)]
        )
        if not known:
            return accounts.create(
                {"source_id": self.id, "name": name, "partner_id": partner.id}
            )
        if known.partner_id != partner:
            raise UserError(
                self.env._(
                    "%(account)s on %(switch)s belongs to %(customer)s. Nobody else "
                    "can have it while it does: open that customer, and take the "
                    "account away or give it another customer.",
                    account=name,
                    switch=self.name,
                    customer=known.sudo().partner_id.display_name,
                )
            )
        known.active = True
        return known
