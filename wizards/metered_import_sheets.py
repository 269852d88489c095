# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from .sheet_names import name_sheets


class MeteredImport(models.TransientModel):
    """Workbooks with several sheets: which of them has the records."""

    _inherit = "metered.import"

    sheet_ids = fields.One2many(
        "metered.import.sheet", "wizard_id", string="All Sheets"
    )
    sheet_id = fields.Many2one(
        "metered.import.sheet",
        domain="[('wizard_id', '=', id)]",
        help="The worksheet that contains the records.",
    )
    shown_sheet = fields.Char(readonly=True)
    is_sheet_asked = fields.Boolean(
        readonly=True, help="Whether the worksheet with the records is ambiguous."
    )

    def _prepare_sheets(self, file_format):
        """Values with the sheets of a workbook that has several, visible ones first."""
        shown, sheets = file_format.sheet, []
        if len(file_format.sheets) > 1 or file_format.unclear_sheets:
            sheets = sorted(file_format.sheets, key=lambda sheet: sheet[1])
        self._set_as_program(
            {
                "sheet_ids": [
                    Command.clear(),
                    *(
                        Command.create({"name": title, "is_hidden": is_hidden})
                        for title, is_hidden in sheets
                    ),
                ]
            }
        )
        chosen = self.sheet_ids.filtered(lambda one: one.name == shown)[:1]
        values = {
            "sheet_id": chosen.id,
            "shown_sheet": shown,
        }
        if file_format.unclear_sheets:
            values["is_sheet_asked"] = True
        return values

    def _is_other_sheet(self):
        """Whether another sheet was chosen than the one that is shown."""
        return bool(self.sheet_id) and self.sheet_id.name != self.shown_sheet

    def _shown_override(self):
        """What is not to be worked out of a workbook: its sheet."""
        return {"sheet": self.sheet_id.name} if self.sheet_id else {}

    def _written(self):
        """How the file is written, without what is said of its sheets."""
        return {key: one for key, one in self._override().items() if key != "sheet"}

    def _note_sheet(self, confirmed):
        """Keep the sheet that the user chose, or agreed to."""
        if self._is_other_sheet() or confirmed and self.is_sheet_asked:
            said = {**(self.said or {}), "sheet": self.sheet_id.name}
            self._set_as_program({"said": said})

    def _show_sheet(self):
        """Show the sheet that was chosen, as it is detected."""
        self._show(override=self._override())
        self._set_as_program({"detected_format": self._written()})
        return self._reopen()

    def _sheet_texts(self, file_format):
        """The question which sheet has the records."""
        if not file_format.unclear_sheets:
            return
        yield self.env._(
            "%(problem)s Proposed answer: %(sheet)s.",
            problem=self.source_id._describe_sheets(file_format),
            sheet=file_format.sheet,
        )

    def _sheet_assumptions(self, file_format):
        others = [
            title for title, _hidden in file_format.sheets if title != file_format.sheet
        ]
        if others:
            yield self.env._(
                "The worksheet %(sheet)s was read. Not read: %(others)s.",
                sheet=file_format.sheet,
                others=", ".join(others),
            )

    def _check_sheet_said(self):
        """Refuse to import a sheet that was only proposed."""
        if self.is_sheet_asked and not (self.said or {}).get("sheet"):
            raise UserError(
                self.env._(
                    "Several worksheets may contain the records. Choose one, and "
                    "click Reload or Use These Answers."
                )
            )


class MeteredImportSheet(models.TransientModel):
    _name = "metered.import.sheet"
    _description = "Worksheet of an Import File"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, id"

    wizard_id = fields.Many2one("metered.import", required=True, ondelete="cascade")
    name = fields.Char(readonly=True)
    is_hidden = fields.Boolean(string="Hidden", readonly=True)

    @api.depends("name", "is_hidden")
    @api.depends_context("lang")
    def _compute_display_name(self):
        name_sheets(self)
