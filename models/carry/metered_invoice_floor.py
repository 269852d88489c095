# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

#: whom a rule is for, the most particular first
SCOPES = ("partner_id", "template_id", "group_id")


class MeteredInvoiceFloor(models.Model):
    """The smallest amount that is invoiced in a currency; what is less is carried.

    For a company, or for one of its customers, subscription templates or customer
    groups in its place.
    """

    _name = "metered.invoice.floor"
    _description = "Smallest Invoice"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "company_id, currency_id, partner_id, template_id, group_id, id"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        help="Applies to invoices in this currency only.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
        domain="['|', ('parent_id', '=', False), ('is_company', '=', True)]",
        help="Leave empty for all customers.",
    )
    template_id = fields.Many2one(
        "sale.subscription.template",
        string="Subscription Template",
        ondelete="cascade",
        index="btree_not_null",
        help="Leave empty for all subscription templates.",
    )
    group_id = fields.Many2one(
        "metered.customer.group",
        string="Customer Group",
        ondelete="cascade",
        index="btree_not_null",
        check_company=True,
        domain="[('company_id', '=', company_id)]",
        help="Leave empty for all customer groups.",
    )
    amount = fields.Monetary(
        string="Smallest Invoice",
        help="Usage below this amount, excluding taxes, is carried forward. Usage of "
        "exactly this amount is invoiced. 0 means that any amount is invoiced.",
    )
    waived_below = fields.Monetary(
        string="Waive Below",
        help="When a subscription is closed, a balance below this amount is waived. 0 "
        "means that nothing is waived.",
    )

    @api.depends("currency_id", "partner_id", "template_id", "group_id", "amount")
    def _compute_display_name(self):
        for floor in self:
            scope = floor.partner_id or floor.template_id or floor.group_id
            text = floor.currency_id.format(floor.amount) if floor.currency_id else ""
            floor.display_name = (
                f"{text} ({scope.display_name})" if scope and text else text
            )

    @api.constrains("amount", "waived_below")
    def _check_amounts(self):
        for floor in self:
            if floor.amount < 0 or floor.waived_below < 0:
                raise ValidationError(
                    self.env._("The smallest invoice must be 0 or more.")
                )

    @api.constrains("company_id", "currency_id", *SCOPES)
    def _check_scope(self):
        for floor in self:
            if sum(bool(floor[name]) for name in SCOPES) > 1:
                raise ValidationError(
                    self.env._(
                        "Choose only one of customer, subscription template, and "
                        "customer group."
                    )
                )
            same = [("company_id", "=", floor.company_id.id)]
            same += [(name, "=", floor[name].id) for name in ("currency_id", *SCOPES)]
            if self.search_count(same, limit=2) > 1:
                raise ValidationError(
                    self.env._(
                        "A smallest invoice in %(currency)s already exists for this "
                        "selection. Change that one.",
                        currency=floor.currency_id.name,
                    )
                )

    # === WHICH ONE APPLIES === #

    @api.model
    def _of_company(self, company):
        """All of a company; empty where any amount is invoiced."""
        return self.search([("company_id", "=", company.id)])

    def _for(self, subscription):
        """Which of these applies to a subscription; may be empty.

        That of its customer, else of its template, of the customer's group, or of the
        company. Of customers that were merged, the least.
        """
        company = subscription.company_id
        partner = subscription.partner_id.with_company(company)
        return self._for_customer(
            partner, subscription.currency_id, subscription.template_id
        )

    def _for_customer(self, partner, currency, template=None):
        """Which of these applies to what a customer is invoiced; may be empty.

        :param partner: in its company
        """
        customer = partner.commercial_partner_id
        wanted = {
            "partner_id": customer,
            "template_id": template,
            "group_id": customer.sudo().metered_group_id,
        }
        floors = self.filtered(lambda one: one.currency_id == currency)
        for name in SCOPES:
            found = wanted[name] and floors.filtered(
                lambda one, name=name: one[name] == wanted[name]
            )
            if found:
                return found.sorted("amount")[:1]
        return floors.filtered(lambda one: not any(one[name] for name in SCOPES))[:1]
