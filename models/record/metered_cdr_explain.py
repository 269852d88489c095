# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import format_datetime

from ...rating.exact import MICRO, exact, number
from ...stored.plan_cover import StoredPlans
from ...stored.why import explain_stored


class MeteredCdr(models.Model):
    """Why a call costs what it costs."""

    _inherit = "metered.cdr"

    explanation = fields.Html(
        compute="_compute_explanation",
        sanitize=False,
        help="How the charge was calculated, step by step.",
    )

    def action_explain(self):
        """Show how the charge came about."""
        self.ensure_one()
        self.check_access("read")
        view = self.env.ref("metered_billing.metered_cdr_view_form_explain")
        return self._get_records_action(
            name=self.env._("Why This Charge?"),
            views=[(view.id, "form")],
            target="new",
            context={"dialog_size": "extra-large"},
        )

    @api.depends_context("uid", "lang", "tz")
    def _compute_explanation(self):
        for cdr in self:
            cdr.explanation = cdr._explain()

    def _explain(self):
        """The explanation as HTML."""
        self.ensure_one()
        self.check_access("read")
        words = self.env["metered.explanation"]
        if self.state != "rated":
            return words._render(before=self._explain_before())
        if self.sudo().meter_id.kind != "call":
            return words._render(
                before=self._explain_before(),
                warning=self.env._(
                    "Priced together with all other usage of its period. See the "
                    "explanation of its invoice line."
                ),
            )
        masked = self._masked_text()
        if masked:
            return words._render(before=self._explain_before(), warning=masked)
        story = explain_stored(self, self._plan_of_call())
        allowances = self._names_of_allowances()
        charge = self._charge_text(story.stored)
        values = {"before": self._explain_before(), "charge": charge}
        values["rows"] = words._rows(
            story.stored.steps, self.sudo().currency_id, allowances
        )
        if not story.stored.steps:
            values["warning"] = self.env._(
                "The rate or its deck was changed after this call was charged, so the "
                "charge of %s can no longer be explained with it.",
                charge,
            )
        if not story.same:
            values.update(self._explain_today(story, allowances))
        if self.env.user.has_group("metered_billing.group_metered_user"):
            values.update(self._explain_cost(story.stored))
        return words._render(**values)

    def _explain_today(self, story, allowances):
        """What today's rates would do, and what to do about it."""
        words = self.env["metered.explanation"]
        today, stored = story.today, story.stored
        currency = self.env["res.currency"].browse(today.currency_id)
        rows = words._rows(today.steps, currency, allowances)
        if today.charge_micro is None:
            text = self.env._("With the current rates it would have no price.")
        elif today.currency_id == stored.currency_id:
            change = today.charge_micro - stored.charge_micro
            size = words._number(exact(abs(change) * MICRO))
            text = (
                self.env._(
                    "With the current rates it would cost %(charge)s: %(change)s more."
                )
                if change > 0
                else self.env._(
                    "With the current rates it would cost %(charge)s: %(change)s less."
                )
            ) % {"charge": self._charge_text(today), "change": size}
        else:
            text = self.env._(
                "With the current rates it would cost %s.", self._charge_text(today)
            )
        if self.sudo().usage_id.invoice_line_id:
            text += " " + self.env._("The call is invoiced as it was charged.")
        else:
            text += " " + self.env._(
                "The charge stays unchanged until the call is re-rated."
            )
        return {"today": rows, "today_charge": text}

    def _explain_cost(self, stored):
        """What the call costs at the supplier's, and what is left."""
        cost, words = self._cost(), self.env["metered.explanation"]
        if cost is None:
            return {}
        currency = self.env["res.currency"].browse(cost.currency_id)
        rows = words._rows(cost.steps, currency)
        values = {"cost": rows}
        if cost.charge_micro is not None and cost.currency_id == stored.currency_id:
            margin = stored.charge_micro - cost.charge_micro
            amount = words._number(exact(margin * MICRO))
            rows.append(
                words._row(
                    "margin",
                    self.env._("Margin"),
                    self.env._("Sold below cost") if margin < 0 else "",
                    f"{amount} {currency.name}",
                )
            )
        return values

    def _charge_text(self, outcome):
        """A charge with its currency."""
        words = self.env["metered.explanation"]
        currency = self.env["res.currency"].browse(outcome.currency_id)
        amount = words._number(exact(outcome.charge_micro * MICRO))
        return f"{amount} {currency.name}"

    def _explain_before(self):
        """Rows about what came before rating: whose call, of which kind."""
        cdr, words = self.sudo(), self.env["metered.explanation"]
        rows = [
            cdr._explain_record(),
            *cdr._explain_readings(),
            *cdr._explain_given(),
        ]
        if cdr.rule_id:
            rows.append(
                words._row(
                    "rule",
                    self.env._("Charging rule"),
                    cdr.rule_id.display_name
                    if cdr.state != "not_billable"
                    else self.env._(
                        "%(rule)s: not charged.", rule=cdr.rule_id.display_name
                    ),
                )
            )
        elif cdr.state == "not_billable":
            rows.append(
                words._row(
                    "rule",
                    self.env._("Charging rule"),
                    self.env._(
                        "No rule of %s charges it, so it is not charged.",
                        cdr.source_id.name or self.env._("the source"),
                    ),
                )
            )
        if cdr.partner_id:
            text = cdr.partner_id.display_name
            if cdr.identifier_id:
                text = self.env._(
                    "%(customer)s, identified by %(identifier)s",
                    customer=text,
                    identifier=cdr.identifier_id.display_name,
                )
            rows.append(words._row("customer", self.env._("Customer"), text))
        if cdr.meter_id:
            text = cdr.meter_id.name
            if cdr.destination_id:
                text = f"{text}: {cdr.destination_id.name}"
            rows.append(
                words._row(
                    "kind",
                    self.env._("Call type") if cdr._is_call() else self.env._("Meter"),
                    text,
                )
            )
        return rows

    def _explain_record(self):
        """The row that says what the record is: a call, or a quantity of a meter."""
        words = self.env["metered.explanation"]
        time = format_datetime(self.env, self.start_time)
        if not self._is_call():
            return words._row(
                "call",
                self.env._("Record"),
                self.env._(
                    "%(quantity)s %(unit)s on %(time)s",
                    quantity=words._number(exact(number(self.quantity))),
                    unit=self.meter_id.unit,
                    time=time,
                ),
            )
        return words._row(
            "call",
            self.env._("Call"),
            self.env._(
                "%(caller)s → %(callee)s on %(time)s, connected for %(seconds)s s",
                caller=self.caller or "?",
                callee=self.callee or "?",
                time=time,
                seconds=words._number(int(self.quantity)),
            ),
        )

    # === PLANS === #

    def _plan_of_call(self):
        """What the calling plan took of the call; None: it took nothing.

        :return: ``rating.calling_plans.PlanOfCall``
        """
        self.ensure_one()
        self.env.cr.execute(
            "SELECT plan_taken::text, plan_quantity::bigint FROM metered_cdr"
            " WHERE id = %s AND plan_taken IS NOT NULL",
            (self.id,),
        )
        found = self.env.cr.fetchone()
        if not found:
            return None
        text, covered = found
        return StoredPlans(self.env.cr, [text]).of_call(text, covered)

    def _names_of_allowances(self):
        """Names of the allowances in :meth:`_plan_of_call`: dict id -> name."""
        self.ensure_one()
        names = {}
        allowances = self.env["metered.calling.plan.allowance"].sudo()
        for key in map(int, self.plan_taken or {}):
            allowance = allowances.browse(abs(key)).exists()
            if allowance:
                names[key] = (
                    allowance.name
                    if key > 0
                    else self.env._("%s, used up", allowance.name)
                )
        return names
