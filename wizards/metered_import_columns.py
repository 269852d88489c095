# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import pyarrow as pa
import pyarrow.compute as pc

from odoo import fields, models
from odoo.exceptions import UserError

from ..ingest.answered import unread_answered
from ..ingest.direction_columns import unread_directions
from ..ingest.directions import code_of
from ..ingest.extract import column
from ..ingest.likely_columns import likely_column
from ..ingest.mapping import read_target, repeated_names
from ..ingest.record_kinds import unread_kinds
from ..ingest.survey import MOST_EXAMPLES
from ..ingest.told_zone import TITLE
from ..ingest.unread_quantity import unread_quantity


class MeteredImport(models.TransientModel):
    """What columns mean: several of one name, and some that are not read."""

    _inherit = "metered.import"

    repeated = fields.Json(
        readonly=True,
        help="Names shared by several different columns, with the names shown for "
        "each column.",
    )
    proposed = fields.Json(
        readonly=True,
        help="Columns not used by the source, with the proposed meaning of each.",
    )

    def _open_names(self, names):
        """The facts whose column is one of several.

        :param names: of the file's columns
        :return: list of (``metered.source.column`` spec, tuple of names)
        """
        specs = [self._spec(column) for column in self.source_id.column_ids]
        return repeated_names(specs, names, self.repeated or {})

    def _propose_columns(self, frame):
        """What of several columns with one name is likely meant.

        :return: dict column -> fact; empty where the user cannot answer
        """
        if not self.source_id.has_access("write"):
            self._set_as_program({"proposed": False})
            return {}
        specs = [self._spec(column) for column in self.source_id.column_ids]
        name, _texts, _unanswered = unread_answered(
            frame, self.source_id._load_settings()
        )
        proposed = {name: "answered"} if name else {}
        self._set_as_program({"proposed": {**proposed}})
        for spec, several in self._open_names(frame.columns):
            for part in spec.resolve({*frame.columns, *self.repeated}):
                if part in several:
                    part = likely_column(
                        frame, specs, spec, self.repeated[part], self.source_id.timezone
                    )
                proposed.setdefault(part, spec.target)
        return proposed

    def _repeated_texts(self, names, found):
        """The questions about columns of one name.

        :param names: of the file's columns
        :param found: list of ``connectors.column_names.Repeated``
        """
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        said = (self.said or {}).get("repeated", [])
        for spec, several in self._open_names(names):
            for one in found:
                if one.name not in several or one.name in said:
                    continue
                yield self.env._(
                    "Several columns are named %(name)s. Which of %(columns)s is the "
                    "%(fact)s? Their values differ, for example %(examples)s. "
                    "Records: %(count)s.",
                    name=one.name,
                    columns=", ".join(one.columns),
                    fact=labels[spec.target].lower(),
                    examples=" · ".join(one.examples),
                    count=one.records,
                )
                chosen = self.column_ids.filtered(
                    lambda c, one=one, spec=spec: (
                        c.name in one.columns and c.target == spec.target
                    )
                )
                if chosen:
                    yield self.env._("Proposed: %s.", chosen[0].name)

    def _check_repeated_said(self):
        """Refuse to import by a column that was only proposed."""
        said = (self.said or {}).get("repeated", [])
        opened = self._open_names(self.column_ids.mapped("name"))
        names = [name for _spec, several in opened for name in several]
        left = [name for name in dict.fromkeys(names) if name not in said]
        if left and self.can_answer:
            raise UserError(
                self.env._(
                    "Several columns are named %s. Choose the meaning of each below, "
                    "and click Use These Answers.",
                    ", ".join(left),
                )
            )

    def _drop_proposed(self):
        """Forget what was only proposed of columns: their records wait."""
        agreed = (self.said or {}).get("proposed", [])
        is_as_shown = not self._is_meant_otherwise()
        for name, target in (self.proposed or {}).items():
            chosen = self.column_ids.filtered(lambda c, n=name: c.name == n)
            if name not in agreed and chosen.target == target:
                chosen.target = False
        if is_as_shown:
            shown = {**(self.shown or {}), "columns": self._column_meanings()}
            self._set_as_program({"shown": shown})

    def _unread_texts(self, frame, settings, found):
        """The questions about columns that are not read, and say what others mean.

        :param found: ``ingest.survey.Survey``
        """
        yield from self._direction_texts(frame, settings)
        yield from self._answered_texts(frame)
        if found.shorter:
            name, chosen, count = found.shorter
            yield self.env._(
                "The column %(name)s has shorter durations than %(chosen)s. Which one "
                "is charged? Choose it as the chargeable seconds, and the other one "
                "as the total duration. Records: %(count)s.",
                name=name,
                chosen=chosen,
                count=count,
            )
        if found.zone.startswith(TITLE):
            yield self.env._(
                "The file specifies a time zone above the columns, but times without "
                "an offset are read in %(zone)s: %(titles)s. Change the time zone of "
                "the source.",
                zone=self.source_id.timezone,
                titles=found.zone.removeprefix(TITLE),
            )
        elif found.zone:
            yield self.env._(
                "The column %(column)s specifies a time zone, but times without an "
                "offset are read in %(zone)s. Change the time zone of the source, or "
                "choose Keep with the record for a column that means something else.",
                column=found.zone,
                zone=self.source_id.timezone,
            )
        yield from self._kind_texts(frame, settings)
        yield from self._uncounted_texts(frame, settings)

    def _kind_texts(self, frame, settings):
        """The question about a column that says that some records are no calls."""
        name, texts, others = unread_kinds(frame, settings)
        if not name:
            return
        yield self.env._(
            "The column %(name)s seems to say that some records are not calls to be "
            "charged: %(examples)s. Add a charging rule for them to the source, or "
            "choose Keep with the record if they are charged. Records: %(count)s.",
            name=name,
            examples=" · ".join(
                pc.unique(texts.filter(pa.array(others)))[:MOST_EXAMPLES].to_pylist()
            ),
            count=int(others.sum()),
        )

    def _answered_texts(self, frame):
        """The question about a column that tells whether calls were answered."""
        said = (self.said or {}).get("proposed", [])
        for name, target in (self.proposed or {}).items():
            chosen = self.column_ids.filtered(lambda c, n=name: c.name == n)
            if name in said or chosen.target != target:
                continue
            words = pc.unique(pc.utf8_trim_whitespace(column(frame, name))).to_pylist()
            yield self.env._(
                "The column %(name)s shows whether calls were answered: %(examples)s. "
                "Calls that were not answered then have 0 chargeable seconds. "
                "Proposed answer: Answered or not.",
                name=name,
                examples=" · ".join(words[:MOST_EXAMPLES]),
            )

    def _uncounted_texts(self, frame, settings):
        """The question about a column that may be the quantity."""
        texts, _spec = read_target(frame, settings.columns, "quantity")
        if settings.record_kind != "usage" or texts is not None:
            return
        name, texts = unread_quantity(frame, settings)
        counts = settings.default_meter_id in settings.counting_meters
        if name and not counts:
            yield self.env._(
                "No column is the quantity, so each record would count as 1. The "
                "column %(name)s has numbers: %(examples)s. Choose Quantity as its "
                "meaning, or Keep with the record if it is something else. Records: "
                "%(count)s.",
                name=name,
                examples=" · ".join(pc.unique(texts).to_pylist()[:MOST_EXAMPLES]),
                count=len(frame),
            )

    def _direction_texts(self, frame, settings):
        """The question about a column that plainly tells the direction."""
        name, texts, codes = unread_directions(frame, settings)
        usual = code_of(settings.default_direction)
        others = (codes >= 0) & (codes != usual) if name else None
        if not name or not others.any():
            return
        yield self.env._(
            "The column %(name)s seems to contain the direction, as in "
            "%(examples)s. Choose Direction as its meaning, or Keep with the "
            "record if it is something else. Records: %(count)s.",
            name=name,
            examples=" · ".join(
                pc.unique(texts.filter(pa.array(others)))[:MOST_EXAMPLES].to_pylist()
            ),
            count=int(others.sum()),
        )

    def _remembered_name(self, columns):
        """What the source remembers: these columns, or those of their plain names."""
        joined = self._joined(columns)
        plain = {
            column: name
            for name, several in (self.repeated or {}).items()
            for column in several
        }
        parts = joined.split("+")
        if not any(part in plain for part in parts):
            return joined
        return f"{joined},{'+'.join(plain.get(part, part) for part in parts)}"
