# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import formatLang

from ..screen.actions import window_action

#: the money limit that is proposed, in the company's currency, and its warnings in %
MONEY_LIMIT, WARNINGS = 50, (80, 100)
#: parts of an allowance that are proposed, in %
PARTS = (50, 80, 100)
#: where it applies -> the field that says whom it is for
SCOPES = {
    "group": "group_id",
    "customer": "partner_id",
    "subscription": "subscription_id",
}


class MeteredAlert(models.Model):
    """Who is told when a subscription's running period reaches a figure.

    Each subscription has its figure of its own, whatever the alert applies to: periods
    of two subscriptions need not be the same days.
    """

    _name = "metered.alert"
    _description = "Alert"
    _inherit = [
        "metered.guarded",
        "metered.audit",
        "mail.thread",
        "mail.activity.mixin",
    ]
    _order = "name, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, index=True, default=lambda self: self.env.company
    )
    scope = fields.Selection(
        [
            ("company", "All customers"),
            ("group", "A customer group"),
            ("customer", "A customer"),
            ("subscription", "A subscription"),
        ],
        string="Applies To",
        required=True,
        default="company",
        help="Each active subscription is checked separately.",
    )
    group_id = fields.Many2one(
        "metered.customer.group",
        string="Customer Group",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="All active subscriptions of this customer.",
    )
    subscription_id = fields.Many2one(
        "sale.subscription",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    basis = fields.Selection(
        [
            ("amount", "Amount"),
            ("quantity", "Quantity of a meter"),
            ("allowance", "Part of an allowance"),
        ],
        string="Based On",
        required=True,
        default="amount",
        help="Amount: usage of the billing period so far, before tax and without flat "
        "fees.\nQuantity: of a call type (minutes) or a meter.\nPart of an allowance: "
        "of a calling plan, or of the free units of a meter.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
        help="Amounts in other currencies are converted at today's rate.",
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Call Type or Meter",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="For an allowance: the meter whose free units count. Leave empty for the "
        "allowances of calling plans.",
    )
    allowance_id = fields.Many2one(
        "metered.calling.plan.allowance",
        check_company=True,
        ondelete="restrict",
        index="btree_not_null",
        help="Leave empty to check each allowance. The alert uses the one with the "
        "highest usage.",
    )
    threshold_ids = fields.One2many(
        "metered.alert.threshold", "alert_id", string="Thresholds", copy=True
    )
    user_id = fields.Many2one(
        "res.users",
        string="Activity For",
        default=lambda self: self._default_user(),
        check_company=True,
        domain="[('share', '=', False), ('company_ids', 'in', company_id)]",
        help="Gets an activity on the subscription. Leave empty for no activity.",
    )
    mails_customer = fields.Boolean(
        string="Email the Customer",
        help="Sends an email to the invoice address of the subscription.",
    )
    contact_ids = fields.Many2many(
        "res.partner",
        "metered_alert_contact_rel",
        "alert_id",
        "partner_id",
        string="Also Email",
        check_company=True,
        help="Each contact gets an email in its language.",
    )
    unit = fields.Char(compute="_compute_unit")
    event_count = fields.Integer(compute="_compute_event_count", string="Triggered")

    @api.depends("basis", "currency_id", "meter_id")
    def _compute_unit(self):
        for alert in self:
            meter = alert.meter_id
            alert.unit = {
                "amount": alert.currency_id.name,
                "quantity": self.env._("minutes")
                if meter.kind == "call"
                else meter.unit,
                "allowance": "%",
            }.get(alert.basis)

    @api.model
    def _default_user(self):
        user = self.env.user
        return user if self.env.company in user.company_ids else user.browse()

    def _compute_event_count(self):
        found = self.env["metered.alert.event"]._read_group(
            [("alert_id", "in", self.ids)], ["alert_id"], ["__count"]
        )
        counts = {alert.id: count for alert, count in found}
        for alert in self:
            alert.event_count = counts.get(alert.id, 0)

    @api.onchange("scope", "basis")
    def _onchange_kind(self):
        for scope, name in SCOPES.items():
            if self.scope != scope:
                self[name] = False
        if self.basis == "amount":
            self.meter_id = False
        if self.basis != "allowance":
            self.allowance_id = False

    @api.constrains("scope", *SCOPES.values(), "basis", "meter_id", "allowance_id")
    def _check_whole(self):
        for alert in self:
            name = SCOPES.get(alert.scope)
            missing = name if name and not alert[name] else None
            if alert.basis == "quantity" and not alert.meter_id:
                missing = "meter_id"
            if missing:
                label = alert._fields[missing]._description_string(alert.env)
                raise ValidationError(
                    alert.env._(
                        "%(alert)s has no %(field)s. Enter one.",
                        alert=alert.name,
                        field=label,
                    )
                )
            if alert.meter_id and alert.allowance_id:
                raise ValidationError(
                    alert.env._(
                        "%(alert)s has an allowance of a calling plan and a meter. "
                        "Remove one of them.",
                        alert=alert.name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        """Check what the periods have come to already."""
        alerts = super().create(vals_list)
        alerts._changed()
        return alerts

    def write(self, vals):
        """Check again what a change may have reached."""
        result = super().write(vals)
        if {"active", "scope", *SCOPES.values()} & vals.keys():
            self._lift_needless()
        self._changed()
        return result

    def unlink(self):
        """Have imports mark nothing where there is no alert any more."""
        result = super().unlink()
        self.env.registry.clear_cache()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_triggered(self):
        told = self.env["metered.alert.event"].sudo()
        for alert in self:
            if told.search_count([("alert_id", "=", alert.id)], limit=1):
                raise UserError(
                    alert.env._(
                        "%s has been triggered. Archive it instead to keep the "
                        "history.",
                        alert.name,
                    )
                )

    def _changed(self):
        """Have the subscriptions of these checked: nothing of them was marked."""
        self.env.registry.clear_cache()
        marks = self.env["metered.alert.mark"].sudo()
        for company, alerts in self.filtered("active").grouped("company_id").items():
            marks._mark(company, alerts._concerned_subscriptions().partner_id)

    def _lift_needless(self):
        """Lift the caps of subscriptions that these do not look at any more."""
        capped = (
            self.env["metered.alert.state"]
            .sudo()
            .search([("alert_id", "in", self.ids), ("is_capped", "=", True)])
        )
        needless = capped.filtered(
            lambda state: (
                not (
                    state.alert_id.active
                    and state.alert_id._concerns(
                        state.subscription_id.with_company(state.company_id)
                    )
                )
            )
        )
        if needless:
            needless._lift(
                self.env._("The alert no longer applies to this subscription.")
            )

    # === PRESETS === #

    def action_propose_parts(self):
        """Warn at parts of an allowance, in place of the thresholds there are."""
        self._propose({"basis": "allowance"}, [(part, False) for part in PARTS])

    def action_propose_money_limit(self):
        """Limit what usage may cost, with a warning before it and a cap at it."""
        first, last = (MONEY_LIMIT * part / 100 for part in WARNINGS)
        for alert in self:
            alert._propose(
                {
                    "basis": "amount",
                    "currency_id": alert.company_id.currency_id.id,
                    "meter_id": False,
                    "allowance_id": False,
                },
                [(first, False), (last, True)],
            )

    def _propose(self, vals, thresholds):
        self.check_access("write")
        self.write(
            {
                **vals,
                "threshold_ids": [
                    Command.clear(),
                    *(
                        Command.create({"value": value, "caps": caps})
                        for value, caps in thresholds
                    ),
                ],
            }
        )

    # === WHOM IT CONCERNS === #

    def _running_domain(self):
        """Subscriptions that have a running period."""
        return [
            ("company_id", "in", self.company_id.ids),
            ("in_progress", "=", True),
            ("is_paused", "=", False),
            ("recurring_next_date", "!=", False),
        ]

    def _concerned_subscriptions(self):
        """The running subscriptions of these alerts, with all rights."""
        subscriptions = self.env["sale.subscription"].sudo()
        alerts = self.sudo()
        domain = alerts._running_domain()
        if "company" in alerts.mapped("scope"):
            return subscriptions.search(domain)
        groups, owners = alerts.group_id, alerts.partner_id.commercial_partner_id
        if groups:
            # A setting of the company, whose empty value may come from a default.
            partners = self.env["res.partner"].sudo()
            for company, found in alerts.grouped("company_id").items():
                owners |= partners.with_company(company).search(
                    [("metered_group_id", "in", found.group_id.ids)]
                )
        return subscriptions.search(
            [
                *domain,
                "|",
                ("id", "in", alerts.subscription_id.ids),
                ("partner_id.commercial_partner_id", "in", owners.ids),
            ]
        )

    def _concerns(self, subscription):
        """Whether it applies to a subscription of its company."""
        self.ensure_one()
        owner = subscription.partner_id.commercial_partner_id
        return {
            "company": True,
            "group": self.group_id and owner.metered_group_id == self.group_id,
            "customer": self.partner_id.commercial_partner_id == owner,
            "subscription": self.subscription_id == subscription,
        }[self.scope]

    # === SHOWN === #

    def _figure_text(self, figure):
        """A figure of it in words, in the language of the context: 80%, $ 40.00.

        :param figure: float or Fraction
        """
        self.ensure_one()
        if self.basis == "amount":
            return formatLang(self.env, float(figure), currency_obj=self.currency_id)
        digits = 0 if float(figure).is_integer() else 2
        number = formatLang(self.env, float(figure), digits=digits)
        return f"{number}%" if self.basis == "allowance" else f"{number} {self.unit}"

    def action_view_events(self):
        """Open the history of these."""
        return window_action(
            self.env,
            "action_metered_alert_event",
            [("alert_id", "in", self.ids)],
            context={},
        )


class MeteredAlertThreshold(models.Model):
    """A figure at which an alert is triggered, once in a billing period."""

    _name = "metered.alert.threshold"
    _description = "Alert Threshold"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "alert_id, value, id"
    _rec_name = None

    alert_id = fields.Many2one(
        "metered.alert", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="alert_id.company_id")
    unit = fields.Char(related="alert_id.unit")
    value = fields.Float(string="Threshold", digits=0, required=True, aggregator=None)
    step = fields.Float(
        string="Then Every",
        digits=0,
        aggregator=None,
        help="Triggers again at each further step, for example at 100, 150 and 200. "
        "0 means once.",
    )
    caps = fields.Boolean(
        string="Cap",
        help="Above this threshold, usage is not allowed until the next billing "
        "period starts or someone clicks Lift Cap. Programs learn about this through "
        "the API or a webhook.",
    )

    _value_above_zero = models.Constraint(
        "CHECK (value > 0 AND coalesce(step, 0) >= 0)",
        "A threshold must be greater than 0, and its step cannot be negative.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Check what the periods have come to already."""
        thresholds = super().create(vals_list)
        thresholds.alert_id._changed()
        return thresholds

    def write(self, vals):
        """Check again what a change may have reached."""
        result = super().write(vals)
        self.alert_id._changed()
        return result
