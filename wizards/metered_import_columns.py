# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import pyarrow as pa
import pyarrow.compute as pc

from odoo import fields, models
from odoo.exceptions import UserError

from ..ingest.direction_columns import unread_directions
from ..ingest.directions import code_of
from ..ingest.likely_columns import likely_column
from ..ingest.mapping import repeated_names


class MeteredImport(models.TransientModel):
    """Columns that a file has several of with one name: which of them is meant."""

    _inherit = "metered.import"

    repeated = fields.Json(
        readonly=True,
        help="Names shared by several different columns, with the names shown for "
        "each column.",
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
            return {}
        specs = [self._spec(column) for column in self.source_id.column_ids]
        proposed = {}
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

    def _unread_texts(self, frame, settings):
        """The question about a column that plainly tells the direction."""
        name, texts, codes = unread_directions(frame, settings)
        usual = code_of(settings.default_direction)
        others = (codes >= 0) & (codes != usual) if name else None
        if not name or not others.any():
            return []
        return [
            self.env._(
                "The column %(name)s seems to contain the direction, as in "
                "%(examples)s. Choose Direction as its meaning, or Keep with the "
                "record if it is something else. Records: %(count)s.",
                name=name,
                examples=" · ".join(
                    pc.unique(texts.filter(pa.array(others)))[:4].to_pylist()
                ),
                count=int(others.sum()),
            )
        ]

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
