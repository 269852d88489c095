# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, fields, models
from odoo.exceptions import UserError

from ...rating.steps import Step
from .account_move import REVERSING


class AccountMoveLine(models.Model):
    """Invoice lines that charge usage: how usage leaves them, and comes back."""

    _name = "account.move.line"
    _inherit = ["metered.guarded", "account.move.line"]

    metered_usage_ids = fields.One2many(
        "metered.usage",
        "invoice_line_id",
        string="Usage",
        copy=False,
        readonly=True,
    )
    metered_date_from = fields.Date(
        string="Usage From",
        readonly=True,
        index="btree_not_null",
        help="First day of the usage on this line.",
    )
    metered_date_to = fields.Date(
        string="Usage Until",
        readonly=True,
        help="First day after the usage on this line.",
    )
    metered_late = fields.Boolean(
        string="Recorded Late",
        readonly=True,
        help="The usage on this line arrived after its billing period had been "
        "invoiced.",
    )
    metered_price_id = fields.Many2one(
        "metered.price",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        help="The metered price used for the usage on this line.",
    )
    metered_subscription_id = fields.Many2one(
        "sale.subscription",
        string="Priced For",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The subscription whose billing period was used to price the usage "
        "on this line.",
    )
    metered_pricing = fields.Json(
        readonly=True,
        copy=False,
        help="How the price was calculated, step by step.",
    )
    metered_corrected_line_id = fields.Many2one(
        "account.move.line",
        string="Corrects",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The original usage line whose difference is billed here.",
    )
    metered_freed = fields.Json(
        readonly=True,
        copy=False,
        help="The usage charged by this line until it was canceled or credited: ID to "
        "records and amount.",
    )
    metered_origin_line_id = fields.Many2one(
        "account.move.line",
        string="Credits or Replaces",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        help="The line of the reversed invoice this line was copied from.",
    )

    def _copy_data_extend_business_fields(self, values):
        """Let a credit note, or a new invoice in its place, know what it is about."""
        if REVERSING.heard() and self.metered_date_from:
            values["metered_origin_line_id"] = self.id
        return super()._copy_data_extend_business_fields(values)

    def write(self, vals):
        """Have the usage on these lines follow what becomes of them."""
        if {"move_id", "display_type"}.isdisjoint(vals):
            return super().write(vals)
        with self._metered_watched():
            return super().write(vals)

    def unlink(self):
        """Tell in the chatter that deleting a line frees its usage.

        :raises UserError: when a difference to that was billed
        """
        self._metered_check_differences()
        charging = self._metered_charging()
        charging._metered_tell_freed()
        for move, lines in charging.grouped("move_id").items():
            move._metered_log(
                self.env._("Deleted: %s", lines._metered_describe_freed())
            )
        return super().unlink()

    def _metered_price_steps(self):
        """How the price of the usage on this line came about.

        The lines of one meter and period have the same steps: those of their sum.

        :return: list of ``rating.steps.Step``, empty where no metered price was used
        """
        self.ensure_one()
        pricing = self.metered_pricing or {}
        return [Step(code, values) for code, values in pricing.get("steps", ())]

    # === FREEING === #

    def _metered_charging(self):
        """Those of the lines that hold usage, with all rights."""
        return self.sudo().filtered("metered_usage_ids")

    def _metered_charged_as(self):
        """What is charged together: a meter's lines of a period, or a line of calls.

        :return: tuple, the same for such lines
        """
        self.ensure_one()
        if not self.metered_price_id:
            return ("line", self.id)
        return (
            "meter",
            self.move_id.id,
            self.metered_pricing["meter_id"],
            self.metered_subscription_id.id,
            self.metered_date_from,
        )

    def _metered_charged_together(self):
        """The lines of the invoice that are charged together with this one."""
        what = self._metered_charged_as()
        return self.move_id.invoice_line_ids.filtered(
            lambda line: line._metered_charged_as() == what
        )

    def _metered_title(self):
        """What a line of usage is about, without what it comes to."""
        self.ensure_one()
        return self._metered_one_line().partition(":")[0]

    def _metered_one_line(self):
        """The text of a line of usage, where there is one line for it."""
        self.ensure_one()
        return self.name.replace("\n", ", ", 1)

    def _metered_describe_freed(self):
        """A sentence on the usage that is open again, for the invoice's chatter."""
        return self.env._(
            "%(lines)s. The usage can be billed again: %(records)s.",
            lines=", ".join(line._metered_title() for line in self),
            records=self.env["metered.explanation"]._records(
                sum(self.metered_usage_ids.mapped("records"))
            ),
        )

    def _metered_free(self):
        """Open the usage of these lines again, and remember what it was.

        :raises UserError: when a difference to that was billed
        """
        self._metered_check_differences()
        self._metered_tell_freed()
        self.env["metered.usage"].flush_model(["invoice_line_id"])
        self.flush_recordset(["metered_freed"])
        self.move_id.filtered(lambda move: move.state == "posted")._metered_note_seals(
            "freed"
        )
        self.env.cr.execute(
            """
            UPDATE account_move_line line
               SET metered_freed = held.usage
              FROM (SELECT invoice_line_id,
                           jsonb_object_agg(id, jsonb_build_array(
                                records, trim_scale(amount)::text)) AS usage
                      FROM metered_usage
                     WHERE invoice_line_id = ANY(%(lines)s)
                     GROUP BY invoice_line_id) held
             WHERE line.id = held.invoice_line_id;
            UPDATE metered_usage SET invoice_line_id = NULL
             WHERE invoice_line_id = ANY(%(lines)s)
            """,
            {"lines": self.ids},
        )
        self.env["metered.usage"]._forget_invoices()
        self.invalidate_recordset(["metered_freed", "metered_usage_ids"], flush=False)

    def _metered_check_differences(self):
        """Refuse to leave a difference behind that nothing is different from any more.

        What is billed again is rated again, and so holds the difference already: both
        together would bill it twice.

        :raises UserError: naming what is to be taken back first
        """
        self._metered_check_disputes()
        differences = self.env["metered.rerate.difference"].sudo()
        found = differences.search([("invoice_line_id", "in", self.ids)])._counting()
        if found:
            raise UserError(
                self.env._(
                    "%(documents)s bills a difference for %(invoices)s. Reverse it "
                    "first: reset it to draft and cancel it, or create a credit note.",
                    documents=found.move_id._metered_label(),
                    invoices=found.invoice_line_id.move_id._metered_label(),
                )
            )

    def _metered_is_credited(self):
        """Whether posted credit notes take back all that this line charges."""
        self.ensure_one()
        credits = self.search(
            [
                ("metered_origin_line_id", "=", self.id),
                ("parent_state", "=", "posted"),
                ("move_id.move_type", "=", "out_refund"),
                ("currency_id", "=", self.currency_id.id),
            ]
        )
        return bool(credits) and (
            self.currency_id.compare_amounts(
                sum(credits.mapped("price_subtotal")), self.price_subtotal
            )
            >= 0
        )

    # === TAKING IT BACK === #

    def _metered_freed_usage(self):
        """What these lines charged before, with all rights; deleted usage is gone.

        Only usage of a line's own company: that is all that it can have charged.
        """
        usage = self.env["metered.usage"].sudo()
        for line in self:
            usage |= (
                usage.browse(map(int, line.metered_freed or ()))
                .exists()
                .filtered_domain([("company_id", "=", line.company_id.id)])
            )
        return usage

    def _metered_is_unchanged(self):
        """Whether the freed usage is still what it was."""
        self.ensure_one()
        return self._metered_freed_usage()._calls_and_amounts() == self.metered_freed

    def _metered_bill_again(self, freed_from):
        """Charge freed usage on a line of a draft, with the rates of today.

        The line stays as it is, with whatever was edited by hand, where the usage is
        what it was.

        :param freed_from: the line that charged it before; may be this one
        """
        self.ensure_one()
        move = self.move_id
        Usage = self.env["metered.usage"].sudo()
        usage = Usage._lock_open([("id", "in", freed_from._metered_freed_usage().ids)])
        if usage and usage._calls_and_amounts() == freed_from.metered_freed:
            usage._link_to_lines([(usage_id, self.id) for usage_id in usage.ids])
            self._set_as_program({"metered_freed": False})
            return
        prepared = usage._prepare_invoice_lines(
            company=move.company_id,
            currency=move.currency_id,
            partner=move.partner_id,
            date_from=freed_from.metered_date_from,
            date_to=freed_from.metered_date_to,
            date=move.invoice_date or fields.Date.context_today(self),
        )
        made = move.invoice_line_ids
        title = self._metered_title()
        move.invoice_line_ids = [
            Command.create({**values, "sequence": self.sequence})
            for values, _usage_ids in prepared
        ] + [Command.delete(self.id)]
        made = move.invoice_line_ids - made
        Usage._link_to_lines(
            [
                (usage_id, line.id)
                for line, (_values, usage_ids) in zip(
                    made.sorted("id"), prepared, strict=True
                )
                for usage_id in usage_ids
            ]
        )
        move._metered_log(
            self.env._(
                "%(line)s: its usage was re-rated and is now %(now)s.",
                line=title,
                now=", ".join(
                    f"{line._metered_one_line()} "
                    f"{line.currency_id.format(line.price_subtotal)}"
                    for line in made
                )
                or self.env._("no longer available"),
            )
        )
