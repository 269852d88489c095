# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..ingest.survey import STYLES
from ..models.exception.metered_exception import same_value
from ..rating.exact import exact


class MeteredImport(models.TransientModel):
    """What would become of a file's first records: who pays, how much, or why not."""

    _inherit = "metered.import"

    outcomes = fields.Json(
        readonly=True,
        help="What would become of the first records, as of the last preview.",
    )

    def _note_outcomes(self, outcomes):
        """Keep them as the preview shows them.

        :param outcomes: list of ``ingest.trial.Outcome``
        """
        self._set_as_program(
            {"outcomes": [self._show_outcome(one) for one in outcomes]}
        )

    def _known_outcomes(self):
        """What was tried; nothing where the columns or answers are others now."""
        shown = (self.shown or {}).get("answers", {})
        is_other = any((self[key] or False) != shown.get(key, False) for key in STYLES)
        if is_other or self._is_meant_otherwise():
            return []
        return self.outcomes or []

    def _show_outcome(self, outcome):
        """dict of ``customer``, ``charge``, ``note`` and ``why``, False for nothing."""
        partner = self.env["res.partner"].browse(outcome.partner_id)
        shown = {
            "customer": partner.display_name if partner else False,
            "charge": False,
            "note": False,
            "why": False,
            "is_wrong": outcome.state == "exception",
        }
        if outcome.state == "rated":
            shown["charge"] = (
                self.env._("When invoiced")
                if outcome.charge is None
                else self._show_charge(outcome)
            )
        elif outcome.state == "duplicate":
            shown["note"] = self.env._("Duplicate")
            shown["why"] = self.env._("The same record appears earlier in the file.")
        elif outcome.state == "not_billable":
            rule = self.env["metered.source.rule"].browse(outcome.rule_id)
            shown["note"] = self.env._("Not charged")
            shown["why"] = rule.name if rule else False
        else:
            shown.update(self._show_exception(outcome))
        return shown

    def _show_charge(self, outcome):
        currency = self.env["res.currency"].browse(outcome.currency_id)
        number = self.env["metered.explanation"]._number(exact(outcome.charge))
        return f"{number} {currency.name}"

    def _show_exception(self, outcome):
        exception = self.env["metered.exception"].new(
            {
                "reason": outcome.reason,
                "detail": outcome.detail,
                "rule_id": outcome.rule_id or False,
            }
        )
        labels = dict(exception._fields["reason"]._description_selection(self.env))
        kinds = same_value(outcome.detail, list(outcome.tried))
        return {
            "note": labels[outcome.reason],
            "why": exception._describe(kinds),
        }
