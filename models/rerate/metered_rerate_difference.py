# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from decimal import Decimal
from fractions import Fraction

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...rating.exact import MICRO
from ..record.metered_sums import Money


class MeteredRerateDifference(models.Model):
    """What a row of invoiced usage was charged, and what it is charged since.

    The usage and its calls keep the old charge. It counts while its document is there,
    as a draft too, and is not cancelled or taken back in full: then nothing bills it,
    and rating the usage again finds it once more. It is about the invoice line that
    charged the usage: that line keeps its usage as long as a difference to it counts.
    """

    _name = "metered.rerate.difference"
    _description = "Difference to Invoiced Usage"
    _inherit = ["metered.guarded", "metered.sums"]
    _order = "rerate_id desc, partner_id, day, id"

    rerate_id = fields.Many2one(
        "metered.rerate",
        string="Re-rating",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(related="rerate_id.company_id", store=True)
    usage_id = fields.Many2one(
        "metered.usage", readonly=True, ondelete="set null", index="btree_not_null"
    )
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    meter_id = fields.Many2one(
        "metered.meter", string="Call Type or Meter", readonly=True
    )
    day = fields.Date(readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    before = Money(
        readonly=True,
        help="Amount charged by the calls and earlier differences.",
    )
    after = Money(readonly=True)
    difference = Money(readonly=True)
    invoice_line_id = fields.Many2one(
        "account.move.line",
        string="Invoiced On",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    pricing = fields.Json(
        readonly=True,
        help="How the price of the period is now calculated, step by step. Only for "
        "meters other than call types.",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Billed On",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="The credit note or invoice with the difference. Empty if none was "
        "needed or nothing is posted yet.",
    )

    @api.model
    def _billed_of(self, usage):
        """What differences that count bill of usage.

        One to an earlier invoice of the usage is no part of what is charged now.

        :param usage: ``metered.usage`` on invoices
        :return: dict usage id -> Decimal
        """
        found = self.search([("usage_id", "in", usage.ids), ("move_id", "!=", False)])
        sums = {}
        for difference in found._counting():
            if difference.invoice_line_id == difference.usage_id.invoice_line_id:
                key = difference.usage_id.id
                sums[key] = sums.get(key, Decimal()) + _exact(difference.difference)
        return sums

    def _counting(self):
        """Those that a document bills."""
        void = self.move_id.filtered(lambda move: move._metered_is_void())
        return self.filtered(lambda d: d.move_id and d.move_id not in void)

    def _check_billed_once(self):
        """Refuse to bill again what was billed otherwise meanwhile.

        What the newest difference to a row of usage says that it is charged has to be
        what the row and all its differences that count come to.

        :raises UserError: when a document bills what another one bills, too
        """
        for difference in self._counting():
            usage, line = difference.usage_id, difference.invoice_line_id
            counting = self.search(
                [("usage_id", "=", usage.id), ("invoice_line_id", "=", line.id)],
                order="id",
            )._counting()
            total = _exact(usage.amount) + sum(
                _exact(other.difference) for other in counting
            )
            if (
                not usage
                or usage.invoice_line_id != line
                or abs(total - _exact(counting[-1].after)) >= MICRO
            ):
                others = counting.move_id - difference.move_id
                raise UserError(
                    self.env._(
                        "%(document)s bills a difference to %(invoice)s, whose usage "
                        "was re-rated or billed again later%(others)s. Leave "
                        "%(document)s unchanged, and re-rate the usage under Metered "
                        "Billing, Usage, Re-rating.",
                        document=difference.move_id._metered_label(),
                        invoice=line.move_id._metered_label()
                        or self.env._("a deleted invoice"),
                        others=f" ({others._metered_label()})" if others else "",
                    )
                )

    def _note_unbilled(self, moves, text):
        """Say on the invoices that a difference to them is not billed any more.

        :param moves: the documents
        :param text: what became of them, a sentence
        """
        for move in moves:
            own = self.filtered(lambda d, move=move: d.move_id == move)
            for origin in own.invoice_line_id.move_id:
                origin._metered_log(
                    self.env._(
                        "%(what)s It billed a difference to this invoice, which is "
                        "now unbilled. Re-rate the usage to bill it again.",
                        what=text % {"document": move._metered_label()},
                    )
                )

    def _due(self, line):
        """What is to be billed in the currency of the invoice.

        What was charged and what is charged now, of all usage that was charged
        together, are converted as the invoice did and rounded, so that it and its
        corrections add up to what it would be.

        :param line: the ``account.move.line`` that charged the usage, or one of them
        :return: Decimal
        """
        move, usage = line.move_id, self.env["metered.usage"]
        charged = line._metered_charged_together().metered_usage_ids
        before = sum(self.rerate_id._charged(charged).values(), Decimal())
        after = before + sum(_exact(row.difference) for row in self)
        before, after = (
            usage._convert_once(
                amount,
                self.currency_id,
                line.currency_id,
                move.company_id,
                move.invoice_date or line.metered_date_to,
            )
            for amount in (before, after)
        )
        return after - before

    def _sum_exactly(self, name):
        """The sum of amounts, as people read them: Fraction."""
        return sum((Fraction(_exact(row[name])) for row in self), Fraction())


def _exact(amount):
    """An amount as people read it."""
    return Decimal(repr(amount))
