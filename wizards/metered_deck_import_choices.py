# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import re
from dataclasses import replace

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date

from ..deck_files import Choices
from ..deck_files.choices import OPTIONS
from ..deck_files.price_bands import says_other_times
from .sheet_names import name_sheets

SAMPLES = 3
SAMPLE_ROWS = 1000
EXAMPLES = 5
MEANINGS = [
    ("prefix", "Prefix"),
    ("country_code", "Country code, in front of the prefix"),
    ("exchange", "Exchange, following the prefix (NXX)"),
    ("name", "Name"),
    ("country", "Country"),
    ("call_type", "Call type"),
    ("band", "Time band"),
    ("price", "Price"),
    ("first_price", "Price of the first increment"),
    ("currency", "Currency"),
    ("per_seconds", "Seconds per price unit"),
    ("first_increment", "First increment"),
    ("next_increment", "Next increments"),
    ("increments", "Both increments (60/6)"),
    ("connection_fee", "Connection fee"),
    ("minimum", "Minimum charge"),
    ("maximum", "Maximum charge"),
    ("grace_seconds", "Grace seconds"),
    ("free_seconds", "Free up to (seconds)"),
    ("included_seconds", "Included seconds"),
    ("tiers", "Tiers within the call"),
    ("valid_from", "Valid from"),
    ("valid_before", "First day no longer valid"),
    ("last_day", "Last day"),
    ("change", "Status or change"),
    ("discontinued", "Discontinued (yes or no)"),
    ("forbidden", "Blocked (yes or no)"),
    ("left_out", "Leave out"),
]
#: what is kept of a file of which nothing was said: an empty value is none at all
SAID = {"said": True}
#: keys of questions that are about the file, not about rows
UNCOUNTED = ("columns", "sheet", "bands")
NUMBERS = ("divisor", "per_seconds")


class MeteredDeckImport(models.TransientModel):
    """How a file of rates is meant: what it leaves open, and what is worked out."""

    _inherit = "metered.deck.import"

    questions = fields.Text(
        string="Needs Your Answer",
        readonly=True,
        help="What is ambiguous in the file, with a proposed answer.",
    )
    assumptions = fields.Text(
        readonly=True,
        help="Details the file does not specify, and how they were detected.",
    )
    sheet_ids = fields.One2many(
        "metered.deck.import.sheet", "wizard_id", string="All Sheets"
    )
    sheet_id = fields.Many2one(
        "metered.deck.import.sheet",
        domain="[('wizard_id', '=', id)]",
        help="The worksheet that contains the rates.",
    )
    shown_sheet = fields.Char(readonly=True)
    header_line = fields.Integer(
        string="Line with the Column Names",
        aggregator=None,
        help="Use 0 if no line contains column names and the first line is a rate.",
    )
    shown_header_line = fields.Integer(readonly=True, aggregator=None)
    shown_choices = fields.Json(
        readonly=True, help="How this preview was read from the file."
    )
    column_ids = fields.One2many("metered.deck.import.column", "wizard_id")
    word_ids = fields.One2many("metered.deck.import.word", "wizard_id")
    number = fields.Selection(
        [("point", "Point (1,234.56)"), ("comma", "Comma (1.234,56)")],
        string="Decimal Separator",
        help="Leave empty to detect it from the prices in the file. A price that does "
        "not match is rejected.",
    )
    divisor = fields.Integer(
        string="Divide Prices By",
        aggregator=None,
        help="Enter 100 if prices are in cents, or 0 to use what the file specifies.",
    )
    per_seconds = fields.Integer(
        string="Price Interval (s)",
        aggregator=None,
        help="Number of seconds each price covers, if no column says so. Enter 0 to "
        "use what the file says, or 60.",
    )
    codes = fields.Selection(
        [
            ("complete", "Complete, including the country code"),
            ("national", "Without country code: it is added in front"),
        ],
        string="Prefix Format",
        help="Leave empty to detect it from the columns in the file.",
    )
    country_code = fields.Char(
        help="Added in front of each prefix in the file, for example 1 or 44."
    )
    country_fill = fields.Selection(
        [
            ("down", "Use the country code above"),
            ("none", "Prefix is complete"),
        ],
        string="Rows Without Country Code",
        help="How to read rows whose country code cell is empty.",
    )
    area_codes = fields.Selection(
        [
            ("add", "Add 1: 305 means 1305"),
            ("complete", "Complete: 305 is Greece"),
        ],
        string="North American Area Codes",
        help="How to read codes without the leading 1 if their destinations are named "
        "as in North America.",
    )
    blanks = fields.Selection(
        [
            ("group", "One prefix: 1204 1226 means 12041226"),
            ("separate", "Several prefixes: 1204 1226 means 1204 and 1226"),
        ],
        string="Spaces in Prefixes",
        help="Leave empty to accept only unambiguous prefixes.",
    )
    country_blanks = fields.Selection(
        [
            ("group", "One prefix: 44 7400 means 447400"),
            ("separate", "Several prefixes: 44 7400 means 44 and 7400"),
        ],
        string="Spaces After Country Codes",
        help="Leave empty to detect it from the codes in the file.",
    )
    dashes = fields.Selection(
        [
            ("join", "One prefix in two parts: 33-6 means 336"),
            ("range", "A range: 33-6 means 33 to 36"),
        ],
        string="Hyphens in Prefixes",
        help="Leave empty to accept only unambiguous prefixes.",
    )
    lists = fields.Selection(
        [
            ("full", "Whole prefixes: 4420,21 means 4420 and 21"),
            ("ending", "Different last digits: 4420,21 means 4420 and 4421"),
            ("country", "Country code and area code: 44/20 means 4420"),
        ],
        string="Comma-Separated Prefixes",
        help="Leave empty to accept only unambiguous prefixes.",
    )

    remarks = fields.Selection(
        [("read", "They do not change what the columns say")],
        string="Texts Around the Rates",
        help="Lines above, between, or below the rates. The choice applies to this "
        "file only.",
    )

    def action_refresh(self):
        """Read the file again, as the user says that it is meant."""
        self.ensure_one()
        self.deck_id.check_access("write")
        self._check_bands()
        self._set_as_program({"choices": self._chosen()})
        return self._show()

    def _note_shown(self):
        """Keep how the file is read in the preview."""
        self._set_as_program({"shown_choices": self._chosen()})

    def _check_shown(self):
        """Refuse what is not as the preview shows it: something else was said since."""
        self._check_bands()
        if self._chosen() != self.shown_choices:
            raise UserError(
                self.env._(
                    "You changed how the file is read. Click Reload and review the "
                    "changes."
                )
            )

    def _chosen(self):
        """What the user has said about the file, as ``Choices.as_json`` has it."""
        is_same_table = (self.sheet_id.name or "") == (
            self.shown_sheet or ""
        ) and self.header_line == self.shown_header_line
        chosen = {
            "sheet": self.sheet_id.name or "",
            "columns": self._chosen_columns() if is_same_table else None,
            "left_out": self._left_out().mapped("place") if is_same_table else [],
            "bands": self._chosen_bands() if is_same_table else {},
            "country_code": "".join((self.country_code or "").split()).lstrip("+"),
            "words": {
                word.word: word.meaning for word in self.word_ids if word.meaning
            },
            **{name: self[name] or "" for name in OPTIONS},
            **{name: max(self[name], 0) for name in NUMBERS},
        }
        if self.header_line != self.shown_header_line or not self.header_line:
            chosen["header_line"] = max(self.header_line, 0)
        elif (self.choices or {}).get("header_line") and is_same_table:
            chosen["header_line"] = self.header_line
        return {**SAID, **Choices.from_json(chosen).as_json()}

    def _chosen_columns(self):
        found = {}
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        read = self.column_ids.filtered("target") - self._left_out()
        for column in read - self._prices()[1:]:
            if column.target in found:
                raise UserError(
                    self.env._(
                        "Only one column can be used as %(target)s. Clear the meaning "
                        "of the others.",
                        target=labels[column.target],
                    )
                )
            found[column.target] = column.place
        return found

    def _left_out(self):
        return self.column_ids.filtered(lambda column: column.target == "left_out")

    def _prices(self):
        return self.column_ids.filtered(lambda column: column.target == "price")

    def _chosen_bands(self):
        """The time bands of several columns with prices.

        :return: dict place, as text -> name of the band, empty for the other times
        """
        prices = self._prices()
        if not prices.band_id and len(prices) < 2:
            return {}
        return {str(column.place): column.band_id.name or "" for column in prices}

    def _check_bands(self):
        """Refuse prices of which it is not clear when each holds."""
        for band, columns in self._prices().grouped("band_id").items():
            if len(columns) > 1:
                raise UserError(
                    self.env._(
                        "Several columns contain prices for the same time: "
                        "%(columns)s. Choose a different time band for each, or clear "
                        "the meaning of the others.",
                        columns=", ".join(columns.mapped("name")),
                    )
                )
            if band and not band.slot_ids:
                raise UserError(
                    self.env._(
                        "The time band %s has no hours, so its prices would never "
                        "apply. Enter its hours first.",
                        band.name,
                    )
                )

    def _prepare_choices(self, reading, problems):
        """Values that show how the file is read, and what it leaves open.

        :param reading: ``deck_files.DeckReading``
        :param problems: list of ``Problem``, translated
        """
        rows = reading.rows
        said = rows.choices
        open_ = [problem for problem in problems if problem.question]
        proposed = {
            problem.question.key: problem.question.proposal
            for problem in open_
            if problem.question.proposal
        }
        say = self.env["metered.explanation"]._error
        assumed = [say(error) for error in reading.assumptions]
        if not self.choices and replace(said, date_order="") != Choices():
            assumed.insert(
                0,
                self.env._(
                    "The choices made for the last file with these columns were used: "
                    "%s.",
                    self._describe_choices(said),
                ),
            )
        early = self._count_early(reading.rates)
        if early:
            assumed.append(
                self.env._(
                    "Rates with an earlier start date start on %(day)s instead: "
                    "%(count)s.",
                    day=format_date(self.env, self.date_from),
                    count=early,
                )
            )
        values = {
            name: proposed.get(name) or getattr(said, name) or False
            for name in (*OPTIONS, "country_code")
        }
        return {
            **values,
            **{name: proposed.get(name) or getattr(said, name) for name in NUMBERS},
            "choices": {**SAID, **said.as_json()},
            "questions": "\n".join(map(self._question_text, open_)) or False,
            "assumptions": "\n".join(assumed) or False,
            "shown_sheet": rows.sheet,
            "header_line": rows.line,
            "shown_header_line": rows.line,
            **self._prepare_sheets(rows),
            "column_ids": [Command.clear(), *self._prepare_columns(rows)],
            "word_ids": [Command.clear(), *self._prepare_words(reading)],
        }

    def _describe_choices(self, said):
        """What was chosen for a file, as text."""
        parts = []
        for name in (*OPTIONS, *NUMBERS, "sheet", "country_code"):
            value = getattr(said, name)
            if not value:
                continue
            field = self._fields["sheet_id" if name == "sheet" else name]
            if name in OPTIONS:
                value = dict(field._description_selection(self.env))[value]
            parts.append(f"{field._description_string(self.env)}: {value}")
        if said.columns is not None:
            parts.append(self.env._("column meanings"))
        if said.words:
            parts.append(self.env._("status meanings"))
        return "; ".join(parts) or self.env._("header row")

    def _count_early(self, rates):
        """Rates of the file with an earlier day than the one on which all begin."""
        if not self.date_from:
            return 0
        return sum(1 for day in rates["valid_from"] if day and day < self.date_from)

    def _question_text(self, problem):
        """A question as a paragraph: what, where, how often, what is proposed."""
        question = problem.question
        parts = [problem.text]
        examples = [str(text) for text in question.examples if text][:EXAMPLES]
        if examples and question.key not in UNCOUNTED:
            parts.append(self.env._("Found: %s.", " · ".join(examples)))
        if question.key not in UNCOUNTED:
            parts.append(
                self.env._(
                    "Rows: %(count)s, starting at line %(line)s.",
                    count=question.count,
                    line=question.line,
                )
            )
        if question.proposal:
            field = self._fields.get(question.key)
            label = question.proposal
            if question.key in OPTIONS:
                label = dict(field._description_selection(self.env))[label]
            parts.append(self.env._("Proposed answer: %s.", label))
        return " ".join(parts)

    def _prepare_sheets(self, rows):
        """Values with the sheets of the workbook, the visible ones first."""
        self.sheet_ids.unlink()
        sheets = self.sheet_ids.create(
            [
                {"wizard_id": self.id, "name": title, "is_hidden": hidden}
                for title, hidden in sorted(rows.sheets, key=lambda sheet: sheet[1])
            ]
        )
        is_open = any(question.key == "sheet" for question in rows.questions)
        chosen = "" if is_open else rows.sheet
        return {"sheet_id": sheets.filtered(lambda one: one.name == chosen)[:1].id}

    def _prepare_columns(self, rows):
        meaning_of = {place: meaning for meaning, place in rows.columns.items()}
        first = [texts for _line, texts in rows.rows[:SAMPLE_ROWS]]
        meaning_of.update(dict.fromkeys(rows.bands, "price"))
        meaning_of.update(dict.fromkeys(rows.choices.left_out, "left_out"))
        # A meaning that is not sure is not proposed: it is chosen by a person.
        meaning_of.update(dict.fromkeys(rows.doubtful, False))
        bands = self._prepare_bands(rows)
        for place, name in enumerate(rows.header):
            samples = dict.fromkeys(str(texts[place]) for texts in first)
            samples.pop("", None)
            yield Command.create(
                {
                    "place": place,
                    "name": name or self.env._("Column %s", place + 1),
                    "samples": " · ".join(list(samples)[:SAMPLES]),
                    "target": meaning_of.get(place, False),
                    "band_id": bands.get(place, False),
                }
            )

    def _prepare_bands(self, rows):
        """The time bands of columns with prices: as said, or those of similar names.

        :return: dict place -> id of the band
        """
        company = ("company_id", "in", [False, self.deck_id.company_id.id])
        known = {
            _plain_name(band.name): band.id
            for band in self.env["metered.time.band"].search([company])
        }
        found = {}
        for place, said in rows.bands.items():
            name = _plain_name(rows.header[place] if said is None else said)
            if said is None and says_other_times(rows.header[place]):
                continue
            alike = [
                one for one in known if one == name or said is None and one in name
            ]
            if alike:
                found[place] = known[max(alike, key=len)]
        return found

    def _prepare_words(self, reading):
        """Statuses that are not known, and those that were said."""
        for word, (text, count) in reading.words.items():
            yield Command.create({"word": word, "name": text, "count": count})
        for word, meaning in reading.rows.choices.words.items():
            yield Command.create({"word": word, "name": word, "meaning": meaning})


def _plain_name(text):
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


class MeteredDeckImportSheet(models.TransientModel):
    _name = "metered.deck.import.sheet"
    _description = "Worksheet of a Rate File"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, id"

    wizard_id = fields.Many2one(
        "metered.deck.import", required=True, ondelete="cascade"
    )
    name = fields.Char(readonly=True)
    is_hidden = fields.Boolean(string="Hidden", readonly=True)

    @api.depends("name", "is_hidden")
    @api.depends_context("lang")
    def _compute_display_name(self):
        name_sheets(self)


class MeteredDeckImportColumn(models.TransientModel):
    _name = "metered.deck.import.column"
    _description = "Rate File Column"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, place"

    wizard_id = fields.Many2one(
        "metered.deck.import", required=True, ondelete="cascade"
    )
    place = fields.Integer(readonly=True, aggregator=None)
    name = fields.Char(string="Column", readonly=True)
    samples = fields.Char(string="Sample Values", readonly=True)
    target = fields.Selection(MEANINGS, string="Meaning")
    band_id = fields.Many2one(
        "metered.time.band",
        string="Time Band",
        help="When the price applies, if several columns contain prices. Leave empty "
        "for all other times.",
    )


class MeteredDeckImportWord(models.TransientModel):
    _name = "metered.deck.import.word"
    _description = "Rate File Status"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, count desc, id"

    wizard_id = fields.Many2one(
        "metered.deck.import", required=True, ondelete="cascade"
    )
    word = fields.Char(readonly=True)
    name = fields.Char(string="Status", readonly=True)
    count = fields.Integer(string="Rows", readonly=True, aggregator=None)
    meaning = fields.Selection([("sells", "Rate is active"), ("ends", "Rate ends")])
