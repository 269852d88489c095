# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError


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

    def action_preview(self):
        """Try the file on the golden calls, too."""
        action = super().action_preview()
        self.write({"golden": self._try_on_golden(), "golden_confirmed": False})
        return action

    def action_apply(self):
        """Refuse to alter golden calls unless somebody has confirmed it."""
        self.ensure_one()
        if not self.golden_confirmed:
            altered = self._try_on_golden()
            if altered:
                raise UserError(
                    self.env._(
                        "These rates alter golden calls:\n%s\nTick that they may "
                        "change their price, or change the file.",
                        altered,
                    )
                )
        return super().action_apply()

    def _try_on_golden(self):
        """What the file alters of the golden calls, as text; nothing stays written."""
        calls = self.env["metered.golden.call"].search(
            [("company_id", "=", self.deck_id.company_id.id)]
        )
        _rows, changes, problems = self._read()
        if not calls or problems:
            return False
        day = max(
            self.date_from or fields.Date.context_today(self),
            fields.Date.context_today(self),
        )
        before = calls._verdicts(day)
        after = {}
        try:
            with self.env.cr.savepoint():
                deck = self.deck_id.with_context(metered_no_cure=True)
                version = self.env["metered.rate.deck.version"].create(
                    {"deck_id": deck.id, "file_name": self.file_name or "-"}
                )
                deck._apply_changes(changes, version)
                after = calls._verdicts(day)
                raise _Undo
        except _Undo:
            self.env.invalidate_all()
        return "\n".join(calls._altered(before, after)) or False
