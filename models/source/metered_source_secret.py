# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import AccessError

from ...connectors.credentials import ENVIRONMENT
from ...connectors.web_address import server_of
from ...ingest.aside import Aside

#: said while something goes with the server that it was for: nothing else does by that
LEAVING = Aside("metered_leaving_server")
#: what is shown instead of a credential that is set
MASK = "••••••••"
ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: fields of a source that are credentials
SECRETS = ("api_key", "password", "client_secret", "private_key", "kafka_key")
#: who a source's credentials were given for: another server, or another user there,
#: gets none of them
GIVEN_FOR = (
    "company_id",
    "source_type",
    "address",
    "http_token_address",
    "host",
    "port",
    "database",
    "sslmode",
    "ssl_authority",
    "username",
    "client_id",
    "store_kind",
    "store_code",
    "store_region",
    "store_host_key",
    "kafka_brokers",
    "kafka_security",
)
#: of these the first one only says how the same server is known
FIRST_OF = ("store_host_key", "ssl_authority")
#: of these only the server counts
ADDRESSES = frozenset({"address", "http_token_address"})


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
    """Credentials of a source: taken in, and never given out.

    They stay with the server that they were given for. Whoever may set up a source
    could otherwise have them sent to a server of his own, and read them there.
    """

    _inherit = "metered.source"

    api_key = fields.Char(
        string="API Key",
        compute="_compute_secrets",
        inverse="_inverse_api_key",
        groups=ADMINISTRATOR,
        help="For security, the value is not shown again. An administrator with "
        "access to Settings can enter env:METERED_NAME to read it from that "
        "environment variable.",
    )
    password = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_password",
        groups=ADMINISTRATOR,
        help="For security, the value is not shown again. An administrator with "
        "access to Settings can enter env:METERED_NAME to read it from that "
        "environment variable.",
    )
    client_secret = fields.Char(
        compute="_compute_secrets",
        inverse="_inverse_client_secret",
        groups=ADMINISTRATOR,
        help="For security, the value is not shown again. An administrator with "
        "access to Settings can enter env:METERED_NAME to read it from that "
        "environment variable.",
    )
    private_key = fields.Text(
        compute="_compute_secrets",
        inverse="_inverse_private_key",
        groups=ADMINISTRATOR,
        help="The private SSH key in OpenSSH format, without a passphrase. For "
        "security, it is not shown again. An administrator with access to "
        "Settings can enter env:METERED_NAME to read it from that environment "
        "variable.",
    )
    secrets_forgotten = fields.Json(
        readonly=True,
        copy=False,
        groups=ADMINISTRATOR,
        help="Credentials that have to be entered again.",
    )
    secrets_note = fields.Char(compute="_compute_secrets_note", groups=ADMINISTRATOR)

    @api.depends("secrets_forgotten")
    def _compute_secrets_note(self):
        for source in self:
            names = source.secrets_forgotten
            source.secrets_note = names and self._enter_again(names)

    def _enter_again(self, names):
        return self.env._(
            "Enter this again because the server or its user has changed: %s",
            ", ".join(self._field_label(name) for name in names),
        )

    def _field_label(self, name):
        return self._fields[name]._description_string(self.env)

    def write(self, vals):
        """Forget credentials, and what else holds for one server, with the server."""
        self._check_environment_names([vals])
        if vals.keys().isdisjoint(GIVEN_FOR) or LEAVING.heard():
            return super().write(vals)
        before = {source: source._given_for() for source in self}
        result = super().write(vals)
        for source, places in before.items():
            now = source._given_for()
            changed = _changed_places(places, now)
            if changed:
                source._forget(changed, vals)
        return result

    def _given_for(self):
        """Whom the credentials are for.

        :return: dict field -> value that is the same for the same server
        """
        source = self.sudo()
        values = {}
        for name in GIVEN_FOR:
            value = source[name]
            if name in ADDRESSES:
                value = _server(value)
            elif isinstance(value, models.BaseModel):
                value = value._origin.id
            values[name] = value or False
        return values

    def _forget(self, changed, vals):
        """Remove what was given for another server.

        :param changed: names of the fields that say so
        :param vals: what was written with them: credentials among these are new
        """
        source = self.sudo()
        given = {
            name for name in vals if vals[name] and str(vals[name]).strip() != MASK
        }
        lost = [name for name in source._get_secrets() if name not in given]
        for name in lost:
            source._set_secret(name, "")
        values = {"tested": False, "test_result": False}
        for name in self._text_fields():
            text = source[name]
            if name not in given and text and text.strip().startswith(ENVIRONMENT):
                values[name] = False
        if source.ssl_authority and "ssl_authority" not in given | changed:
            # Not by this model's own: what was given with the new server stays.
            source._leave_authority()
        if source.allowed_networks and not self._is_of_system():
            values["allowed_networks"] = False
        if changed & {"company_id", "source_type"}:
            source.token_ids.action_remove()
        if lost:
            values["secrets_forgotten"] = sorted(
                {*lost, *(source.secrets_forgotten or [])}
            )
        source.write(values)

    def _leave_authority(self):
        """Remove what the former server's certificate had to come from."""
        with LEAVING.said():
            self.write({"ssl_authority": False})

    def _is_of_system(self):
        """Whether the user is one who may change the settings of this Odoo."""
        return self.env.su or self.env.user.has_group("base.group_system")

    @api.model
    def _text_fields(self):
        """Texts that a connector may take for the name of an environment variable."""
        return [
            name
            for name, field in self._fields.items()
            if field.type in ("char", "text") and field.store
        ]

    @api.model
    def _check_environment_names(self, vals_list):
        """Names of environment variables are entered by who runs this Odoo.

        Their values are this server's: any company's source could have them sent to a
        server of its own.
        """
        if self._is_of_system():
            return
        for vals in vals_list:
            for name, value in vals.items():
                if isinstance(value, str) and value.strip().startswith(ENVIRONMENT):
                    raise AccessError(
                        self.env._(
                            "%(field)s: only an administrator with access to Settings "
                            "can read it from the server's environment.",
                            field=self._field_label(name),
                        )
                    )

    @api.onchange(*GIVEN_FOR)
    def _onchange_given_for(self):
        """Say at once that the credentials have to be entered again."""
        saved = self._origin
        if not saved or not _changed_places(saved._given_for(), self._given_for()):
            return None
        lost = [name for name in SECRETS if self[name] and self[name] == saved[name]]
        if not lost:
            return None
        self.update(dict.fromkeys(lost, False))
        return {
            "warning": {
                "title": self.env._("Server Changed"),
                "message": self._enter_again(lost),
            }
        }

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
        if value != (known.value or ""):
            self._message_log(
                body=self.env._(
                    "%(field)s: %(before)s → %(after)s",
                    field=self._field_label(name),
                    before=MASK if known else self.env._("none"),
                    after=MASK if value else self.env._("none"),
                )
            )
        left = [lost for lost in self.sudo().secrets_forgotten or [] if lost != name]
        if value and left != (self.sudo().secrets_forgotten or []):
            self.sudo().secrets_forgotten = left or False
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


def _changed_places(before, now):
    """Names of the fields that say that credentials are for another server or user.

    :param before, now: as of ``_given_for``
    """
    changed = {name for name in GIVEN_FOR if now[name] != before[name]}
    # A server shows its key when it is tested for the first time.
    return changed - {name for name in FIRST_OF if not before[name]}


def _server(address):
    """What makes two addresses one server's; whatever else was entered, as it is."""
    try:
        scheme, host, port = server_of(address or "")
    except ValueError:
        return address
    user = urlsplit(address or "").netloc.rpartition("@")[0]
    return (scheme, host, port, user) if host else address
