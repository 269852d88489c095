# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError


class MeteredFraudLimit(models.Model):
    """What counts as toll fraud: of a company, a customer group or a customer.

    The most specific one applies; what it leaves empty is as of the company.
    """

    _name = "metered.fraud.limit"
    _description = "Fraud Limits"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "partner_id, group_id, id"

    #: calls that are older raise no alarm, where no one says otherwise
    DEFAULT_AGE_DAYS = 3

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    group_id = fields.Many2one(
        "metered.customer.group",
        string="Customer Group",
        ondelete="cascade",
        check_company=True,
        help="Leave this and the customer empty to set the limits of the company.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        ondelete="cascade",
        index=True,
        check_company=True,
    )
    sensitivity = fields.Selection(
        [("low", "Low"), ("normal", "Normal"), ("high", "High")],
        required=True,
        default="normal",
        tracking=True,
        help="How far charges must exceed those of the customer's past calls. Low: 4 "
        "times the usual charges. Normal: 2.5 times. High: 1.7 times.",
    )
    floor = fields.Float(
        string="Never Suspicious Below (per hour)",
        digits=0,
        aggregator=None,
        tracking=True,
        help="Charges within one hour, in the company's currency, that are too small "
        "to raise an alarm. A lower amount applies at night, on weekends, and to "
        "destinations that were never called before. Leave empty for 25.",
    )
    hour_limit = fields.Float(
        string="Limit per Hour",
        digits=0,
        aggregator=None,
        tracking=True,
        help="Charges within one hour that always raise an alarm, in the company's "
        "currency. Leave empty for no limit.",
    )
    day_limit = fields.Float(
        string="Limit per Day",
        digits=0,
        aggregator=None,
        tracking=True,
        help="Charges within one day that always raise an alarm, in the company's "
        "currency. Leave empty for no limit.",
    )
    lines_limit = fields.Integer(
        string="Limit of Calls at One Time",
        aggregator=None,
        tracking=True,
        help="More outbound calls at one time always raise an alarm. 0 means no limit.",
    )
    country_ids = fields.Many2many(
        "res.country",
        string="Allowed Countries",
        help="Calls to other countries always raise an alarm. The customer's own "
        "country is always allowed. Leave empty to allow all countries.",
    )
    max_age_days = fields.Integer(
        string="Check Calls Younger Than (days)",
        default=DEFAULT_AGE_DAYS,
        aggregator=None,
        tracking=True,
        help="Older calls, for example from an import of last year's calls, do not "
        "raise alarms. They only count toward what is usual for the customer. 0 turns "
        "the fraud check off.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Notify",
        check_company=True,
        tracking=True,
        help="Gets an activity and an email for each new alarm. Leave empty to notify "
        "the person responsible for Metered Billing.",
    )
    is_of_company = fields.Boolean(compute="_compute_is_of_company")

    _amounts_range = models.Constraint(
        "CHECK (coalesce(floor, 0) >= 0 AND coalesce(hour_limit, 0) >= 0"
        " AND coalesce(day_limit, 0) >= 0 AND coalesce(lines_limit, 0) >= 0"
        " AND coalesce(max_age_days, 0) BETWEEN 0 AND 50)",
        "Limits cannot be negative, and at most 50 days of calls can be checked.",
    )
    _owner_uniq = models.UniqueIndex(
        "(company_id, coalesce(group_id, 0), coalesce(partner_id, 0)) WHERE active",
        "Fraud limits for this company, group, or customer already exist.",
    )

    @api.depends("group_id", "partner_id")
    def _compute_is_of_company(self):
        for limit in self:
            limit.is_of_company = not limit.group_id and not limit.partner_id

    @api.depends("group_id", "partner_id", "company_id")
    def _compute_display_name(self):
        for limit in self:
            owner = limit.partner_id or limit.group_id or limit.company_id
            limit.display_name = owner.display_name

    @api.constrains("group_id", "partner_id")
    def _check_owner(self):
        for limit in self:
            if limit.group_id and limit.partner_id:
                raise ValidationError(
                    self.env._(
                        "Choose a customer group or a customer, not both. Leave both "
                        "empty to set the limits of the company."
                    )
                )

    @api.model
    def _user_to_notify(self, company, partner):
        """Who is told about an alarm of a customer: ``res.users``, may be empty."""
        limits = self.sudo().search(
            [("company_id", "=", company.id), ("user_id", "!=", False)]
        )
        owner = partner.commercial_partner_id
        group = partner.metered_group_id or owner.metered_group_id
        for found in (
            limits.filtered(lambda limit: limit.partner_id in partner | owner),
            limits.filtered(lambda limit: limit.group_id and limit.group_id == group),
            limits.filtered("is_of_company"),
        ):
            if found:
                return found[0].user_id
        return self.env["res.users"]
