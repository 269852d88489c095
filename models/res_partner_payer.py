# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass

from odoo import fields, models
from odoo.tools import SQL

# Whom the subscriptions of a customer may bill, in one company: all of its contacts and
# of the companies below it. They are billed by themselves ("implied") down to a company
# that has a running subscription of its own, or whose parent does not bill it.
# It reads asked(company_id, payer_id); archived contacts are among them.
HOUSEHOLD = """
    household AS (
        SELECT asked.company_id, asked.payer_id, partner.id AS partner_id,
               asked.payer_id AS owner_id, TRUE AS implied
          FROM asked
          JOIN res_partner partner ON partner.commercial_partner_id = asked.payer_id
         UNION ALL
        SELECT household.company_id, household.payer_id, member.id, child.id,
               household.implied
               AND above.metered_bills_children IS NOT FALSE
               AND NOT EXISTS (
                   SELECT 1
                     FROM sale_subscription own
                     JOIN res_partner holder ON holder.id = own.partner_id
                    WHERE holder.commercial_partner_id = child.id
                      AND own.company_id = household.company_id
                      AND own.in_progress AND own.active)
          FROM household
          JOIN res_partner child ON child.parent_id = household.partner_id
                                AND child.commercial_partner_id = child.id
          JOIN res_partner above ON above.id = household.owner_id
          JOIN res_partner member ON member.commercial_partner_id = child.id
    )
"""


@dataclass(frozen=True)
class Household:
    """Whom the subscriptions of a customer bill.

    :ivar implied: ids of partners whose usage they bill
    :ivar named: ids of partners, these among them, whose usage they bill where an
        identifier names the subscription
    """

    implied: tuple = ()
    named: tuple = ()


class ResPartner(models.Model):
    """Who pays for whose usage: the one place that knows.

    A commercial entity pays for its contacts, and for the companies below it that have
    no running subscription of their own.
    """

    _inherit = "res.partner"

    metered_bills_children = fields.Boolean(
        string="Bills Its Child Companies",
        default=True,
        help="Usage of companies below this one goes on the invoices of this one's "
        "subscriptions, as long as they have no running subscription of their own.",
    )

    def _metered_households(self):
        """Whom each of these commercial entities pays for, in the user's company.

        :return: dict id -> :class:`Household`
        """
        self.env["res.partner"].flush_model(
            ["commercial_partner_id", "parent_id", "metered_bills_children"]
        )
        self.env["sale.subscription"].flush_model(
            ["partner_id", "company_id", "in_progress", "active"]
        )
        rows = self.env.execute_query(
            SQL(
                """
                WITH RECURSIVE asked (company_id, payer_id) AS (
                    SELECT %s, payer_id FROM unnest(%s) AS payer_id
                ), %s
                SELECT payer_id, array_agg(partner_id ORDER BY partner_id)
                                 FILTER (WHERE implied),
                       array_agg(partner_id ORDER BY partner_id)
                  FROM household
                 GROUP BY payer_id
                """,
                self.env.company.id,
                self.ids,
                SQL(HOUSEHOLD),
            )
        )
        found = {key: Household(tuple(im or ()), tuple(na)) for key, im, na in rows}
        return {key: found.get(key, Household()) for key in self.ids}

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
        owner = payer = self.sudo().commercial_partner_id
        while payer and not payer._metered_has_subscription():
            above = payer.parent_id.commercial_partner_id
            payer = above if above.metered_bills_children else above.browse()
        return payer or owner

    def _metered_has_subscription(self):
        return bool(
            self.env["sale.subscription"]
            .sudo()
            .search_count(
                [
                    ("partner_id.commercial_partner_id", "=", self.id),
                    ("company_id", "=", self.env.company.id),
                    ("in_progress", "=", True),
                ],
                limit=1,
            )
        )
