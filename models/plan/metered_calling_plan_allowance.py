# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import formatLang

from ...rating.exact import exact, number, places_of
from ...stored.plan_terms import PER_UNIT


class MeteredCallingPlanAllowance(models.Model):
    """What a plan includes of some calls, or what it charges for them itself.

    Calls take from it in the order of their start. Where several allowances fit a call,
    the one that stands first takes first, the next from what is left of the call; those
    in money come last and pay for what is left to be charged.
    """

    _name = "metered.calling.plan.allowance"
    _description = "Allowance"
    _inherit = ["metered.guarded", "metered.audit", "metered.golden.guard"]
    _order = "plan_id, sequence, id"

    _pricing = frozenset(
        {
            *("plan_id", "sequence", "unit", "unlimited", "amount", "fair_use"),
            *("scope", "times_quantity", "meter_ids", "destination_ids", "band_ids"),
            *("free_calls", "increment", "factor", "price", "waive_fee", "overage"),
            "overage_price",
        }
    )

    plan_id = fields.Many2one(
        "metered.calling.plan", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="plan_id.company_id", store=True)
    currency_id = fields.Many2one(related="plan_id.currency_id")
    sequence = fields.Integer(
        default=10,
        help="If several allowances match a call, the first one is used first.",
    )
    name = fields.Char(
        required=True,
        translate=True,
        help="Name shown to customers, for example National minutes.",
    )
    # --- how much
    unit = fields.Selection(
        [
            ("minutes", "Minutes"),
            ("units", "Units"),
            ("records", "Calls"),
            ("money", "Money"),
        ],
        required=True,
        default="minutes",
        help="Minutes: billed minutes, after increments. Units: the quantity of the "
        "records, which is seconds for calls. Calls: number of calls of any "
        "length. Money: pays for what the calls would cost.",
    )
    unlimited = fields.Boolean(
        help="The allowance has no limit, or only a fair-use cap."
    )
    amount = fields.Float(
        digits=0,
        min_display_digits=0,
        aggregator=None,
        help="Per billing period, in the unit.",
    )
    fair_use = fields.Float(
        string="Fair-Use Cap",
        digits=0,
        min_display_digits=0,
        aggregator=None,
        help="Maximum that is included per billing period although it is sold as "
        "unlimited. 0 means no cap.",
    )
    scope = fields.Selection(
        [
            ("subscription", "Each subscription"),
            ("identifier", "Each identifier"),
            ("customer", "Customer, with its child companies"),
        ],
        required=True,
        default="subscription",
        help="Who shares the allowance. Each subscription: the calls billed by the "
        "subscription, including those of child companies without a "
        "subscription. Each identifier: every number has its own allowance. "
        "Customer: also the calls of the customer's other subscriptions without "
        "a plan, and of child companies that are billed separately and have no "
        "plan.",
    )
    times_quantity = fields.Boolean(
        default=True,
        help="A quantity of 3 on the line gives three times the allowance. Not "
        "available if each identifier has its own allowance.",
        string="Multiply by Quantity",
    )
    prorated = fields.Boolean(
        default=True,
        help="A partial billing period at the start or end of a subscription has a "
        "proportional allowance.",
    )
    # --- of which calls
    meter_ids = fields.Many2many(
        "metered.meter",
        "metered_allowance_meter_rel",
        "allowance_id",
        "meter_id",
        string="Call Types",
        domain="[('kind', '=', 'call'), ('company_id', 'in', [False, company_id])]",
        help="Leave empty for all call types.",
        check_company=True,
    )
    destination_ids = fields.Many2many(
        "metered.destination",
        "metered_allowance_destination_rel",
        "allowance_id",
        "destination_id",
        string="Destinations",
        domain="[('company_id', 'in', [False, company_id])]",
        help="Leave empty for all call types.",
        check_company=True,
    )
    band_ids = fields.Many2many(
        "metered.time.band",
        "metered_allowance_band_rel",
        "allowance_id",
        "band_id",
        string="Time Bands",
        domain="[('company_id', 'in', [False, company_id])]",
        help="Only calls rated in these time bands. Leave empty for any time.",
        check_company=True,
    )
    free_calls = fields.Boolean(
        string="Count Free Calls",
        help="Calls that are free according to the rate deck also use up the "
        "allowance.",
    )
    increment = fields.Integer(
        string="Count in Steps of (seconds)",
        default=1,
        required=True,
        aggregator=None,
        help="60 means each started minute of a call counts as a full minute.",
    )
    factor = fields.Integer(
        string="Multiplier",
        default=1,
        required=True,
        aggregator=None,
        help="2 means each minute used counts as two.",
    )
    # --- what it costs
    price = fields.Float(
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Price charged by the plan for the amount used: per minute, unit or "
        "call. 0 means included. With prices, several consecutive allowances "
        "work as tiers of the period: for example the first 1,000 minutes at one "
        "price and the rest at another.",
    )
    waive_fee = fields.Boolean(
        string="No Connection Fee",
        help="Calls covered by the allowance have no connection fee. Otherwise the "
        "connection fee of their rate is charged.",
    )
    overage = fields.Selection(
        [("deck", "Use the rate deck's price"), ("own", "Use the plan's own price")],
        string="When Used Up",
        required=True,
        default="deck",
        help="Price of further calls.",
    )
    overage_price = fields.Float(
        string="Own Price",
        digits=0,
        min_display_digits=2,
        aggregator=None,
        help="Price per minute, unit or call, used instead of the rate deck's price.",
    )
    # --- what is left over
    rollover_periods = fields.Integer(
        string="Rollover (periods)",
        aggregator=None,
        help="Number of further billing periods in which the remaining amount can be "
        "used, oldest first. 0 means it expires at the end of the period.",
    )
    rollover_limited = fields.Boolean(
        string="Limit Rollover", help="Limits the total amount that is rolled over."
    )
    rollover_limit = fields.Float(
        string="Maximum Rollover",
        digits=0,
        min_display_digits=0,
        aggregator=None,
        help="In the unit of the allowance. The amounts that expire last are kept.",
    )
    summary = fields.Char(compute="_compute_summary")

    _not_negative = models.Constraint(
        "CHECK (coalesce(amount, 0) >= 0 AND coalesce(fair_use, 0) >= 0"
        " AND coalesce(price, 0) >= 0 AND coalesce(overage_price, 0) >= 0"
        " AND coalesce(rollover_periods, 0) >= 0"
        " AND coalesce(rollover_limit, 0) >= 0)",
        "Amounts, prices and numbers of periods cannot be negative.",
    )
    _steps_positive = models.Constraint(
        "CHECK (increment > 0 AND factor > 0)",
        "The step must be at least one second, and the multiplier at least one.",
    )
    _prices_exact = models.Constraint(
        "CHECK (price = round(price, 8) AND overage_price = round(overage_price, 8))",
        "Prices can have at most 8 decimal places.",
    )

    @api.depends(
        "unit",
        "unlimited",
        "amount",
        "fair_use",
        "scope",
        "price",
        "overage",
        "overage_price",
        "rollover_periods",
        "plan_id.currency_id",
    )
    def _compute_summary(self):
        for allowance in self:
            allowance.summary = ", ".join(allowance._describe())

    def _describe(self):
        """The allowance in words: how much, at what price, what comes after it."""
        if self.unlimited and not self.fair_use:
            parts = [self.env._("unlimited")]
        elif self.unlimited:
            cap = self._format_amount(self.fair_use)
            parts = [self.env._("unlimited, fair use %s", cap)]
        else:
            parts = [self._format_amount(self.amount)]
        if self.price:
            parts.append(self.env._("at %s", self._format_price(self.price)))
        if self.scope == "identifier":
            parts.append(self.env._("for each identifier"))
        elif self.scope == "customer":
            parts.append(self.env._("shared by the customer"))
        if self.rollover_periods:
            parts.append(
                self.env._("rolls over for one period")
                if self.rollover_periods == 1
                else self.env._("rolls over for %s periods", self.rollover_periods)
            )
        if self.overage == "own":
            price = self._format_price(self.overage_price)
            parts.append(self.env._("then %s", price))
        return parts

    def _format_amount(self, amount):
        """An amount in the allowance's unit, as text: 100 min."""
        if self.unit == "money":
            return formatLang(self.env, amount, currency_obj=self.currency_id)
        shown = round(amount, 2)
        text = formatLang(self.env, shown, digits=0 if shown == int(shown) else 2)
        if self.unit == "minutes":
            return self.env._("%s min", text)
        if self.unit == "records":
            return self.env._("1 call") if shown == 1 else self.env._("%s calls", text)
        return self.env._("1 unit") if shown == 1 else self.env._("%s units", text)

    def _taken_text(self, calls, quantity, used_up):
        """What it took of some calls.

        :param calls: how many it took of
        :param quantity: in its smallest unit
        :param used_up: whether at its own price, because it was used up
        """
        values = {
            "allowance": self.name,
            "amount": self._format_amount(quantity / PER_UNIT[self.unit]),
            "calls": self.env["metered.explanation"]._calls(calls),
        }
        if used_up:
            return self.env._(
                "%(allowance)s, used up: %(amount)s of %(calls)s at its own price",
                **values,
            )
        if self.unit == "records":
            return self.env._("%(allowance)s includes %(amount)s", **values)
        if self.unit == "money":
            return self.env._("%(allowance)s pays %(amount)s of %(calls)s", **values)
        if self.price:
            return self.env._(
                "%(allowance)s covers %(amount)s of %(calls)s at its own price",
                **values,
            )
        return self.env._("%(allowance)s includes %(amount)s of %(calls)s", **values)

    def _format_price(self, price):
        digits = max(places_of(exact(number(price))), 2)
        text = f"{formatLang(self.env, price, digits=digits)} {self.currency_id.name}"
        if self.unit == "minutes":
            return self.env._("%s/min", text)
        if self.unit == "records":
            return self.env._("%s/call", text)
        return self.env._("%s/unit", text)

    # === CHANGES === #

    @api.model_create_multi
    def create(self, vals_list):
        allowances = super().create(vals_list)
        allowances.plan_id._mark_subscriptions()
        return allowances

    def write(self, vals):
        result = super().write(vals)
        if set(vals) - {"name"}:
            self.plan_id._mark_subscriptions()
        return result

    def unlink(self):
        plans = self.plan_id
        result = super().unlink()
        plans._mark_subscriptions()
        return result

    @api.onchange("unit")
    def _onchange_unit(self):
        """Drop what the unit cannot have."""
        if self.unit == "money":
            self.update(
                {
                    "price": 0,
                    "overage": "deck",
                    "waive_fee": False,
                    "increment": 1,
                    "unlimited": False,
                    "fair_use": 0,
                }
            )
        elif self.unit == "records":
            self.increment = 1

    @api.constrains(
        "unit",
        "unlimited",
        "amount",
        "fair_use",
        "price",
        "overage",
        "waive_fee",
        "increment",
        "rollover_periods",
        "rollover_limited",
        "rollover_limit",
    )
    def _check_terms(self):
        """Refuse terms that cannot be meant."""
        for allowance in self:
            problem = allowance._problem()
            if problem:
                raise ValidationError(
                    self.env._(
                        "Allowance %(name)s of %(plan)s: %(problem)s",
                        name=allowance.name,
                        plan=allowance.plan_id.name,
                        problem=problem,
                    )
                )

    def _problem(self):
        """What is wrong with the terms, None for nothing."""
        if not self.unlimited and not self.amount:
            return self.env._("set an amount, or make it unlimited.")
        if self.unit == "money":
            if self.price or self.overage == "own" or self.waive_fee:
                return self.env._(
                    "an allowance in money pays for calls at their own rates, so it "
                    "cannot have its own price or waive fees."
                )
            if self.unlimited:
                return self.env._(
                    "an allowance in money cannot be unlimited: set an amount."
                )
        if self.unit in ("money", "records") and self.increment != 1:
            return self.env._("only minutes and units can be counted in steps.")
        if self.unit == "records" and self._is_fraction(self.amount, self.fair_use):
            return self.env._("the number of calls must be a whole number.")
        if self.unlimited and self.rollover_periods:
            return self.env._("unlimited allowances cannot roll over.")
        if self.unlimited and not self.fair_use and self.overage == "own":
            return self.env._(
                "an unlimited allowance is never used up. Set a fair-use cap, or use "
                "the rate deck's price when used up."
            )
        if self.rollover_limited and not self.rollover_periods:
            return self.env._("set the number of periods for the rollover.")
        return None

    @api.model
    def _is_fraction(self, *amounts):
        return any(amount != int(amount) for amount in amounts)

    def _golden_concerned(self, calls, vals_list):
        """Those that count with the customer's calling plan."""
        return calls.filtered(lambda call: call.plan != "deck")
