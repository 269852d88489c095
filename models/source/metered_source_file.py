# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...connectors.file_settings import checked_settings
from ...connectors.files import SourceFileError
from ...ingest.load import column_specs
from ...ingest.mapping import missing_targets, repeated_names

#: what cannot be typed into a field
_NAMED = {"tab": "\t", "blank": " "}
_NAME_OF = {sign: name for name, sign in _NAMED.items()}


class MeteredSource(models.Model):
    """How the files of a source are written, for those that nobody looks at.

    A file that comes in by itself is read as it is detected, or as a person said when
    they looked at one.
    """

    _inherit = "metered.source"

    file_reading = fields.Selection(
        [("detected", "Detect for each file"), ("set", "Use these settings")],
        required=True,
        default="detected",
        help="Encoding, delimiter, column names and lines to skip are either detected "
        "for each file, or set here for all files of this source.",
    )
    file_delimiter = fields.Char(
        string="Delimiter",
        help="The single character between two values, or tab, or blank. Leave empty "
        "to detect it.",
    )
    file_positions = fields.Char(
        string="Column Positions",
        help="For files without a delimiter: where in the line each column starts, "
        "for example 1, 10, 24. The first character is 1.",
    )
    file_skip_lines = fields.Integer(
        string="Lines to Skip",
        help="Lines at the top of the file that are neither column names nor records.",
    )
    file_has_header = fields.Boolean(
        string="First Line Has Column Names",
        default=True,
        help="The first line after the skipped lines contains the column names.",
    )
    file_encoding = fields.Char(
        string="Encoding",
        help="For example utf-8 or cp1252. Leave empty to detect it.",
    )
    file_quote = fields.Selection(
        [
            ('"', "Double quotes"),
            ("'", "Single quotes"),
            ("none", "None: quotes are part of the text"),
        ],
        string="Text Qualifier",
        help="Character around values that contain a delimiter or line break. Leave "
        "empty to detect it.",
    )

    file_sheet = fields.Char(
        string="Worksheet",
        help="Name of the worksheet with the records. If it is empty or not in the "
        "workbook, the only worksheet with the columns of this source is used.",
    )

    @api.constrains(
        "file_reading",
        "file_delimiter",
        "file_positions",
        "file_skip_lines",
        "file_encoding",
    )
    def _check_file_reading(self):
        for source in self:
            try:
                checked_settings(source._file_override())
            except SourceFileError as error:
                raise ValidationError(str(error)) from error

    def _file_override(self):
        """What is not detected in this source's files.

        :return: dict as ``connectors.detect.detect_format`` takes it; None: nothing
        """
        self.ensure_one()
        sheet = {"sheet": self.file_sheet} if self.file_sheet else {}
        if self.file_reading != "set":
            return sheet or None
        delimiter = self.file_delimiter or ""
        said = {
            **sheet,
            "encoding": self.file_encoding,
            "has_header": self.file_has_header,
            "skip_lines": self.file_skip_lines,
        }
        if self.file_positions:
            return said | {"positions": self.file_positions}
        return said | {
            "delimiter": _NAMED.get(delimiter.strip().lower(), delimiter),
            "quote": self.file_quote,
        }

    def _remember_file_format(self, override):
        """Have later files read as a person said of one.

        :param override: dict as :meth:`_file_override` gives it; None: as detected
        """
        self.ensure_one()
        if not override:
            self.file_reading = "detected"
            return
        positions = override.get("positions") or ()
        if not isinstance(positions, str):
            positions = ", ".join(map(str, positions))
        delimiter = override.get("delimiter") or ""
        self.write(
            {
                "file_reading": "set",
                "file_delimiter": not positions
                and _NAME_OF.get(delimiter, delimiter)
                or False,
                "file_positions": positions or False,
                "file_skip_lines": override.get("skip_lines") or 0,
                "file_has_header": override.get("has_header", True),
                "file_encoding": override.get("encoding") or False,
                "file_quote": override.get("quote", self.file_quote) or False,
            }
        )

    def _tells_records(self, names):
        """Whether columns of these names tell what a record of this source needs."""
        specs = column_specs(self.column_ids)
        return not missing_targets(specs, names, self._needed_columns())

    def _check_sheet(self, file_format):
        """Refuse a workbook of which it is not clear which sheet has the records.

        :param file_format: ``connectors.formats.FileFormat``
        :raises UserError: naming the sheets, and what to do
        """
        if file_format.unclear_sheets:
            raise UserError(
                self.env._(
                    "%(problem)s Upload the file with Import Usage and choose the "
                    "worksheet there. Your choice is saved with the source.",
                    problem=self._describe_sheets(file_format),
                )
            )

    @api.model
    def _describe_sheets(self, file_format):
        names = ", ".join(file_format.unclear_sheets)
        if len(file_format.unclear_sheets) == 1:
            return self.env._(
                "Only a hidden worksheet may contain the records: %s.", names
            )
        return self.env._("Several worksheets may contain the records: %s.", names)

    def _check_repeated(self, names, repeated):
        """Refuse a file that has several columns of a name that the source reads.

        :param names: the file's column names
        :param repeated: list of ``connectors.column_names.Repeated``
        :raises UserError: naming them, and what to do
        """
        self.ensure_one()
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        found = {one.name: one for one in repeated}
        for spec, several in repeated_names(
            column_specs(self.column_ids), names, found
        ):
            raise UserError(
                self.env._(
                    "%(problem)s Upload the file with Import Usage and choose the "
                    "column for %(fact)s there. Your choice is saved with the source.",
                    problem=self._describe_repeated(found[several[0]]),
                    fact=labels[spec.target].lower(),
                )
            )
        steps = [*self.payer_ids, *self.rule_ids.condition_ids]
        for step in steps:
            if step.column in found:
                raise UserError(
                    self.env._(
                        "%(problem)s In the charging rules and lookup steps of "
                        "%(switch)s, use one of %(columns)s instead of the name.",
                        problem=self._describe_repeated(found[step.column]),
                        columns=", ".join(found[step.column].columns),
                        switch=self.name,
                    )
                )

    @api.model
    def _describe_repeated(self, one):
        return self.env._(
            "The file has %(number)s columns named %(name)s, with different values in "
            "%(count)s records, for example %(examples)s.",
            number=len(one.columns),
            name=one.name,
            count=one.records,
            examples=" · ".join(one.examples),
        )
