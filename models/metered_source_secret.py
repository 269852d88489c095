# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import fields, models

from ..connectors.credentials import ENVIRONMENT

#: what is shown instead of a credential that is set
MASK = "••••••••"
ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: fields of a source that are credentials
SECRETS = ("api_key", "password", "client_secret", "private_key", "push_token")


class MeteredSourceSecret(models.Model):
    """A credential of a source.

    Nobody has access rights: only the server itself reads it, to connect. The fields
    of the source take a credential in and never give it out.
    """

    _name = "metered.source.secret"
    _description = "Source Credential"
    _inherit = ["metered.guarded"]
    _log_access = False

    source_id = fields.Many2one("metered.source", required=True, ondelete="cascade")
    name = fields.Char(required=True)
    value = fields.Char(required=True)

    _name_uniq = models.UniqueIndex("(source_id, name)")


class MeteredSource(models.Model):
    """Credentials of a source: taken in, and never given out."""

    _inherit = "metered.source"

    api_key = fields.Char(
        string="API Key",
        compute="_compute_secrets",
        inverse="_inverse_api_key",
        groups=ADMINISTRATOR,
        help="It is never shown again. env:METERED_NAME takes it from that environment "
        "variable of the server.",
    )
    password = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_password",
        groups=ADMINISTRATOR,
        help="It is never shown again. env:METERED_NAME takes it from that environment "
        "variable of the server.",
    )
    client_secret = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_client_secret",
        groups=ADMINISTRATOR,
        help="It is never shown again. env:METERED_NAME takes it from that environment "
        "variable of the server.",
    )
    private_key = fields.Text(
        compute="_compute_secrets",
        inverse="_inverse_private_key",
        groups=ADMINISTRATOR,
        help="The private SSH key in OpenSSH's form, without a passphrase. It is never "
        "shown again. env:METERED_NAME takes it from that environment variable.",
    )
    push_token = fields.Char(
        string="Token",
        compute="_compute_secrets",
        inverse="_inverse_push_token",
        groups=ADMINISTRATOR,
        help="The switch sends it with every record, as bearer token or as the "
        "password of basic authentication. It is never shown again. "
        "env:METERED_NAME takes it from that environment variable of the server.",
    )

    def _compute_secrets(self):
        """A mask where a credential is set; names of environment variables are none."""
        known = {
            (secret.source_id.id, secret.name): secret.value
            for secret in self.env["metered.source.secret"]
            .sudo()
            .search([("source_id", "in", self.ids)])
        }
        for source in self:
            for name in SECRETS:
                value = known.get((source._origin.id, name)) or ""
                shown = value if value.startswith(ENVIRONMENT) else value and MASK
                source[name] = shown or False

    def _inverse_api_key(self):
        self._keep_secrets("api_key")

    def _inverse_password(self):
        self._keep_secrets("password")

    def _inverse_client_secret(self):
        self._keep_secrets("client_secret")

    def _inverse_private_key(self):
        self._keep_secrets("private_key")

    def _inverse_push_token(self):
        self._keep_secrets("push_token")

    def _keep_secrets(self, name):
        """Store what was entered; the mask itself changes nothing."""
        for source in self:
            value = (source[name] or "").strip()
            if value != MASK:
                source._set_secret(name, value)
        self.invalidate_recordset([name], flush=False)

    def _set_secret(self, name, value):
        """Store a credential; an empty one is removed.

        :param str name: one of :data:`SECRETS`
        """
        self.ensure_one()
        secrets = self.env["metered.source.secret"].sudo()
        known = secrets.search([("source_id", "=", self.id), ("name", "=", name)])
        if not value:
            known.unlink()
        elif known:
            known.value = value
        else:
            secrets.create({"source_id": self.id, "name": name, "value": value})

    def _get_secrets(self):
        """The credentials, for whoever connects; they must not leave the server.

        :return: dict name -> text, possibly env:NAME
        """
        self.ensure_one()
        secrets = self.env["metered.source.secret"].sudo()
        found = secrets.search([("source_id", "=", self.id)])
        return {secret.name: secret.value for secret in found}
