# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.dial_plans import BARE_FORMS
from ...ingest.durations import UNITS
from ...ingest.extract import extraction_problem
from ...ingest.mapping import TIMES
from ...ingest.quantities import factor_problem
from ...ingest.times import style_problem
from ...notation.numbers import CONVENTIONS

DURATIONS = ("seconds", "duration")
NUMBERS = ("caller", "callee")
#: reasons of records that another format may cure
UNREAD = (
    *(
        f"{how}_{what}"
        for how in ("unclear", "invalid")
        for what in ("time", "duration", "quantity")
    ),
    "unclear_number",
)
UNIT_NAMES = [
    ("s", "Seconds"),
    ("ms", "Milliseconds"),
    ("min", "Minutes, decimal (1.5)"),
    ("mm:ss", "Minutes:seconds (1:30)"),
    ("h:mm", "Hours:minutes (0:01)"),
    ("h:mm:ss", "Hours:minutes:seconds (0:01:30)"),
    ("day", "Fraction of a day (spreadsheets)"),
    ("h", "Hours, decimal (0.5)"),
    ("6s", "Units of 6 seconds"),
    ("hhmmss", "HHMMSS (000130)"),
    ("mmss", "MMSS (0130)"),
    ("hhmm", "HHMM (0001)"),
    ("thousands", "Seconds with thousands separators (1,234)"),
]


class MeteredSourceColumn(models.Model):
    _name = "metered.source.column"
    _description = "Source Column"
    _inherit = ["metered.guarded", "metered.audit", "metered.cure"]
    _order = "source_id, sequence, id"
    _rec_name = "columns"

    _cures_when_new = False
    _curing = frozenset({"style", "factor"})

    source_id = fields.Many2one(
        "metered.source", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    target = fields.Selection(
        [
            ("call_id", "Record ID (unique)"),
            ("linked_id", "Call ID (shared by the legs of a call)"),
            ("start_time", "Start time"),
            ("time_hint", "Epoch time (for daylight-saving changes)"),
            ("answer_time", "Answer time"),
            ("end_time", "End time"),
            ("seconds", "Chargeable seconds"),
            ("duration", "Total duration"),
            ("answered", "Answered or not"),
            ("caller", "Calling number"),
            ("callee", "Called number"),
            ("direction", "Direction"),
            ("quantity", "Quantity"),
            ("meter", "Meter code"),
            ("properties", "Properties (JSON)"),
            ("property", "Keep with the record"),
            ("line", "Subscription line ID"),
            ("line_key", "External key of a subscription line"),
            ("line_item", "Customer and product reference"),
            ("usage_type", "Type of usage: add, max, lat"),
            ("serial", "Device serial number (counters)"),
            ("estimated", "Read or estimated (counters)"),
            ("reading_kind", "Kind of reading (counters)"),
        ],
        string="Meaning",
        required=True,
        help="Meaning of the column. If no column contains the chargeable seconds, "
        "they are calculated from answer or start time to end time. Calls that were "
        "not answered have 0 chargeable seconds. Quantity, meter and properties are "
        "for usage other than calls. Records with the same call ID count once as "
        "concurrent calls.",
    )
    columns = fields.Char(
        required=True,
        help="Name of the column in the file. Use + to join several columns "
        "(uniqueid+sequence), or commas to use the first column that exists in "
        "the file (start_epoch,start).",
    )
    style = fields.Char(
        string="Format",
        help="For times: leave empty to recognize ISO times and epoch seconds, use "
        "dmy or mdy if the day or month comes first, or enter a format such as "
        "%d/%m/%Y %H:%M:%S. For quantities: the decimal separator, point or "
        "comma. For durations: their unit. For numbers: international if they are "
        "written with the country code and without +, national if without the "
        "leading 0, or empty if the other numbers show it.",
    )
    unit = fields.Selection(
        UNIT_NAMES,
        string="Duration Format",
        compute="_compute_unit",
        inverse="_inverse_unit",
        help="Leave empty to accept only whole seconds and h:mm:ss. Ambiguous "
        "durations become exceptions.",
    )
    factor = fields.Char(
        string="Multiply By",
        help="Number by which quantities are multiplied, for example 1000 if the file "
        "has MWh and the meter counts kWh. Enter 1 to use them as they are, even "
        "though the unit in the column's name differs from the meter's unit.",
    )
    pattern = fields.Char(
        string="Extract",
        help="A regular expression. Its first group is used instead of the whole "
        "value.",
    )

    @api.depends("style", "target")
    def _compute_unit(self):
        for column in self:
            is_unit = column.target in DURATIONS and column.style in UNITS
            column.unit = column.style if is_unit else False

    def _inverse_unit(self):
        for column in self:
            if column.target in DURATIONS:
                column.style = column.unit

    def _cure_targets(self):
        """Records whose times, durations, quantities or numbers were not understood."""
        return [
            (source.company_id, {"source_id": source.id, "reasons": list(UNREAD)})
            for source in self.source_id
        ]

    @api.constrains("style", "target")
    def _check_style(self):
        for column in self:
            problem = column.style and column._style_problem()
            if problem:
                raise ValidationError(
                    self.env._(
                        "Column %(column)s of %(switch)s: %(problem)s",
                        column=column.columns,
                        switch=column.source_id.name,
                        problem=problem,
                    )
                )

    def _style_problem(self):
        """What is wrong with the format; empty where nothing is."""
        if self.target in TIMES:
            return style_problem(self.style)
        if self.target in DURATIONS:
            return self.style not in UNITS and self.env._(
                "%(style)s is not a unit of duration. Choose one of %(units)s.",
                style=self.style,
                units=", ".join(UNITS),
            )
        if self.target == "quantity":
            return self.style not in CONVENTIONS and self.env._(
                "%(style)s is not a decimal separator. Enter point or comma.",
                style=self.style,
            )
        if self.target in NUMBERS:
            return self.style not in BARE_FORMS and self.env._(
                "%(style)s is not a form of numbers. Enter international or national.",
                style=self.style,
            )
        return self.env._(
            "Only times, durations, quantities and numbers can have a format. Clear "
            "the format."
        )

    @api.constrains("factor", "target")
    def _check_factor(self):
        for column in self.filtered("factor"):
            if column.target != "quantity" or factor_problem(column.factor):
                raise ValidationError(
                    self.env._(
                        "Column %(column)s of %(switch)s: only quantities can be "
                        "multiplied, and %(factor)s must be a number such as 1000 or "
                        "0.001.",
                        column=column.columns,
                        switch=column.source_id.name,
                        factor=column.factor,
                    )
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
