# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...connectors.checks import Check
from .metered_source_checks import GAPS


class MeteredSource(models.Model):
    """Whether all records are here, among the checks of a source and a customer."""

    _inherit = "metered.source"

    def _check_complete(self, accounts=None):
        """Whether any day lacks records; nothing where none was ever compared.

        :param accounts: only of these ``metered.source.account``; None: of all
        """
        name = self.env._("Complete")
        days, _accounts, _missing, _newest = gaps = self._gaps(accounts)
        if days:
            remedy = self.env._("Show these days, to fetch them again")
            return [Check(name, False, self._describe_gaps(gaps), remedy, GAPS)]
        if self.env["metered.completeness"].search(
            [*self._compared_domain(accounts), ("is_counted", "=", True)], limit=1
        ):
            detail = self.env._("As many records as the switch counts.")
            return [Check(name, True, detail)]
        return []

    def _action_gaps(self, accounts=None):
        """Open the days on which records are missing."""
        action = self.action_view_completeness()
        action["domain"] = self._compared_domain(accounts)
        action["context"] = {"search_default_gaps": 1}
        return action


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _metered_check_complete(self, source):
        """Whether this customer's days are; nothing of files that are uploaded."""
        if not source.is_connected:
            return []
        return source._check_complete(self._metered_gap_accounts(source))

    def _metered_gap_accounts(self, source):
        """This customer's accounts; None where the source has none."""
        return self._metered_accounts(source) if source._needs_account() else None

    def _metered_open_gaps(self, source):
        return source._action_gaps(self._metered_gap_accounts(source))
