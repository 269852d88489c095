# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models

from ...connectors.standard_webhooks import new_secret

#: hours that messages are signed with a replaced secret, too
OVERLAP_HOURS = 24


class MeteredWebhookSecret(models.Model):
    """What messages to one address are signed with.

    Nobody has access rights: it is shown once, when it is made.
    """

    _name = "metered.webhook.secret"
    _description = "Webhook Secret"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    webhook_id = fields.Many2one(
        "metered.webhook", required=True, ondelete="cascade", index=True
    )
    value = fields.Char(required=True)
    valid_until = fields.Datetime(help="Leave empty for the current secret.")

    @api.autovacuum
    def _gc_replaced(self):
        self.search([("valid_until", "<", fields.Datetime.now())]).unlink()


class MeteredWebhookSecretShow(models.AbstractModel):
    """The dialog that shows a new secret once: there is no table to keep it in."""

    _name = "metered.webhook.secret.show"
    _description = "New Secret"

    id = fields.Id()
    secret = fields.Char(readonly=True)


class MeteredWebhook(models.Model):
    _inherit = "metered.webhook"

    has_secret = fields.Boolean(compute="_compute_has_secret")

    def _compute_has_secret(self):
        for webhook in self:
            webhook.has_secret = bool(webhook._signing_secrets())

    def action_new_secret(self):
        """Make a secret, and show it this once. The one before holds for a day."""
        self.ensure_one()
        return self.env["metered.webhook.secret.show"]._get_records_action(
            name=self.env._("New Secret"),
            target="new",
            context={"default_secret": self._new_secret()},
        )

    def _new_secret(self):
        """Replace the secret.

        :return: text; it is not shown again
        """
        self.ensure_one()
        self.check_access("write")
        webhook = self.sudo()
        webhook.lock_for_update(allow_referencing=True)
        kept = self.env["metered.webhook.secret"].sudo()
        last = fields.Datetime.now() + timedelta(hours=OVERLAP_HOURS)
        in_use = kept.search(
            [("webhook_id", "=", self.id), ("valid_until", "=", False)]
        )
        in_use.valid_until = last
        secret = new_secret()
        kept.create({"webhook_id": self.id, "value": secret})
        self._message_log(body=self.env._("A new secret was created."))
        self.env["metered.webhook.delivery"]._send_soon()
        return secret

    def _signing_secrets(self):
        """The secrets that messages are signed with now, the newest first.

        :return: list of text
        """
        self.ensure_one()
        secrets = self.env["metered.webhook.secret"].sudo()
        return secrets.search(
            [
                ("webhook_id", "=", self._origin.id),
                "|",
                ("valid_until", "=", False),
                ("valid_until", ">", fields.Datetime.now()),
            ]
        ).mapped("value")
