# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ...rating.exact import exact_text

#: calls that are rated while somebody waits for the answer
AT_ONCE = 100_000


class MeteredWhatIf(models.Model):
    """Stored usage rated anew, in memory; only its result is stored.

    *What if* asks what a period would have brought with a deck, a calling plan or a
    price, also one that is archived or never was in use. *Margins* asks what it cost:
    with the cost deck of each source, or the company's.

    It works in portions: days of calls, customers with calling plans, customers with
    usage of other meters. The sums so far and where it stands are committed together.
    """

    _name = "metered.simulation"
    _description = "What If"
    _inherit = ["metered.guarded", "metered.job", "metered.simulation.question"]
    _order = "id desc"
    _job_lock_class = 0x6D627369  # "mbsi"
    _job_cron = "metered_billing.ir_cron_simulation"

    company_id = fields.Many2one(readonly=True, index=True)
    kind = fields.Selection(readonly=True)
    deck_id = fields.Many2one(readonly=True, ondelete="cascade")
    replaces_id = fields.Many2one(
        readonly=True, ondelete="cascade", context={"active_test": False}
    )
    rates_day = fields.Date(readonly=True)
    file_id = fields.Many2one(
        "ir.attachment",
        string="Rates From",
        readonly=True,
        help="A rate file that is not applied. What If calculates as if it were.",
    )
    file_name = fields.Char(readonly=True)
    file_date_from = fields.Date(string="Prices Valid From", readonly=True)
    file_date_order = fields.Char(readonly=True)
    file_choices = fields.Json(readonly=True)
    file_whole = fields.Boolean(readonly=True)
    plan_id = fields.Many2one(readonly=True, ondelete="cascade")
    plan_replaces_id = fields.Many2one(readonly=True, ondelete="cascade")
    price_id = fields.Many2one(readonly=True, ondelete="cascade")
    price_replaces_id = fields.Many2one(
        readonly=True, ondelete="cascade", context={"active_test": False}
    )
    partner_ids = fields.Many2many(readonly=True)
    date_from = fields.Date(readonly=True)
    date_to = fields.Date(readonly=True)
    phase = fields.Selection(
        [
            ("calls", "Calls"),
            ("plans", "Customers with plans"),
            ("prices", "Usage of other meters"),
        ],
        readonly=True,
        help="The current phase.",
    )
    position = fields.Date(
        string="Next Day", readonly=True, help="First day that is not rated yet."
    )
    position_id = fields.Integer(
        string="Processed Up To",
        readonly=True,
        help="The last customer processed, in order.",
    )
    left_out = fields.Integer(
        readonly=True,
        help="Calls of customers or sources that are not included.",
        string="Excluded Calls",
    )
    line_ids = fields.One2many(
        "metered.simulation.line",
        "simulation_id",
        readonly=True,
    )
    result = fields.Char(compute="_compute_result")
    unrated = fields.Integer(compute="_compute_result", string="Without Rate")
    below = fields.Integer(compute="_compute_result", string="Calls Below Cost")

    @api.depends(
        "date_from", "date_to", "deck_id", "file_name", "plan_id", "price_id", "kind"
    )
    def _compute_display_name(self):
        for run in self:
            deck = run.deck_id.name
            if run.file_id:
                deck = self.env._(
                    "%(deck)s with %(file)s", deck=deck, file=run.file_name
                )
            names = [deck, run.plan_id.name, run.price_id.display_name]
            what = " + ".join(name for name in names if name)
            if run.kind == "margin":
                what = self.env._("Margins")
            run.display_name = self.env._(
                "%(what)s, %(first)s – %(last)s",
                what=what,
                first=format_date(self.env, run.date_from),
                last=format_date(self.env, run.date_to),
            )

    @api.depends("state")
    def _compute_result(self):
        words = self.env["metered.explanation"]
        for run in self:
            sums = self.env["metered.simulation.line"]._read_group(
                [("simulation_id", "=", run.id)],
                ["currency_id"],
                ["before:sum", "after:sum", "unrated:sum", "below:sum"],
            )
            run.unrated = sum(row[3] for row in sums)
            run.below = sum(row[4] for row in sums)
            run.result = "; ".join(
                run._describe_sums(
                    words, formatted(before), formatted(after), currency.name
                )
                for currency, before, after, *_rest in sums
            )

    def _describe_sums(self, words, before, after, currency):
        """What it comes to in a currency; sums as decimal texts."""
        values = {
            "before": words._number(before),
            "after": words._number(after),
            "currency": currency,
        }
        # Of the rounded sums, so that what is shown adds up.
        change = Decimal(after) - Decimal(before)
        share = self._percent(-change if self.kind == "margin" else change, before)
        if self.kind == "margin":
            return self.env._(
                "%(before)s − %(after)s = %(margin)s %(currency)s%(share)s",
                margin=words._number(-change),
                share=f" ({share})" if share else "",
                **values,
            )
        if not change:
            return self.env._("%(before)s → %(after)s %(currency)s", **values)
        sign = "+" if change > 0 else ""
        return self.env._(
            "%(before)s → %(after)s %(currency)s: %(change)s%(share)s",
            change=f"{sign}{words._number(change)}",
            share=f" ({sign}{share})" if share else "",
            **values,
        )

    def _percent(self, part, whole):
        """A share with a decimal as text; empty where there is nothing to compare."""
        whole = Decimal(whole)
        if not whole:
            return ""
        share = 100 * Decimal(part) / whole
        return self.env._("%s%%", formatLang(self.env, float(share), digits=1))

    # === START === #

    @api.model
    def _start(self, values):
        """Begin; at once where it is little.

        :param values: of the record; the user may look at all of it
        :return: action that shows it
        """
        run = self.sudo().create({**values, "position": values["date_from"]})
        if run.kind == "margin" or run.deck_id or run.plan_id:
            run.company_id._metered_check_details(run.date_from)
        if run.file_id:
            run.file_id._metered_check()
            run.file_id = run.file_id.copy({"res_model": self._name, "res_id": run.id})
        run.expected = run._count_calls()
        if not run.expected:
            raise UserError(
                self.env._(
                    "There are no rated calls or matching usage on these days. Choose "
                    "other days."
                )
            )
        run._load()  # what is missing is said at once
        if run.expected <= AT_ONCE:
            run._process()
        else:
            run._enqueue()
        return run._get_records_action(
            views=[(run._form_view().id, "form")], context={}
        )

    def action_resume(self):
        """Go on with what stopped, from where it stands."""
        self.ensure_one()
        self.check_access("read")
        run = self.sudo()
        if run.state != "failed":
            raise UserError(self.env._("It has not stopped."))
        run.write({"state": "queued", "error": False, "finished": False})
        left = run.expected - run.records
        if left <= AT_ONCE:
            run._process()
        else:
            run._enqueue()
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def _form_view(self):
        return self.env.ref(f"metered_billing.metered_simulation_view_form_{self.kind}")

    def _count_calls(self):
        """About how many calls and records it is about, of these days."""
        meters = self.price_id.meter_id.ids
        if self.kind == "margin" or self.deck_id or self.plan_id:
            calls = self.env["metered.meter"].with_context(active_test=False)
            meters += calls.search([("kind", "=", "call")]).ids
        [[records]] = self.env["metered.usage"]._read_group(
            [*self._usage_domain(), ("meter_id", "in", meters)], [], ["records:sum"]
        )
        # A level that holds, or that is a number of calls, has no records of its own.
        return records or len(self._measuring_subscriptions())

    def _usage_domain(self):
        """The usage of the customers and days that it is about."""
        domain = [
            ("company_id", "=", self.company_id.id),
            ("day", ">=", self.date_from),
            ("day", "<=", self.date_to),
        ]
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        return domain


def formatted(amount):
    """A sum as decimal text, two decimals."""
    return exact_text(Decimal(repr(amount or 0.0)).quantize(Decimal("0.01")))
