# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.extract import extraction_problem
from ...ingest.facts import FACTS, PAYER_FACTS
from ..customer.metered_identifier import IDENTIFIER_KINDS


class MeteredSourcePayer(models.Model):
    _name = "metered.source.payer"
    _description = "Customer Lookup Step"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "source_id, sequence, id"

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    fact = fields.Selection(
        selection="_selection_fact",
        string="Mapped Fact",
        help="The meaning of the column, so that the step works regardless of the "
        "column name in the file.",
    )
    column = fields.Char(
        help="Name of the column in the file, if the step does not use a mapped fact."
    )
    pattern = fields.Char(
        string="Extract",
        help="A regular expression, without look-around. Its first group is the "
        "identifier. Leave empty to use the whole value.",
    )
    kind = fields.Selection(
        IDENTIFIER_KINDS,
        string="Identifier Kind",
        required=True,
        help="Kind of service identifier to look up. Phone numbers are compared in "
        "international format.",
    )
    direction = fields.Selection(
        [
            ("outbound", "Outbound"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        string="Only For",
        help="Leave empty for records of every direction.",
    )

    @api.model
    def _selection_fact(self):
        return [(fact, FACTS[fact]) for fact in PAYER_FACTS]

    @api.depends("fact", "column")
    def _compute_display_name(self):
        labels = dict(self._fields["fact"]._description_selection(self.env))
        for step in self:
            step.display_name = labels.get(step.fact) or step.column or ""

    @api.constrains("fact", "column")
    def _check_named(self):
        if not all(step.fact or step.column for step in self):
            raise ValidationError(
                self.env._("A lookup step needs a mapped fact or a column.")
            )

    @api.constrains("pattern")
    def _check_pattern(self):
        for step in self:
            problem = extraction_problem(step.pattern)
            if problem:
                raise ValidationError(
                    self.env._(
                        "Lookup step on %(column)s: %(problem)s",
                        column=step.display_name,
                        problem=problem,
                    )
                )
