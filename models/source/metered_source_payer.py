# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.extract import extraction_problem
from ..customer.metered_identifier import IDENTIFIER_KINDS


class MeteredSourcePayer(models.Model):
    _name = "metered.source.payer"
    _description = "Payer Step of a Metered Source"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "source_id, sequence, id"
    _rec_name = "column"

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    column = fields.Char(required=True, help="Name of the source's column.")
    pattern = fields.Char(
        string="Extract",
        help="A regular expression, without look-around; its first group is the "
        "identifier. Empty: the whole value.",
    )
    kind = fields.Selection(
        IDENTIFIER_KINDS,
        string="Is a",
        required=True,
        help="Kind of service identifier that the value is compared with. Telephone "
        "numbers are compared in international form.",
    )
    direction = fields.Selection(
        [
            ("outbound", "Outbound"),
            ("inbound", "Inbound"),
            ("internal", "Internal"),
        ],
        string="Only For",
        help="Empty: for records of every direction.",
    )

    @api.constrains("pattern")
    def _check_pattern(self):
        for step in self:
            problem = extraction_problem(step.pattern)
            if problem:
                raise ValidationError(
                    self.env._(
                        "Payer step on %(column)s: %(problem)s",
                        column=step.column,
                        problem=problem,
                    )
                )
