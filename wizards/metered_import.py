# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re
from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ..connectors import files
from ..ingest.load_classes import source_dial_plan
from ..ingest.mapping import TIMES, ColumnSpec
from ..ingest.preview import understand
from ..ingest.survey import STYLES
from ..models.record.metered_batch import FILE_TYPE

PREVIEW_RECORDS = 10
#: facts that one column tells; call ids may be joined, properties may be many
SEVERAL = ("call_id", "property", *TIMES)
#: what a person can say about how a file is written
DELIMITERS = [
    (",", "Comma"),
    (";", "Semicolon"),
    ("\t", "Tab"),
    ("|", "Vertical bar"),
    ("other", "Other character"),
    ("fixed", "None: columns start at fixed positions"),
]
#: a time of day without a day
CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}.*)?(?: ?[AaPp]\.?[Mm]\.?)?")
EPOCH = datetime(1970, 1, 1)


class MeteredImport(models.TransientModel):
    """Upload a file, look at its first rows, say what its columns mean, import."""

    _name = "metered.import"
    _description = "Import Usage"
    _inherit = ["metered.guarded"]

    source_id = fields.Many2one(
        "metered.source",
        required=True,
        default=lambda self: self._default_source_id(),
        domain=[("is_connected", "=", False)],
        help="Where the records come from. Your choices for the columns are saved "
        "with this source.",
    )
    file = fields.Binary(
        required=True,
        attachment=False,
        help="CSV, TSV, other delimited text or XLSX. Text files may be compressed "
        "with gzip.",
    )
    file_name = fields.Char()
    attachment_id = fields.Many2one(
        "ir.attachment",
        readonly=True,
    )
    state = fields.Selection(
        [("upload", "Upload"), ("preview", "Preview")],
        default="upload",
        string="Status",
    )
    encoding = fields.Char(readonly=True)
    delimiter = fields.Selection(DELIMITERS)
    other_delimiter = fields.Char(
        string="Delimiter Character", help="The single character between two values."
    )
    positions = fields.Char(
        string="Column Positions",
        help="Where in the line each column starts, for example 1, 10, 24. The first "
        "character is 1.",
    )
    skip_lines = fields.Integer(
        string="Lines to Skip",
        aggregator=None,
        help="Lines at the top of the file that are neither column names nor records.",
    )
    detected_format = fields.Json(readonly=True, help="The detected file format.")
    has_header = fields.Boolean(
        string="First Row Has Names",
        help="Clear this if the first row is already a record.",
    )
    layout = fields.Char(string="Detected As", readonly=True)
    is_delimited = fields.Boolean(readonly=True)
    records = fields.Integer(readonly=True, help="Number of records in the file.")
    known_batch_id = fields.Many2one(
        "metered.batch",
        string="Already Imported",
        readonly=True,
        help="This exact file was already imported.",
    )
    column_ids = fields.One2many("metered.import.column", "wizard_id")
    first_rows = fields.Json(
        string="Original Rows",
        readonly=True,
        help="Column names and values of the first records.",
    )
    preview = fields.Json(
        compute="_compute_preview",
        help="The first records and how they are interpreted.",
    )

    @api.model
    def _default_source_id(self):
        sources = self.env["metered.source"].search(
            [("is_connected", "=", False)], limit=2
        )
        return sources if len(sources) == 1 else sources.browse()

    # === STEPS === #

    def action_preview(self):
        """Read the file's first rows and show what each column means."""
        self.ensure_one()
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        self.attachment_id.unlink()
        attachment = self.env["ir.attachment"].create(
            {
                "name": self.file_name or "usage",
                "datas": self.file,
                "mimetype": FILE_TYPE,
            }
        )
        self._set_as_program({"attachment_id": attachment.id})
        self._forget()
        self._show(override=self.source_id._file_override())
        self._set_as_program({"detected_format": self._written()})
        return self._reopen()

    def action_refresh(self):
        """Read the file again as the user says it is written and meant."""
        self.ensure_one()
        self._note_answers(confirmed=True)
        if self._is_other_sheet():
            return self._show_sheet()
        self._check_meanings()
        self._show(override=self._override())
        return self._reopen()

    def action_back(self):
        """Choose another file."""
        self.ensure_one()
        self.write({"state": "upload", "column_ids": [Command.clear()]})
        return self._reopen()

    def action_import(self):
        """Remember on the source what was said, queue the import, and show it run.

        Where other columns were chosen since the file was looked at, and they leave
        something open, that is asked first.
        """
        self.ensure_one()
        self._note_answers(confirmed=False)
        if self._is_other_sheet():
            return self._show_sheet()
        self._check_meanings()
        self._check_sheet_said()
        self._check_repeated_said()
        self._drop_proposed()
        if self._is_meant_otherwise():
            self._show(override=self._override())
            if self.questions:
                return self._reopen()
        self._remember_columns()
        self._remember_answers()
        batch = self.env["metered.batch"]._create_for_file(
            self.source_id, self.attachment_id, self._override()
        )
        return batch._get_records_action(name=self.env._("Import"), context={})

    # === PARTS === #

    def _reopen(self):
        return self._get_records_action(
            name=self.env._("Import Usage"),
            target="new",
            context={"dialog_size": "extra-large"},
        )

    def _override(self):
        """How the file is written, as it is shown, and as the user may have said."""
        if self._is_other_sheet():
            # Titles and names of columns are another sheet's.
            return self._shown_override()
        said = {"has_header": self.has_header, "skip_lines": max(self.skip_lines, 0)}
        said |= self._shown_override()
        if not self.is_delimited:
            return said
        said["encoding"] = self.encoding
        if self.delimiter == "fixed":
            return {**said, "positions": self.positions or ""}
        is_other = self.delimiter == "other"
        return {
            **said,
            "delimiter": self.other_delimiter if is_other else self.delimiter,
        }

    def _show(self, override):
        Batch = self.env["metered.batch"]
        with Batch._attachment_path(self.attachment_id) as path:
            try:
                file_format = files.detect_format(
                    path,
                    self.file_name or "",
                    override=override,
                    fits=self.source_id._tells_records,
                )
                file_format, repeated = files.settle_columns(path, file_format)
                facts = files.check_file(path, file_format)
                chunk = files.preview(path, file_format, PREVIEW_RECORDS)
                frame = self._read_frame(path, file_format)
            except files.SourceFileError as error:
                raise UserError(str(error)) from error
        known = Batch.search(
            [
                ("source_id", "=", self.source_id.id),
                ("checksum", "=", facts.sha256),
                ("state", "!=", "undone"),
            ],
            limit=1,
        )
        layout = files.LAYOUTS.get(file_format.layout)
        self._set_as_program({"repeated": {one.name: one.columns for one in repeated}})
        self._set_as_program(
            {
                "state": "preview",
                "encoding": file_format.encoding,
                **self._prepare_delimiter(file_format),
                "skip_lines": file_format.skip_lines,
                "has_header": file_format.has_header,
                "is_delimited": file_format.kind != "xlsx",
                "layout": layout.title if layout else False,
                **self._prepare_sheets(file_format),
                "records": facts.records,
                "known_batch_id": known.id,
                "first_rows": self._prepare_first_rows(file_format.columns, chunk),
                "column_ids": [Command.clear()]
                + [
                    Command.create(values)
                    for values in self._prepare_columns(
                        file_format.columns, chunk, self._propose_columns(frame)
                    )
                ],
            }
        )
        self._ask(frame, file_format, repeated)

    @api.model
    def _prepare_delimiter(self, file_format):
        """Values that show what parts the columns."""
        delimiter = file_format.delimiter
        if file_format.kind == "fixed":
            return {
                "delimiter": "fixed",
                "positions": ", ".join(map(str, file_format.positions)),
            }
        is_usual = not delimiter or delimiter in dict(DELIMITERS)
        return {
            "delimiter": (delimiter if is_usual else "other") or False,
            "other_delimiter": not is_usual and delimiter,
        }

    def _prepare_columns(self, names, chunk, proposed):
        """One line per column of the file: its meaning and its first values.

        :param proposed: dict column -> meaning, where the source says none
        """
        remembered = {}
        for spec in self.source_id.column_ids:
            for name in self._spec(spec).resolve(names):
                remembered.setdefault(name, spec.target)
        meaning = {**proposed, **remembered}
        if self.column_ids.mapped("name") == list(names):
            # What was chosen since stays.
            meaning = {column.name: column.target for column in self.column_ids}
        for rank, name in enumerate(names):
            samples = [text for text in chunk.frame[name].tolist() if text]
            distinct = list(dict.fromkeys(samples))
            yield {
                "sequence": rank,
                "name": name,
                "target": meaning.get(name, False),
                "remembered": remembered.get(name, False),
                "samples": " · ".join(distinct[:3]),
                "first_sample": distinct[0].strip() if distinct else False,
            }

    @api.model
    def _prepare_first_rows(self, names, chunk):
        """The first records as plain values, good and bad ones apart."""
        return {
            "names": list(names),
            "lines": chunk.line.tolist(),
            "rows": chunk.frame.to_numpy(dtype=object).tolist(),
            "bad": [[bad.line, bad.raw, bad.message] for bad in chunk.bad],
        }

    @api.depends(
        "first_rows",
        "outcomes",
        "source_id",
        "column_ids.target",
        *STYLES,
    )
    @api.depends_context("lang", "tz")
    def _compute_preview(self):
        for wizard in self:
            wizard.preview = wizard.first_rows and wizard._prepare_preview()

    def _prepare_preview(self):
        """The first records beside what an import would take from each.

        :return: dict of ``columns`` (name, meaning), ``zone`` of the times, ``tried``
            and ``rows``, in the order of the file: line and values with start, caller,
            callee and seconds, False where they cannot be told, and what would become
            of it where it was ``tried``; or line, raw text and problem
        """
        first = self.first_rows
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        meaning = {column.name: column.target for column in self.column_ids}
        payers = dict.fromkeys(
            self.source_id.payer_ids.mapped("column"),
            self.env._("Identifies the customer"),
        )
        dtype = pd.ArrowDtype(pa.string())
        frame = pd.DataFrame(first["rows"], columns=first["names"], dtype=dtype)
        outcomes = self._known_outcomes()
        rows = [
            {
                **outcome,
                "line": line,
                "values": values,
                "start": self._format_start(facts.start_us),
                "caller": facts.caller or False,
                "callee": facts.callee or False,
                "seconds": False if facts.seconds is None else facts.seconds,
                "quantity": facts.quantity or False,
                "meter": self._name_meter(facts.meter),
            }
            for line, values, outcome, facts in zip(
                first["lines"],
                first["rows"],
                outcomes or [{}] * len(first["rows"]),
                understand(
                    frame,
                    self._chosen_specs(),
                    self.source_id.timezone,
                    self.source_id.duration_rounding,
                    source_dial_plan(self.source_id),
                ),
                strict=True,
            )
        ]
        rows += [
            {"line": line, "raw": raw, "problem": message}
            for line, raw, message in first["bad"]
        ]
        return {
            "kind": self.source_id.record_kind,
            "zone": self.source_id.timezone,
            "tried": bool(outcomes),
            "proposed": self._proposed_facts(),
            "columns": [
                {
                    "name": name,
                    "meaning": labels.get(meaning.get(name)) or payers.get(name, False),
                }
                for name in first["names"]
            ],
            "rows": sorted(rows, key=lambda row: row["line"]),
        }

    def _name_meter(self, code):
        """The meter that a record's code means; False where there is none."""
        source = self.source_id
        if not code:
            return source.meter_id.name
        meter = self.env["metered.meter"].search(
            [
                ("code", "=", code),
                ("kind", "!=", "call"),
                ("company_id", "in", [False, source.company_id.id]),
            ],
            order="company_id NULLS LAST",
            limit=1,
        )
        return meter.name

    def _format_start(self, start_us):
        if start_us is None:
            return False
        moment = EPOCH + timedelta(microseconds=start_us)
        return format_datetime(
            self.env, moment.replace(microsecond=0), tz=self.source_id.timezone
        )

    def _chosen_specs(self):
        """What the columns mean as it is chosen now, in the source's formats."""
        known = {spec.target: spec for spec in self.source_id.column_ids}
        chosen = {}
        for column in self.column_ids.filtered("target"):
            chosen.setdefault(column.target, []).append(column)
        return [
            ColumnSpec(
                target,
                self._joined(columns),
                self._style_of(target),
                known[target].pattern or "" if target in known else "",
                (self.factor or "") if target == "quantity" else "",
            )
            for target, columns in chosen.items()
        ]

    @api.model
    def _joined(self, columns):
        """The names of columns as they are joined: a day before its clock."""
        if columns[0].target in TIMES:
            columns = sorted(
                columns, key=lambda one: bool(CLOCK.fullmatch(one.first_sample or ""))
            )
        return "+".join(column.name for column in columns)

    @api.model
    def _spec(self, column):
        return ColumnSpec(
            column.target,
            column.columns,
            column.style or "",
            column.pattern or "",
            column.factor or "",
        )

    def _check_meanings(self):
        """Refuse two columns for one fact, of those that a column alone tells."""
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        for target, named in self.column_ids.grouped("target").items():
            if target and len(named) > 1 and target not in SEVERAL:
                raise UserError(
                    self.env._(
                        "Only one column can be used as %(target)s, but %(names)s are.",
                        target=labels[target],
                        names=", ".join(named.mapped("name")),
                    )
                )

    def _remember_columns(self):
        """Write on the source what was changed about the columns' meaning."""
        changed = self.column_ids.filtered(lambda c: c.target != c.remembered)
        targets = set(changed.mapped("target")) | set(changed.mapped("remembered"))
        for target in targets - {False}:
            named = self.column_ids.filtered(lambda c, t=target: c.target == t)
            known = self.source_id.column_ids.filtered(
                lambda c, t=target: c.target == t
            )
            if not named:
                known.unlink()
            elif target == "property":
                known.unlink()
                self.source_id.column_ids = [
                    Command.create(
                        {"target": target, "columns": self._remembered_name(column)}
                    )
                    for column in named
                ]
            elif known:
                joined = self._remembered_name(named)
                self.source_id.column_ids = [
                    Command.update(known[0].id, {"columns": joined})
                ]
            else:
                self.source_id.column_ids = [
                    Command.create(
                        {"target": target, "columns": self._remembered_name(named)}
                    )
                ]


class MeteredImportColumn(models.TransientModel):
    _name = "metered.import.column"
    _description = "Import File Column"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, sequence"

    wizard_id = fields.Many2one("metered.import", required=True, ondelete="cascade")
    sequence = fields.Integer()
    name = fields.Char(string="Column", readonly=True)
    samples = fields.Char(string="Sample Values", readonly=True)
    first_sample = fields.Char(readonly=True)
    target = fields.Selection(
        selection=lambda self: (
            self.env["metered.source.column"]
            ._fields["target"]
            ._description_selection(self.env)
        ),
        string="Meaning",
    )
    remembered = fields.Char(readonly=True)
