# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...connectors.account_change import METHODS, AccountChange
from ...connectors.errors import SourceSettingsError
from ..screen.actions import window_action

ADMINISTRATOR = "metered_billing.group_metered_administrator"
_HELP = "Relative to the address. {account} is replaced with the account."
_BODY = "JSON. {account} is replaced with the account. Leave empty for no body."


class MeteredSource(models.Model):
    """How accounts of a source are suspended when a cap is reached: off unless set."""

    _inherit = "metered.source"

    can_suspend = fields.Boolean(compute="_compute_can_suspend")
    suspends_accounts = fields.Boolean(
        string="Suspend Capped Accounts",
        copy=False,
        groups=ADMINISTRATOR,
        help="When a cap of an alert is reached, the accounts of the customer are "
        "suspended on the switch. They are resumed when the cap ends.",
    )
    suspend_method = fields.Selection(
        [(method, method) for method in METHODS],
        default="PUT",
        groups=ADMINISTRATOR,
    )
    suspend_path = fields.Char(groups=ADMINISTRATOR, help=_HELP)
    suspend_body = fields.Text(groups=ADMINISTRATOR, help=_BODY)
    resume_method = fields.Selection(
        [(method, method) for method in METHODS],
        default="PUT",
        groups=ADMINISTRATOR,
    )
    resume_path = fields.Char(groups=ADMINISTRATOR, help=_HELP)
    resume_body = fields.Text(groups=ADMINISTRATOR, help=_BODY)

    @api.depends("source_type")
    def _compute_can_suspend(self):
        for source in self:
            source.can_suspend = source._kind().changes_accounts

    @api.constrains(
        "source_type",
        "suspends_accounts",
        "suspend_method",
        "suspend_path",
        "suspend_body",
        "resume_method",
        "resume_path",
        "resume_body",
    )
    def _check_suspending(self):
        for source in self.sudo().filtered("suspends_accounts"):
            if not source.can_suspend:
                raise ValidationError(
                    source.env._(
                        "Accounts on %s cannot be suspended, because it is not asked "
                        "over HTTP. Turn off Suspend Capped Accounts.",
                        source.name,
                    )
                )
            for action in ("suspend", "resume"):
                try:
                    source._account_change(action).of("account")
                except SourceSettingsError as error:
                    raise ValidationError(
                        source.env._(
                            "Suspending accounts on %(name)s: %(error)s",
                            name=source.name,
                            error=error,
                        )
                    ) from error

    def _account_change(self, action):
        """The request that changes an account.

        :param str action: ``suspend`` or ``resume``
        :return: :class:`~..connectors.account_change.AccountChange`
        """
        self.ensure_one()
        return AccountChange(
            self[f"{action}_method"] or "",
            self[f"{action}_path"] or "",
            self[f"{action}_body"] or "",
        )

    def action_view_account_actions(self):
        """Open what was suspended and resumed on this source."""
        return window_action(
            self.env,
            "action_metered_account_action",
            [("source_id", "in", self.ids)],
            context={},
        )
