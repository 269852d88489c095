# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import date

from odoo import fields, models
from odoo.exceptions import UserError

from ..deck_files.changes import ALWAYS, OPEN
from ..models.exception.metered_cure import NO_CURE

#: days on which golden calls are tried at most, where rates of a file hold from many
MOST_DAYS = 10


class _Undo(Exception):
    """Takes back what was only tried."""


class MeteredDeckImport(models.TransientModel):
    """Golden calls that a file of rates alters: shown, and refused unless confirmed."""

    _inherit = "metered.deck.import"

    golden = fields.Text(
        string="Golden Calls Altered",
        readonly=True,
        help="Calls whose price was agreed, with what they cost before and then.",
    )
    golden_confirmed = fields.Boolean(
        string="These calls may change their price",
        help="The rates are not applied without it.",
    )

    def _look_at_golden(self):
        """Try the file on the golden calls, too."""
        self._set_as_program(
            {"golden": self._try_on_golden(), "golden_confirmed": False}
        )

    def _confirmed_golden(self):
        """The golden calls that the file alters; see :meth:`_golden_alterations`.

        :raises UserError: nobody has confirmed that they may change
        """
        altered = self._golden_alterations()
        if altered and not self.golden_confirmed:
            raise UserError(
                self.env._(
                    "These rates alter golden calls:\n%s\nTick that they may "
                    "change their price, or change the file.",
                    "\n".join(altered.values()),
                )
            )
        return altered

    def _note_golden(self, altered):
        """Note on golden calls that they were altered by the file.

        :param altered: dict golden call -> line of text
        """
        reason = self.env._(
            "Rates were imported from %(file)s into %(deck)s.",
            file=self.file_name or "-",
            deck=self.deck_id.name,
        )
        for call, line in altered.items():
            call._note_confirmed(line, reason)

    def _try_on_golden(self):
        """What the file alters of the golden calls, as text; nothing stays written."""
        return "\n".join(self._golden_alterations().values()) or False

    def _golden_alterations(self):
        """What the file alters: dict golden call -> line of text."""
        calls = (
            self.env["metered.golden.call"]
            .search(
                [("company_id", "=", self.deck_id.company_id.id), ("kind", "=", "call")]
            )
            .filtered(lambda call: self.deck_id in call._decks())
        )
        if not calls:
            return {}
        _rows, changes, problems = self._read()
        if problems:
            return {}
        days = self._golden_days(changes)
        before = {day: calls._verdicts(day) for day in days}
        after = {}
        try:
            with self.env.cr.savepoint(), NO_CURE.said():
                deck = self.deck_id
                version = deck.version_ids.sudo().create(
                    {"deck_id": deck.id, "file_name": self.file_name or "-"}
                )
                deck._apply_changes(changes, version)
                after = {day: calls._verdicts(day) for day in days}
                raise _Undo
        except _Undo:
            self.env.invalidate_all()
        return calls._alterations(before, after)

    def _golden_days(self, changes):
        """Today, and the next days from which rates of the file hold.

        :param changes: ``deck_files.changes.Changes``
        """
        today = fields.Date.context_today(self)
        later = {
            *changes.added["day"].tolist(),
            *changes.ends["day"].tolist(),
        } - {ALWAYS, OPEN}
        later = sorted(day for day in later if day > today.toordinal())
        return [today, *map(date.fromordinal, later[:MOST_DAYS])]
