# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.extract import extraction_problem


class MeteredSourceColumn(models.Model):
    _name = "metered.source.column"
    _description = "Column of a Metered Source"
    _inherit = ["metered.guarded", "metered.audit"]
    _order = "source_id, sequence, id"
    _rec_name = "columns"

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    target = fields.Selection(
        [
            ("call_id", "Record id (unique)"),
            ("start_time", "Start time"),
            ("time_hint", "Epoch that tells repeated hours apart"),
            ("seconds", "Chargeable seconds"),
            ("duration", "Total duration"),
            ("caller", "Calling number"),
            ("callee", "Called number"),
            ("direction", "Direction"),
            ("quantity", "Quantity"),
            ("meter", "Code of the meter"),
            ("properties", "Properties (JSON)"),
            ("property", "Keep with the record"),
            ("serial", "Serial of the device (counters)"),
            ("estimated", "Read or estimated (counters)"),
            ("reading_kind", "Kind of reading (counters)"),
        ],
        string="Meaning",
        required=True,
        help="What the column tells about the record. Quantity, meter and properties "
        "are of usage other than calls.",
    )
    columns = fields.Char(
        required=True,
        help="Name of the source's column. Several names with + between them are "
        "joined (uniqueid+sequence); several with commas are tried in this order, "
        "and the first that the file has is taken (start_epoch,start).",
    )
    style = fields.Char(
        string="Format",
        help="For times: empty to recognize ISO times and epoch seconds, or a format "
        "such as %d/%m/%Y %H:%M:%S.",
    )
    pattern = fields.Char(
        string="Extract",
        help="A regular expression; its first group is taken instead of the whole "
        "value.",
    )

    @api.constrains("pattern")
    def _check_pattern(self):
        for column in self:
            problem = extraction_problem(column.pattern)
            if problem:
                raise ValidationError(
                    self.env._(
                        "Column %(column)s of %(switch)s: %(problem)s",
                        column=column.columns,
                        switch=column.source_id.name,
                        problem=problem,
                    )
                )
