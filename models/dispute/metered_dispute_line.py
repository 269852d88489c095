# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ...rating.exact import number
from ..record.metered_sums import Money

OUTCOMES = [
    ("credit", "Credit"),
    ("rerate", "Re-rate and bill the difference"),
    ("refuse", "Refuse"),
]
#: what is decided about a line
DECISION = frozenset({"outcome", "approved", "answer"})
_ARE_BIGINT = SQL(
    """
    SELECT count(*) FROM pg_attribute
     WHERE attrelid = 'metered_dispute_line'::regclass
       AND attname IN ('cdr_id', 'usage_id') AND atttypid = 'int8'::regtype
    """
)


class MeteredDisputeLine(models.Model):
    """A charge that a customer disputes, as the customer saw it.

    The record itself is only a number here: it may be re-rated, and deleted once the
    dispute is decided.
    """

    _name = "metered.dispute.line"
    _description = "Disputed Charge"
    _inherit = ["metered.guarded"]
    _order = "dispute_id, start_time, id"
    _rec_name = "number"

    dispute_id = fields.Many2one(
        "metered.dispute",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    company_id = fields.Many2one(related="dispute_id.company_id", store=True)
    is_open = fields.Boolean(default=True, readonly=True)
    cdr_id = fields.Integer(string="Record ID", readonly=True, aggregator=None)
    usage_id = fields.Integer(string="Usage ID", readonly=True, aggregator=None)
    start_time = fields.Datetime(string="Start", readonly=True)
    service = fields.Char(readonly=True, help="The customer's number or identifier.")
    number = fields.Char(
        readonly=True, help="The other number, as the customer sees it, or the meter."
    )
    call_type = fields.Char(string="Type or Meter", readonly=True)
    destination = fields.Char(readonly=True)
    quantity = fields.Float(
        digits=0,
        readonly=True,
        aggregator=None,
        help="Connected seconds of a call. For other usage, the quantity in the "
        "meter's unit.",
    )
    unit = fields.Char(readonly=True)
    charge = Money(
        string="Disputed", readonly=True, aggregator=None, min_display_digits=2
    )
    currency_id = fields.Many2one(related="dispute_id.currency_id")
    invoice_line_id = fields.Many2one(
        "account.move.line",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    invoice_id = fields.Many2one(related="invoice_line_id.move_id", string="Invoice")
    statement_id = fields.Many2one(
        "metered.statement", readonly=True, ondelete="set null"
    )
    outcome = fields.Selection(OUTCOMES, string="Decision")
    approved = Money(
        aggregator=None,
        min_display_digits=2,
        help="Credited amount before taxes. Cannot be more than the disputed amount.",
    )
    answer = fields.Text(help="Reason for the decision. The customer sees it.")
    credit_id = fields.Many2one(
        "account.move",
        string="Credit Note",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    state = fields.Selection(related="dispute_id.state")
    needs_approval = fields.Boolean(related="dispute_id.needs_approval")

    # Whoever comes second waits for who was first, and is refused.
    _open_uniq = models.UniqueIndex(
        "(cdr_id) WHERE is_open AND cdr_id > 0",
        "One of these records is already disputed.",
    )
    _open_usage_uniq = models.UniqueIndex(
        "(usage_id) WHERE is_open AND coalesce(cdr_id, 0) = 0",
        "Some of this usage is already disputed.",
    )

    def init(self):
        """Ids of records have 64 bits."""
        [[count]] = self.env.execute_query(_ARE_BIGINT)
        if count < 2:
            self.env.cr.execute(
                "ALTER TABLE metered_dispute_line"
                " ALTER COLUMN cdr_id TYPE bigint, ALTER COLUMN usage_id TYPE bigint"
            )

    @api.onchange("outcome")
    def _onchange_outcome(self):
        self.approved = self.charge if self.outcome == "credit" else 0.0

    @api.constrains("outcome", "approved", "charge")
    def _check_approved(self):
        for line in self:
            approved = number(line.approved)
            if approved and line.outcome != "credit":
                raise ValidationError(
                    line.env._("Only credited charges can have an approved amount.")
                )
            if not 0 <= approved <= max(number(line.charge), 0):
                raise ValidationError(
                    line.env._(
                        "%(number)s: the approved amount is from 0 to the disputed "
                        "amount.",
                        number=line.number or line.call_type,
                    )
                )

    def write(self, vals):
        """Refuse another decision where one was made."""
        if not self.env.su and not DECISION.isdisjoint(vals):
            self.check_access("write")
            # Not while somebody decides by what the lines say.
            self.dispute_id._lock_rows()
            for dispute in self.dispute_id:
                if not dispute.is_open or dispute.needs_approval or dispute.rerate_id:
                    raise UserError(
                        self.env._(
                            "%s has already been decided or is waiting for approval. "
                            "Change the decision first.",
                            dispute.name,
                        )
                    )
        return super().write(vals)

    def _lock_rows(self):
        """Have others wait who change these lines; who read them before fails."""
        self.flush_recordset()
        self.env.cr.execute(
            "SELECT id FROM metered_dispute_line WHERE id = ANY(%s)"
            " ORDER BY id FOR UPDATE",
            (self.ids,),
        )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_ever(self):
        """Refuse it: what was disputed stays on record."""
        raise UserError(self.env._("Disputed charges cannot be deleted."))

    def action_explain(self):
        """Show how the charge came about, as it is known now."""
        self.ensure_one()
        self.check_access("read")
        cdr = self.env["metered.cdr"].browse(self.cdr_id).exists()
        if not cdr:
            raise UserError(
                self.env._("The record is no longer stored or is not a call.")
            )
        return cdr.action_explain()

    def _billed_on(self):
        """The invoice line that charges it now; empty where none of a posted invoice.

        What was not invoiced when it was disputed may be so by now.
        """
        self.ensure_one()
        line = self.invoice_line_id
        if not line:
            cdr = self.env["metered.cdr"].browse(self.cdr_id).exists()
            usage = self.env["metered.usage"].browse(self.usage_id).exists()
            line = (cdr.usage_id or usage).invoice_line_id
        held = line.metered_usage_ids and line.parent_state == "posted"
        return line if held else line.browse()

    def _credited(self):
        """Those of the lines that a credit note counts for, as a draft too."""
        void = self.credit_id.filtered(lambda move: move._metered_is_void())
        return self.filtered(lambda line: line.credit_id and line.credit_id not in void)

    @api.model
    def _credited_of(self, usage_ids):
        """The lines for which credit notes give something back of usage."""
        found = self.search([("usage_id", "in", usage_ids), ("outcome", "=", "credit")])
        return found._credited()

    def _check_credited_before(self):
        """:raises UserError: more of a record would be credited than it is charged

        Of usage that is or was credited as a whole, its records count with it.
        """
        for line in self:
            key = "cdr_id" if line.cdr_id else "usage_id"
            others = self.search([(key, "=", line[key]), ("id", "!=", line.id)])
            of_usage = self.search(
                [("usage_id", "=", line.usage_id), ("id", "!=", line.id)]
            )
            of_usage = of_usage._credited()
            whole = (of_usage | line).filtered(lambda one: not one.cdr_id)
            line._check_not_exceeded(
                others._credited().filtered(
                    lambda one, line=line: bool(one.cdr_id) == bool(line.cdr_id)
                ),
                line.charge,
            )
            if whole:
                line._check_not_exceeded(of_usage, max(whole.mapped("charge")))

    def _check_not_exceeded(self, before, charge):
        """:raises UserError: with what was credited before it is more than a charge"""
        total = sum(number(one.approved) for one in before | self)
        if before and total > number(charge):
            raise UserError(
                self.env._(
                    "%(dispute)s, %(number)s: %(others)s already credits it.",
                    dispute=self.dispute_id.name,
                    number=self.number or self.call_type,
                    others=", ".join(before.dispute_id.mapped("name")),
                )
            )
