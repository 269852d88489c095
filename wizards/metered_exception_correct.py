# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

#: records whose values are shown
SAMPLE_RECORDS = 200


class MeteredExceptionCorrect(models.TransientModel):
    """Change the columns of records as they came.

    One record shows its columns to be edited. Of many, each column shows the values
    found, and what is to be put in their place.
    """

    _name = "metered.exception.correct"
    _description = "Correct Exceptions"
    _inherit = ["metered.guarded", "metered.exception.cure"]

    single = fields.Boolean()
    raw = fields.Text(string="Original Line")
    readable = fields.Boolean()
    line_ids = fields.One2many("metered.exception.correct.line", "wizard_id")

    @api.model
    def _prepare_values(self, target, company):
        rows = self._select(
            target,
            SQL("raw, readable, batch_id, id, detail"),
            rest=SQL("ORDER BY id LIMIT %s", SAMPLE_RECORDS),
        )
        single = len(rows) == 1
        if single and not rows[0][1]:
            return self._prepare_unreadable(*rows[0][:4])
        records = [json.loads(row[0]) for row in rows if row[1]]
        if not records:
            raise UserError(
                self.env._(
                    "The columns of these lines cannot be identified. Correct the "
                    "lines one by one, or dismiss them."
                )
            )
        # What an exception is about is the text of a column, maybe with its kind.
        wrong = {row[4] for row in rows if row[4]}
        wrong |= {text.partition(" ")[2] for text in wrong} - {""}
        found, suspects = {}, set()
        for record in records:
            for name, value in record.items():
                found.setdefault(name, {})[value or ""] = True
                if value in wrong:
                    suspects.add(name)
        return {
            "single": single,
            "readable": True,
            "line_ids": [
                Command.create(
                    {
                        "column": name,
                        "found": " · ".join([value or "–" for value in values][:3])
                        + (" · …" if len(values) > 3 else ""),
                        "value": next(iter(values)) if single else False,
                        "suspect": name in suspects,
                    }
                )
                for name, values in sorted(
                    found.items(), key=lambda item: item[0] not in suspects
                )
            ],
        }

    @api.model
    def _prepare_unreadable(self, raw, _readable, batch_id, _exception_id):
        """The parts of a line that has too few or too many of them."""
        batch = self.env["metered.batch"].browse(batch_id)
        file_format = batch.file_format or {}
        names = file_format.get("columns") or []
        parts = raw.split(file_format.get("delimiter") or ",")
        return {
            "single": True,
            "readable": False,
            "raw": raw,
            "line_ids": [
                Command.create(
                    {
                        "column": name,
                        "value": parts[rank].strip('"') if rank < len(parts) else "",
                    }
                )
                for rank, name in enumerate(names)
            ],
        }

    def action_correct(self):
        """Write the corrections into the records, and try these again."""
        self.ensure_one()
        if self.single:
            values = {
                "record": {line.column: line.value or "" for line in self.line_ids}
            }
        else:
            changes = [
                {
                    "column": line.column,
                    "find": line.find or "",
                    "replace": line.value or "",
                }
                for line in self.line_ids
                if line.find or line.value or line.empty
            ]
            if not changes:
                raise UserError(
                    self.env._(
                        "You have not changed anything yet. Enter a new value for one "
                        "of the columns."
                    )
                )
            values = {"changes": changes}
        return self._start("correct", values)


class MeteredExceptionCorrectLine(models.TransientModel):
    _name = "metered.exception.correct.line"
    _description = "Column to Correct"
    _inherit = ["metered.guarded"]

    wizard_id = fields.Many2one(
        "metered.exception.correct", required=True, ondelete="cascade"
    )
    column = fields.Char(required=True)
    suspect = fields.Boolean(help="The exception is about the value in this column.")
    found = fields.Char(help="Original values of this column.")
    find = fields.Char(
        help="The text to replace, wherever it occurs. Leave empty to replace "
        "the whole value.",
    )
    value = fields.Char(string="Replace With")
    empty = fields.Boolean(string="Clear", help="Clears the column.")
