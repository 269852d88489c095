# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import format_date
from odoo.tools.misc import formatLang

from ..record.metered_sums import Money
from ..screen.actions import window_action

#: calls that are rated while somebody waits for the answer
AT_ONCE = 20_000


class MeteredRerate(models.Model):
    """One time that usage was rated again: who asked, of what, and what came of it.

    It is a preview first, in which nothing is written. Applied, it goes through the
    customers once more, slice by slice, each committed with how far it is.

    Usage that is not invoiced gets its new charges. What is invoiced keeps its calls
    and charges as they are: the difference is billed (``metered_rerate_invoiced``).
    """

    _name = "metered.rerate"
    _description = "Re-rating"
    _inherit = ["metered.guarded", "metered.job"]
    _order = "id desc"
    _job_lock_class = 0x6D627272  # "mbrr"
    _job_cron = "metered_billing.ir_cron_rerate"

    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    scope = fields.Selection(
        [
            ("open", "Calls that are not invoiced"),
            ("invoiced", "Invoiced usage: bill the difference"),
        ],
        string="Usage",
        required=True,
        readonly=True,
        default="open",
    )
    phase = fields.Selection(
        [("preview", "Preview"), ("apply", "Applied")],
        string="Step",
        required=True,
        readonly=True,
        default="preview",
        help="A preview does not change anything.",
    )
    partner_ids = fields.Many2many(
        "res.partner",
        string="Customers",
        readonly=True,
        help="Includes their contacts. Leave empty for all customers.",
    )
    meter_ids = fields.Many2many(
        "metered.meter",
        string="Call Types and Meters",
        readonly=True,
        help="Leave empty for all.",
    )
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="Until", readonly=True, help="Last day of the usage.")
    position = fields.Integer(
        readonly=True,
        help="ID of the last customer, or customer family, that was processed.",
    )
    changed = fields.Integer(
        string="Changed Records",
        readonly=True,
        help="Calls and other records with a different charge.",
    )
    unrated = fields.Integer(
        string="Without Rate",
        readonly=True,
        help="Calls that no longer have a matching rate. When the re-rating is "
        "applied, they become exceptions.",
    )
    line_ids = fields.One2many("metered.rerate.line", "rerate_id", readonly=True)
    line_count = fields.Integer(
        string="Customers with Changes", compute="_compute_result"
    )
    result = fields.Char(compute="_compute_result")
    applied_uid = fields.Many2one(
        "res.users",
        string="Applied By",
        readonly=True,
        help="User who applied the re-rating or, for invoiced usage, approved "
        "the difference.",
    )
    applied_date = fields.Datetime(string="Applied On", readonly=True)

    @api.depends("date_from", "date_to", "phase")
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "Re-rating of %(first)s – %(last)s",
                first=format_date(self.env, run.date_from),
                last=format_date(self.env, run.date_to),
            )

    @api.depends("line_ids.difference", "changed", "records", "state")
    def _compute_result(self):
        for run in self:
            run.line_count = len(run.line_ids)
            if run.state != "done":
                run.result = False
            elif not run.line_ids:
                run.result = self.env._(
                    "No changes: all %s records keep their charge.",
                    formatLang(self.env, run.records, digits=0),
                )
            else:
                run.result = self.env._(
                    "Changed records: %(changed)s of %(records)s, customers: "
                    "%(customers)s, difference: %(sums)s",
                    changed=formatLang(self.env, run.changed, digits=0),
                    records=formatLang(self.env, run.records, digits=0),
                    customers=len(run.line_ids.partner_id),
                    sums=run._format_sums(),
                )

    def _format_sums(self):
        """The differences, a sum per currency, as text."""
        self.ensure_one()
        sums = {}
        for line in self.line_ids:
            sums.setdefault(line.currency_id, Decimal())
            sums[line.currency_id] += Decimal(repr(line.difference))
        words = self.env["metered.explanation"]
        return ", ".join(
            f"{'+' if amount > 0 else ''}{words._number(amount)} {currency.name}"
            for currency, amount in sums.items()
        )

    # === START === #

    @api.model
    def _start(self, values):
        """Begin with a preview; at once where it is small.

        :param values: of the record; the user may look at all of it
        :return: action that shows it
        """
        run = self.sudo().create(values)
        run.expected = run._count_calls()
        if not self.env["metered.usage"].sudo().search(run._usage_domain(), limit=1):
            run._check_details_kept()
            raise UserError(
                self.env._(
                    "There are no matching calls that are not invoiced. Choose other "
                    "days, customers or call types. Other meter usage is priced when "
                    "it is invoiced."
                )
                if run.scope == "open"
                else self.env._(
                    "There is no matching usage on posted invoices. Choose other "
                    "days, customers, call types or meters."
                )
            )
        return run._go()

    def _go(self):
        """Work at once where it is little, in the background where it is much."""
        self.ensure_one()
        if self.expected <= AT_ONCE:
            self._process()
        else:
            self._enqueue()
        return self._get_records_action(context={})

    def action_apply(self):
        """Write the new charges of usage that is not invoiced.

        :raises UserError: when there is no finished preview
        """
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("metered_billing.group_metered_user"):
            raise AccessError(self.env._("Only users of Metered Billing can do this."))
        if self.scope != "open":
            raise UserError(self.env._("Approve the difference to post it."))
        return self._apply()

    def _apply(self):
        if self.phase != "preview" or self.state != "done":
            raise UserError(
                self.env._("Only a finished preview can be applied, and only once.")
            )
        run = self.sudo()
        run.write(
            {
                "phase": "apply",
                "state": "queued",
                "position": 0,
                "records": 0,
                "changed": 0,
                "unrated": 0,
                "run_seconds": 0,
                "applied_uid": self.env.uid,
                "applied_date": fields.Datetime.now(),
                "finished": False,
            }
        )
        run._go()
        # The form that it was asked for on shows it: no other is opened above it.
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_resume(self):
        """Let failed work go on from where it stopped."""
        return self._resume_failed()

    def action_view_usage(self):
        """Open the usage that it is about."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_usage", self._usage_domain(), context={}
        )


class MeteredRerateLine(models.Model):
    """What rating again changes for one customer in one currency."""

    _name = "metered.rerate.line"
    _description = "Re-rating Change"
    _inherit = ["metered.guarded", "metered.sums"]
    _order = "rerate_id, difference desc, id"

    rerate_id = fields.Many2one(
        "metered.rerate",
        string="Re-rating",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    company_id = fields.Many2one(related="rerate_id.company_id", store=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    calls = fields.Integer(
        readonly=True,
        string="Records",
        help="Calls and other records that were re-rated.",
    )
    changed = fields.Integer(
        readonly=True,
        help="For calls, those with a different charge or rate. For other meters, all "
        "records of a period with a different price.",
    )
    unrated = fields.Integer(
        string="Without Rate",
        readonly=True,
        help="Calls that no longer have a matching rate.",
    )
    before = Money(readonly=True)
    after = Money(readonly=True)
    difference = Money(readonly=True)
    note = fields.Char(string="Blocking Reason", readonly=True)
