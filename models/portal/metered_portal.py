# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models


class MeteredPortal(models.AbstractModel):
    """What a portal user may see, and nothing else.

    Portal users have no access right on any model of usage: whoever may read a model
    may read each field of it by a program, unmasked. So it is read here with all
    rights, each time by a domain of its own, and handed out as plain texts.
    """

    _name = "metered.portal"
    _description = "Usage Portal"

    @api.model
    def _customer(self, user):
        """Whose usage a portal user sees.

        :param user: ``res.users``
        :return: ``res.partner``, the commercial entity, with all rights; empty for who
            is no customer's
        """
        user = user.sudo()
        owner = user.partner_id.commercial_partner_id
        if user._is_public() or user._is_internal() or not user.active:
            return owner.browse()
        own = user.env["res.company"].search([("partner_id", "!=", False)]).partner_id
        return owner - own

    @api.model
    def _companies(self, user):
        """In whose companies a portal user is a customer.

        :return: ``res.company`` with all rights
        """
        return user.sudo().company_ids.filtered("active")

    @api.model
    def _families(self, user):
        """Whose usage a portal user sees, in each company.

        :return: list of (``res.company``, ``res.partner``), with all rights; empty for
            who is no customer's
        """
        customer = self._customer(user)
        found = []
        for company in self._companies(user) if customer else ():
            family = customer.with_company(company)._metered_family()
            found.append((company, family.with_company(company)))
        return found
