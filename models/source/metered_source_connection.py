# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import ssl

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ...connectors.checks import Check
from ...connectors.interface import attempt
from ...connectors.kinds import KINDS
from ...connectors.sources import CONNECTORS, kind_of, make_connector
from ..screen.actions import RELOAD, notification

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: settings that a connector gets under the name of the field
SETTINGS = (
    "address",
    "username",
    "client_id",
    "allowed_networks",
    "requests_per_second",
    "parallel",
    "timezone",
)


class MeteredSource(models.Model):
    """How a source is connected to, and whether that works.

    What a kind of source can do is said by its class in connectors/, and asked here.
    Another module adds a connector with such a class and an entry of the same key in
    ``source_type``; its ``_settings_KEY()`` returns settings that are its own fields.
    """

    _inherit = "metered.source"

    is_connected = fields.Boolean(
        compute="_compute_kind",
        search="_search_is_connected",
        help="Records are imported automatically, without manual file uploads.",
    )
    is_posted_to = fields.Boolean(
        compute="_compute_kind",
        search="_search_is_posted_to",
        help="The switch posts its records and cannot be queried.",
    )
    brings_files = fields.Boolean(
        compute="_compute_kind",
        search="_search_brings_files",
        help="Records arrive as files, and each file is a separate import.",
    )
    is_fetched = fields.Boolean(
        compute="_compute_kind",
        help="Records are requested for a time range.",
    )
    asks_for = fields.Json(
        compute="_compute_asks_for",
        groups=ADMINISTRATOR,
        help="Names of the fields required for the connection.",
    )
    address = fields.Char(
        groups=ADMINISTRATOR,
        help="Address of the switch, for example https://pbx.example.com.",
    )
    username = fields.Char(string="User Name", groups=ADMINISTRATOR)
    client_id = fields.Char(string="Client ID", groups=ADMINISTRATOR)
    netsapiens_authentication = fields.Selection(
        [("api_key", "API key"), ("password", "User name and password (OAuth2)")],
        string="Authentication",
        default="api_key",
        groups=ADMINISTRATOR,
        help="You can create an API key in the portal of the switch. A user needs the "
        "Reseller or Super User scope to see more than one domain.",
    )
    netsapiens_api = fields.Selection(
        [("auto", "Newest available"), ("v2", "Version 2"), ("v1", "Version 1")],
        string="API",
        default="auto",
        groups=ADMINISTRATOR,
        help="Older servers support version 1 only. It cannot count records, so "
        "completeness cannot be checked.",
    )
    requests_per_second = fields.Float(
        groups=ADMINISTRATOR,
        help="Maximum number of requests. 0 means no limit.",
    )
    parallel = fields.Integer(
        string="Parallel Requests",
        default=2,
        groups=ADMINISTRATOR,
        help="Maximum number of accounts fetched at the same time.",
    )
    host = fields.Char(groups=ADMINISTRATOR)
    port = fields.Integer(
        groups=ADMINISTRATOR, help="Leave empty for the default port."
    )
    database = fields.Char(groups=ADMINISTRATOR)
    sslmode = fields.Selection(
        [
            ("prefer", "Encrypted if possible"),
            ("require", "Encrypted"),
            ("verify-full", "Encrypted, certificate verified"),
            ("disable", "Not encrypted"),
        ],
        string="Encryption",
        default="prefer",
        groups=ADMINISTRATOR,
    )
    ssl_authority = fields.Text(
        string="Certificate Authority",
        groups=ADMINISTRATOR,
        help="Certificate of the authority that signed the server's certificate, in "
        "PEM format: -----BEGIN CERTIFICATE-----. Leave empty to trust the "
        "well-known authorities.",
    )
    table_name = fields.Char(
        string="Table",
        default="cdr",
        groups=ADMINISTRATOR,
        help="Include the schema if needed, for example asterisk.cdr",
    )
    push_address = fields.Char(
        string="Address to Post To",
        compute="_compute_push_address",
        groups=ADMINISTRATOR,
        help="Available after the source is saved.",
    )
    tested = fields.Datetime(string="Tested On", readonly=True, copy=False)
    test_result = fields.Json(readonly=True, copy=False)

    def _kind(self):
        """What this kind of source can do.

        :return: subclass of :class:`~..connectors.kinds.Kind`
        """
        return kind_of(self.source_type)

    @api.depends("source_type")
    def _compute_kind(self):
        for source in self:
            kind = source._kind()
            source.is_connected = kind.is_connected
            source.is_posted_to = kind.is_posted_to
            source.brings_files = kind.brings_files
            source.is_fetched = kind.is_fetched()

    @api.depends(lambda self: ("source_type", *self._deciding_fields()))
    def _compute_asks_for(self):
        for source in self:
            source.asks_for = sorted(source._kind().asks_for(source))

    @api.model
    def _deciding_fields(self):
        """Fields on which it depends what else is to be entered."""
        kinds = (*CONNECTORS.values(), *KINDS.values())
        names = {name for kind in kinds for name in kind.decided_by}
        return sorted(names & set(self._fields))

    def _compute_push_address(self):
        for source in self:
            saved = source._origin
            source.push_address = (
                f"{saved.get_base_url()}/metered/freeswitch/{saved.id}"
                if saved
                else False
            )

    def _search_is_connected(self, operator, value):
        return self._search_kind("is_connected", operator, value)

    def _search_is_posted_to(self, operator, value):
        return self._search_kind("is_posted_to", operator, value)

    def _search_brings_files(self, operator, value):
        return self._search_kind("brings_files", operator, value)

    @api.model
    def _search_kind(self, name, operator, value):
        """Domain of the sources whose kind can do something, or cannot."""
        wanted = True in value if isinstance(value, list | set | tuple) else value
        if operator in ("!=", "not in"):
            wanted = not wanted
        keys = self._fields["source_type"].get_values(self.env)
        able = [key for key in keys if getattr(kind_of(key), name)]
        return [("source_type", "in" if wanted else "not in", able)]

    @api.constrains("ssl_authority")
    def _check_ssl_authority(self):
        for source in self.sudo().filtered("ssl_authority"):
            text = source.ssl_authority
            if "PRIVATE KEY" in text:
                raise ValidationError(
                    self.env._(
                        "Certificate Authority of %s: the text contains a private "
                        "key. Enter the certificate only.",
                        source.name,
                    )
                )
            try:
                known = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                known.load_verify_locations(cadata=text)
            except (ssl.SSLError, ValueError) as error:
                raise ValidationError(
                    self.env._(
                        "Certificate Authority of %(switch)s: this is not a "
                        "certificate (%(error)s). Enter the whole file, from "
                        "-----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.",
                        switch=source.name,
                        error=error,
                    )
                ) from error

    @api.constrains("parallel", "requests_per_second", "port")
    def _check_connection_numbers(self):
        for source in self.sudo():
            if not 1 <= source.parallel <= 64 or source.requests_per_second < 0:
                raise ValidationError(
                    self.env._(
                        "Parallel Requests must be between 1 and 64, and the number "
                        "of requests cannot be negative."
                    )
                )
            if not 0 <= source.port <= 65535:
                raise ValidationError(
                    self.env._("The port must be between 1 and 65535.")
                )

    @api.onchange("source_type")
    def _onchange_source_type(self):
        """Columns and rules of a switch that is known come with it."""
        preset = self._preset_of_type()
        if not preset and not self._preset_may_stay():
            preset = "generic"
        if preset and self.preset != preset:
            self.preset = preset
            self._onchange_preset()

    def _preset_may_stay(self):
        """Whether the preset fits a type that has none of its own.

        Files and REST APIs may have any switch's columns, but not those that are
        the connector's own names for what a protocol brings.
        """
        return self.preset != "netsapiens"

    def _preset_of_type(self):
        """The preset of a kind of source; empty where any may fit."""
        preset = self._kind().preset
        return "" if preset == "generic" else preset

    # === CONNECTING === #

    def _connection_settings(self):
        """Everything a connector gets, credentials included.

        :return: dict of plain values
        """
        self.ensure_one()
        source = self.sudo()
        settings = {name: source[name] or "" for name in SETTINGS}
        # A connector made from another one has the settings of both.
        for kind in reversed(source._kind().__mro__):
            special = getattr(source, f"_settings_{getattr(kind, 'key', '')}", None)
            settings |= special() if special else {}
        return settings | source._get_secrets()

    def _settings_netsapiens(self):
        return {
            "authentication": self.netsapiens_authentication,
            "api": self.netsapiens_api,
        }

    def _settings_asterisk_sql(self):
        return {
            "host": self.host,
            "port": self.port or None,
            "database": self.database,
            "sslmode": self.sslmode,
            "authority": self.ssl_authority,
            "table": self.table_name,
        }

    def _make_connector(self, **surroundings):
        """The connector of this source, ready to be asked.

        :return: :class:`~..connectors.interface.Connector`; close it afterwards
        :raises SourceError: its settings cannot be used
        """
        self.ensure_one()
        return make_connector(
            self.source_type,
            self._connection_settings(),
            **{"throttle": self._throttle(), **surroundings},
        )

    def _needs_account(self):
        """Whether what is fetched is fetched for one customer at a time."""
        return self._kind().needs_account(self.sudo())

    # === TESTING === #

    def action_test_connection(self):
        """Look now whether the source can be used, and show what was found."""
        self.ensure_one()
        self.check_access("write")
        if not self.is_connected:
            raise UserError(
                self.env._(
                    "Files are uploaded to %s manually, so there is no connection to "
                    "test.",
                    self.name,
                )
            )
        checks = self._test_connection()
        wrong = [check for check in checks if not check.ok]
        if wrong:
            message = " ".join(filter(None, (wrong[0].detail, wrong[0].remedy)))
            if len(checks) > 1:
                message = self.env._(
                    "%(wrong)s of %(all)s checks failed: %(first)s",
                    wrong=len(wrong),
                    all=len(checks),
                    first=message,
                )
        else:
            message = self.env._("All %s checks passed.", len(checks))
        return notification(
            message, "danger" if wrong else "success", title=self.name, next=RELOAD
        )

    def _test_connection(self, account=None):
        """Test, and keep what was found with its time.

        :param account: name of an account to look for, too
        :return: list of :class:`~..connectors.checks.Check`
        """
        self.ensure_one()
        checks = self._look_connection(account)
        if not account:
            self.sudo().write(
                {
                    "tested": fields.Datetime.now(),
                    "test_result": [
                        {
                            "name": check.name,
                            "ok": check.ok,
                            "detail": check.detail,
                            "remedy": check.remedy,
                        }
                        for check in checks
                    ],
                }
            )
        return checks

    def _look_connection(self, account=None):
        """The connector's own checks, or what there is to look at without one."""
        if self.is_posted_to:
            return self._look_posts()
        if self.brings_files:
            return self._look_files()
        return self._look_connector(account)

    def _look_connector(self, account=None):
        """The connector's own checks; a setting that cannot be used is one, too."""
        checks = []
        connectors = []
        name = self.env._("Settings")
        if attempt(checks, name, lambda: connectors.append(self._make_connector())):
            with connectors[0] as connector:
                return connector.check(account)
        return checks

    # === CHECKS === #

    def _check_connection(self):
        """What the last test found; nothing of files that are uploaded."""
        if not self.is_connected:
            return []
        if self.is_posted_to:
            # Nobody needs to be asked: look at it now.
            return [
                Check(check.name, check.ok, check.detail, check.remedy, "connection")
                for check in self._look_posts()
            ]
        if not self.tested:
            return [
                Check(
                    self.env._("Connection"),
                    False,
                    self.env._("Not tested yet."),
                    self.env._("Test connection"),
                    "test",
                )
            ]
        # The remedy of most is a setting of this very form.
        return [
            Check(
                check["name"],
                check["ok"],
                check["detail"],
                check["remedy"] or (not check["ok"] and self.env._("Test again")) or "",
                "" if check["ok"] else "connection",
            )
            for check in self.test_result or []
        ]
