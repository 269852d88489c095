# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models
from odoo.exceptions import UserError

from ..ingest.tried_rates import last_day
from ..models.screen.actions import window_action


class MeteredRateDeck(models.Model):
    """A deck checked against golden calls and the last month, in one screen."""

    _inherit = "metered.rate.deck"

    def action_check(self):
        """Ask which days to try the deck on."""
        self.ensure_one()
        return self._check_action({"default_rates_day": self._planned_day()})

    def _check_action(self, context):
        """The form that asks for the days.

        :param context: further default values
        """
        in_use = self._is_in_use()
        return window_action(
            self.env,
            "action_metered_simulation_start",
            name=self.env._("Check Rate Deck"),
            context={
                "default_kind": "what_if",
                "default_company_id": self.company_id.id,
                "default_deck_id": self.id,
                # A deck that customers have is tried on these.
                "default_replaces_id": self.id if in_use else False,
                "metered_check": True,
                **context,
            },
        )

    def _is_in_use(self):
        """Whether a customer, a group or the company has the deck."""
        self.ensure_one()
        company = self.company_id
        partners = self.env["res.partner"].sudo().with_company(company)
        groups = self.env["metered.customer.group"].sudo().with_company(company)
        return bool(
            company.sudo().metered_deck_id == self
            or partners.search_count([("metered_deck_id", "=", self.id)], limit=1)
            or groups.search_count([("deck_id", "=", self.id)], limit=1)
        )

    def _planned_day(self):
        """The day from which all rates hold that are planned; today if none is."""
        self.ensure_one()
        today = fields.Date.context_today(self)
        [[latest]] = self.env["metered.rate"]._read_group(
            [("deck_id", "=", self.id)], [], ["date_from:max"]
        )
        return max(today, latest or today)


class MeteredDeckImport(models.TransientModel):
    """A file of rates checked before it is applied."""

    _inherit = "metered.deck.import"

    def action_check(self):
        """Try the deck as the file would make it; nothing is applied."""
        self.ensure_one()
        self._check_shown()
        _reading, changes, problems = self._read()
        if problems:
            raise UserError(
                self.env._(
                    "Some rows of the file are wrong. Fix them and upload "
                    "the file again."
                )
            )
        day = last_day(changes) or fields.Date.context_today(self)
        return self.deck_id._check_action(
            {
                "default_import_id": self.id,
                "default_rates_day": max(day, fields.Date.context_today(self)),
            }
        )


class MeteredWhatIf(models.Model):
    """From a file that was checked on to its import."""

    _inherit = "metered.simulation"

    def action_apply_file(self):
        """Open the import of the file that was tried, with its preview."""
        self.ensure_one()
        self.deck_id.check_access("write")
        if not self.file_id:
            raise UserError(self.env._("There is no file to apply."))
        self.sudo().file_id._metered_check()
        wizard = self.env["metered.deck.import"].create(
            {
                "deck_id": self.deck_id.id,
                "file": self.sudo().file_id.datas,
                "file_name": self.file_name,
                "date_from": self.file_date_from,
                "date_order": self.file_date_order,
                "whole": "whole" if self.file_whole else "changes",
            }
        )
        wizard._set_as_program({"choices": self.file_choices})
        return wizard.action_preview()
