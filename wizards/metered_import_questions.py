# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import replace

import pandas as pd

from odoo import Command, api, fields, models

from ..connectors import files
from ..ingest.directions import (
    EMPTY,
    UnknownWord,
    likely_direction,
    word_key,
)
from ..ingest.facts import PAYER_FACTS
from ..ingest.identify import PayerStep
from ..ingest.survey import MOST_RECORDS, STYLES, survey
from ..ingest.time_layouts import DAY_ORDERS
from ..ingest.trial import MOST_RECORDS as MOST_TRIED
from ..ingest.trial import likely_payer, try_records, without_direction
from ..models.customer.metered_identifier import IDENTIFIER_KINDS
from ..models.source.metered_source_column import UNIT_NAMES

#: key of a finding -> facts of the preview that it decides about
FACTS = {
    "unit": "seconds",
    "date_order": "start",
    "time_format": "start",
    "decimal_sign": "quantity",
    "factor": "quantity",
    "number_form": "callee",
}
DIRECTION_NAMES = [
    ("outbound", "Outbound"),
    ("inbound", "Inbound"),
    ("internal", "Internal"),
]


class MeteredImport(models.TransientModel):
    """What a file leaves open: asked once, and remembered on the source."""

    _inherit = "metered.import"

    questions = fields.Text(
        string="Needs Your Answer",
        readonly=True,
        help="What is ambiguous in the file, with a proposed answer.",
    )
    assumptions = fields.Text(
        readonly=True, help="Details the source does not specify and the file shows."
    )
    warnings = fields.Text(
        readonly=True, help="Possible problems with the file or the source."
    )
    customers = fields.Text(
        readonly=True, help="For how many of the first records a customer was found."
    )
    can_answer = fields.Boolean(
        readonly=True,
        help="Whether you can change the source, where the answers are saved.",
    )
    asked = fields.Char(
        readonly=True, help="Names of the answers needed for this file."
    )
    open_keys = fields.Json(readonly=True, help="The questions to answer.")
    said = fields.Json(
        readonly=True, help="Which answers were changed, and what they were before."
    )
    shown = fields.Json(readonly=True, help="Answers and columns of the last preview.")
    unit = fields.Selection(
        UNIT_NAMES,
        string="Duration Format",
        help="Leave empty to accept only whole seconds and h:mm:ss.",
    )
    date_order = fields.Selection(
        [
            ("dmy", "Day first: 31/12/2026"),
            ("mdy", "Month first: 12/31/2026"),
            ("ymd", "Year first: 26/12/31"),
            ("dmy-swapped", "Day first, swapped in dates converted by a spreadsheet"),
            ("mdy-swapped", "Month first, exchanged in dates made by a spreadsheet"),
        ],
        string="Dates",
        help="Leave empty to accept only dates that start with the year.",
    )
    time_format = fields.Char(
        help="Format of the times, for example %d-%b-%Y %H:%M:%S for 05-Oct-2026 "
        "14:00:00. Leave empty to detect it.",
    )
    decimal_sign = fields.Selection(
        [("point", "Point (1,234.56)"), ("comma", "Comma (1.234,56)")],
        help="Decimal separator of quantities. Leave empty to accept only "
        "unambiguous quantities.",
    )
    factor = fields.Char(
        string="Multiply Quantities By",
        help="Number by which quantities are multiplied, because the unit in their "
        "column's name differs from the meter's unit. Enter 1 to use them as they are.",
    )
    number_form = fields.Selection(
        [
            ("international", "International, with the country code"),
            ("national", "As dialed in the country of the source"),
        ],
        string="Numbers Without Prefix",
        help="How called numbers that start with neither + nor 0 are written. Leave "
        "empty to accept only unambiguous numbers.",
    )
    payer_column_id = fields.Many2one(
        "metered.import.column",
        string="Customer Column",
        domain="[('wizard_id', '=', id)]",
        help="The column that identifies the customer who pays.",
    )
    payer_kind = fields.Selection(
        IDENTIFIER_KINDS,
        string="Identifier Kind",
        help="Kind of service identifier to look up the column's values as.",
    )
    word_ids = fields.One2many("metered.import.word", "wizard_id")

    # === ASKING === #

    @api.model
    def _read_frame(self, path, file_format):
        """The first records of a file, as many as are looked at."""
        frames, records = [], 0
        for chunk in files.read_chunks(path, file_format, MOST_RECORDS):
            frames.append(chunk.frame)
            records += chunk.records
            if records >= MOST_RECORDS:
                break
        return pd.concat(frames, ignore_index=True)[:MOST_RECORDS]

    def _forget(self):
        """Begin with another file, of which nothing was said."""
        self._set_as_program(
            {
                "said": False,
                "is_sheet_asked": False,
                "sheet_id": False,
                "column_ids": [Command.clear()],
            }
        )

    def _note_answers(self, confirmed):
        """Keep what the user has said.

        :param confirmed: whether what was proposed is agreed to
        """
        self._note_sheet(confirmed)
        if not self.can_answer:
            return
        said = dict(self.said or {})
        before = (self.shown or {}).get("answers", {})
        for key in STYLES:
            is_new = (self[key] or False) != before.get(key, False)
            is_agreed = confirmed and key in (self.open_keys or ()) and self[key]
            if is_new or is_agreed:
                said[key] = self[key] or ""
        payer = self._chosen_payer()
        if all(payer) and (confirmed or payer != before.get("payer", payer)):
            said["payer"] = payer
        words = {
            word.word: word.direction
            for word in self.word_ids
            if word.direction and (confirmed or word.direction != word.proposal)
        }
        if confirmed:
            said["repeated"] = [*(self.repeated or {})]
            said["proposed"] = [*(self.proposed or {})]
        said["words"] = {**said.get("words", {}), **words}
        self._set_as_program({"said": said})

    def _chosen_payer(self):
        return [self.payer_column_id.name or "", self.payer_kind or ""]

    def _remembered_styles(self):
        """dict target -> format that the source says."""
        return {
            column.target: column.style or ""
            for column in self.source_id.column_ids[::-1]
        }

    def _remembered_factor(self):
        """What the source says that quantities are multiplied by."""
        columns = self.source_id.column_ids
        return columns.filtered(lambda c: c.target == "quantity")[:1].factor

    def _meter_unit(self, frame, settings):
        """The unit of the meters that the first records are of; empty for several."""
        codes = set()
        for spec in settings.columns:
            for name in spec.resolve(frame.columns) if spec.target == "meter" else ():
                codes.update(map(str.strip, frame[name][:MOST_TRIED].unique()))
        meters = {settings.meter_of_code.get(code, 0) for code in codes - {""}}
        if not codes or "" in codes:
            meters.add(settings.default_meter_id)
        meters -= {0, *settings.counting_meters}
        units = {settings.unit_of_meter.get(meter, "") for meter in meters}
        return units.pop() if len(units) == 1 else ""

    def _style_of(self, target):
        """The format of a fact, as it is chosen now."""
        known = self._remembered_styles()
        own = known.get(target, "")
        for key, targets in STYLES.items():
            if target in targets and self[key]:
                # Others of the same kind follow, where nothing of their own was said.
                is_own = own and target != targets[0] and own != known.get(targets[0])
                return own if is_own else self[key]
        return "" if self._is_emptied(target) else own

    def _is_emptied(self, target):
        """Whether the answer that was the fact's format was taken back."""
        said = self.said or {}
        return any(
            target in targets and said.get(key) == "" for key, targets in STYLES.items()
        )

    def _said_words(self):
        words = (self.said or {}).get("words", {})
        return {word_key(word): direction for word, direction in words.items()}

    def _is_meant_otherwise(self):
        """Whether other columns were chosen since the file was looked at."""
        return self._column_meanings() != (self.shown or {}).get("columns")

    def _column_meanings(self):
        return [[column.name, column.target or ""] for column in self.column_ids]

    def _ask(self, frame, file_format, repeated):
        """Look at the records, and show what they leave open.

        :param frame: DataFrame of text columns
        :param file_format: ``connectors.formats.FileFormat``
        :param repeated: list of ``connectors.column_names.Repeated``
        """
        source, said = self.source_id, self.said or {}
        can_answer = source.has_access("write")
        self._set_as_program({"can_answer": can_answer, **self._known_answers()})
        settings = replace(self._trial_settings(), titles=file_format.titles)
        found = survey(
            frame,
            self._chosen_specs(),
            source.timezone,
            {**source._remembered_words(), **self._said_words()},
            settings.dial_plans[0][0] if source.record_kind == "call" else None,
            self._meter_unit(frame, settings),
            settings.column_names,
            settings.titles,
        )
        if count := without_direction(frame, settings):
            nothing = UnknownWord(EMPTY, count)
            found = replace(found, words=[*found.words, nothing])
        is_open = [
            finding
            for finding in found.findings
            if not finding.is_shown and said.get(finding.key) != finding.contradicts
        ]
        values = {f.key: f.value for f in found.findings if f.value}
        self._set_as_program(
            {
                **{key: values[key] for key in values if not said.get(key)},
                "word_ids": [Command.clear(), *self._prepare_words(found, said)],
            }
        )
        likely_words = {
            word_key(word.word): word.proposal for word in found.words if word.proposal
        }
        # With what was proposed just now.
        settings = self._trial_settings()
        settings = replace(
            settings,
            words={**likely_words, **settings.words},
            titles=file_format.titles,
        )
        trial, asks_payer = self._try(frame, said, settings)
        self._note_outcomes(trial.outcomes)
        whole = len(frame) < MOST_RECORDS
        questions = [
            *self._sheet_texts(file_format),
            *self._repeated_texts(frame.columns, repeated),
        ]
        questions += [self._question_text(finding) for finding in is_open]
        questions += self._word_texts(found)
        questions += self._unread_texts(frame, settings, found)
        if asks_payer:
            questions.append(self._payer_text())
        self._set_as_program(
            {
                "open_keys": [finding.key for finding in is_open],
                "asked": " ".join(
                    [
                        *(finding.key for finding in found.findings),
                        *(
                            key
                            for key in said
                            if said[key] and key in (*STYLES, "payer")
                        ),
                        *(["payer"] if asks_payer else []),
                    ]
                ),
                "questions": "\n".join(questions) or False,
                "assumptions": "\n".join(
                    [
                        *self._sheet_assumptions(file_format),
                        *(
                            self._assumption_text(finding)
                            for finding in found.findings
                            if finding.is_shown
                        ),
                    ]
                )
                or False,
                "warnings": "\n".join(self._warning_texts(found, said, whole)) or False,
                "customers": self._customers_text(trial),
            }
        )
        self._set_as_program(
            {
                "shown": {
                    "answers": {
                        **{key: self[key] or False for key in STYLES},
                        "payer": self._chosen_payer(),
                    },
                    "columns": self._column_meanings(),
                    "assumed": found.shown if can_answer else {},
                }
            }
        )

    def _known_answers(self):
        """What was said, or else what the source says."""
        said, known = dict(self.said or {}), self._remembered_styles()
        times = known.get("start_time", "")
        # An order and a format are two answers to one question.
        if said.get("date_order"):
            said["time_format"] = ""
        elif said.get("time_format"):
            said["date_order"] = ""
        answers = {
            "unit": known.get("seconds"),
            "date_order": times if times in DAY_ORDERS else "",
            "time_format": "" if times in (*DAY_ORDERS, "auto") else times,
            "decimal_sign": known.get("quantity"),
            "factor": self._remembered_factor(),
            "number_form": known.get("callee"),
        }
        return {key: said.get(key, answers[key] or "") or False for key in STYLES}

    def _trial_settings(self):
        """The source's settings with the columns and words that were chosen."""
        settings = self.source_id._load_settings()
        return replace(
            settings,
            columns=tuple(self._chosen_specs()),
            words={**settings.words, **self._said_words()},
        )

    def _try(self, frame, said, settings):
        """What the import would make of the first records, and who pays.

        :param settings: ``ingest.settings.ImportSettings``, with what is proposed
        :return: (``ingest.trial.Trial``, whether it has to be asked who pays)
        """
        frame = frame[:MOST_TRIED]
        payer = said.get("payer") or ("", "")
        trial = try_records(frame, self._with_payer(settings, payer))
        asks = bool(trial.unknown and not trial.looked) and not all(payer)
        if not all(payer):
            payer = ("", "")
            if asks:
                kinds = [kind for kind, _label in IDENTIFIER_KINDS]
                payer = likely_payer(frame, settings, kinds)
        column = self.column_ids.filtered(lambda one: one.name == payer[0])[:1]
        self._set_as_program(
            {"payer_column_id": column.id, "payer_kind": payer[1] or False}
        )
        return trial, asks

    def _with_payer(self, settings, payer):
        if not all(payer):
            return settings
        step = PayerStep(**self._prepare_payer(*payer))
        return replace(settings, steps=(*settings.steps, step))

    def _prepare_payer(self, name, kind):
        """Values of a payer step: of what the column means, where that can tell it."""
        column = self.column_ids.filtered(lambda one: one.name == name)[:1]
        is_fact = column.target in PAYER_FACTS and name == "+".join(
            self.column_ids.filtered(lambda o: o.target == column.target).mapped("name")
        )
        return {
            "column": "" if is_fact else name,
            "fact": column.target if is_fact else "",
            "kind": kind,
        }

    def _prepare_words(self, found, said):
        for unknown in found.words:
            yield Command.create(
                {
                    "word": unknown.word,
                    "count": unknown.records,
                    "direction": unknown.proposal or False,
                    "proposal": unknown.proposal or False,
                }
            )
        for word, direction in said.get("words", {}).items():
            yield Command.create(
                {
                    "word": word,
                    "direction": direction,
                    "proposal": likely_direction(word) or False,
                }
            )

    # === TEXTS === #

    def _label(self, key, value):
        labels = (
            {}
            if key in ("time_format", "factor")
            else dict(self._fields[key]._description_selection(self.env))
        )
        return labels.get(value, value)

    def _question_text(self, finding):
        """A question as a paragraph: what, how often, what is proposed."""
        values = {
            "examples": " · ".join(finding.examples),
            "count": finding.records,
            "said": self._label(finding.key, finding.contradicts),
        }
        if finding.contradicts:
            texts = {
                "unit": self.env._(
                    "Durations do not match the source setting %(said)s: "
                    "%(examples)s. Records: %(count)s.",
                    **values,
                ),
                "date_order": self.env._(
                    "Dates do not match the source setting %(said)s: %(examples)s. "
                    "Records: %(count)s.",
                    **values,
                ),
                "time_format": self.env._(
                    "Times do not match the source's time format %(said)s: "
                    "%(examples)s. Records: %(count)s.",
                    **values,
                ),
                "decimal_sign": self.env._(
                    "Quantities do not match the source's decimal separator %(said)s: "
                    "%(examples)s. Records: %(count)s.",
                    **values,
                ),
            }
        else:
            texts = {
                "unit": self.env._(
                    "What is the unit of durations such as %(examples)s? Records: "
                    "%(count)s.",
                    **values,
                ),
                "date_order": self.env._(
                    "Does the day or the month come first in dates such as "
                    "%(examples)s? Records: %(count)s.",
                    **values,
                ),
                "time_format": self.env._(
                    "What is the format of times such as %(examples)s? Records: "
                    "%(count)s.",
                    **values,
                ),
                "decimal_sign": self.env._(
                    "Is the decimal separator a point or a comma in quantities such "
                    "as %(examples)s? Records: %(count)s.",
                    **values,
                ),
                "factor": self.env._(
                    "The column name specifies a unit other than %(unit)s, the meter's "
                    "unit: %(examples)s. What are quantities multiplied by? Records: "
                    "%(count)s.",
                    unit=self.source_id.meter_id.unit or "",
                    **values,
                ),
                "number_form": self.env._(
                    "Called numbers such as %(examples)s can be numbers of %(country)s "
                    "or international ones without a +. Which are they? Records: "
                    "%(count)s.",
                    country=self.source_id.country_id.name,
                    **values,
                ),
            }
        parts = [texts[finding.key]]
        if finding.value:
            parts.append(
                self.env._(
                    "Proposed answer: %s.", self._label(finding.key, finding.value)
                )
            )
        return " ".join(parts)

    def _word_texts(self, found):
        if not found.words:
            return []
        return [
            self.env._(
                "Which direction do these words stand for: %(words)s? Records: "
                "%(count)s.",
                words=" · ".join(word.word for word in found.words[:4]),
                count=sum(word.records for word in found.words),
            )
        ]

    def _payer_text(self):
        text = self.env._(
            "Who pays for this usage? The customer lookup of the source finds no "
            "customer for any record in this file, so none would be charged."
        )
        if not self.payer_column_id:
            return text
        proposed = self.env._(
            "Proposed answer: %(column)s, as %(kind)s.",
            column=self.payer_column_id.name,
            kind=self._label("payer_kind", self.payer_kind),
        )
        return f"{text} {proposed}"

    def _assumption_text(self, finding):
        values = {
            "value": self._label(finding.key, finding.value),
            "examples": " · ".join(finding.examples),
        }
        if finding.key == "date_order":
            return self.env._("Dates: %(value)s, as in %(examples)s.", **values)
        if finding.key == "unit":
            return self.env._(
                "Durations: %(value)s, as the column name says; for example "
                "%(examples)s.",
                **values,
            )
        if finding.key == "number_form":
            return self.env._(
                "Numbers without prefix: %(value)s, as in %(examples)s, because the "
                "other numbers are.",
                **values,
            )
        return self.env._("Decimal separator: %(value)s, as in %(examples)s.", **values)

    def _warning_texts(self, found, said, whole):
        if found.ids.doubtful:
            yield self.env._(
                "Record IDs are not unique: %(repeated)s of %(records)s records share "
                "the ID of another record, for example %(examples)s. Choose a "
                "different column, or none.",
                repeated=found.ids.repeated,
                records=found.ids.records,
                examples=" · ".join(text for text, _count in found.ids.examples),
            )
        if found.clock_us:
            yield self.env._(
                "%(contradiction)s Check the time zone of the source.",
                contradiction=self.source_id._describe_clock(found.clock_us),
            )
        for finding in found.findings:
            if finding.contradicts and said.get(finding.key) == finding.contradicts:
                yield self._question_text(finding)
        if not whole:
            yield self.env._(
                "Only the first %s records were checked.",
                MOST_RECORDS,
            )

    def _customers_text(self, trial):
        charged = trial.found + trial.unknown
        if not charged:
            return False
        text = self.env._(
            "Of the first %(records)s records, %(charged)s are charged, and a "
            "customer was found for %(found)s of those.",
            records=trial.records,
            charged=charged,
            found=trial.found,
        )
        if not trial.nobody:
            return text
        describe = self.env["metered.exception"]._describe_identifier
        names = " · ".join(
            f"{describe(name, ())} ×{count}" for name, count in trial.nobody
        )
        return f"{text} {self.env._('No customer has %s.', names)}"

    def _proposed_facts(self):
        """Facts of the preview that are read as proposed, not as somebody said."""
        return [FACTS[key] for key in self.open_keys or () if self[key]]

    # === REMEMBERING === #

    def _remember_answers(self):
        """Write on the source what was said, and what the file shows."""
        if not self.can_answer:
            return
        source, said = self.source_id, self.said or {}
        assumed = (self.shown or {}).get("assumed", {})
        # What was only proposed is not remembered.
        self._set_as_program(
            {
                **self._known_answers(),
                **{key: assumed[key] for key in assumed if key not in said},
            }
        )
        styled = {target for targets in STYLES.values() for target in targets}
        changes = [
            Command.update(column.id, {"style": self._style_of(column.target)})
            for column in source.column_ids
            if column.target in styled
            and self._style_of(column.target) != (column.style or "")
        ]
        quantity = source.column_ids.filtered(lambda c: c.target == "quantity")[:1]
        if quantity and (self.factor or "") != (quantity.factor or ""):
            changes.append(Command.update(quantity.id, {"factor": self.factor}))
        if changes:
            source.column_ids = changes
        if said.get("words"):
            source._remember_words(said["words"])
        if said.get("payer"):
            step = self._prepare_payer(*said["payer"])
            source.payer_ids = [Command.create(step)]
        if said.get("sheet"):
            source.file_sheet = said["sheet"]
        if self._written() != self.detected_format:
            source._remember_file_format(self._written())


class MeteredImportWord(models.TransientModel):
    _name = "metered.import.word"
    _description = "Import File Direction Word"
    _inherit = ["metered.guarded"]
    _order = "wizard_id, count desc, id"

    wizard_id = fields.Many2one("metered.import", required=True, ondelete="cascade")
    word = fields.Char(readonly=True)
    count = fields.Integer(string="Records", readonly=True, aggregator=None)
    direction = fields.Selection(DIRECTION_NAMES, string="Meaning")
    proposal = fields.Char(readonly=True)
