# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..connectors.addresses import parse_networks
from ..connectors.checks import Check
from ..connectors.errors import SourceError
from ..connectors.interface import attempt
from ..connectors.sources import CONNECTORS, make_connector

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

    Another module adds a connector with a class (see connectors/README.md) and an
    entry of the same key in ``source_type``; settings of its own are fields that its
    ``_settings_KEY()`` returns.
    """

    _inherit = "metered.source"

    source_type = fields.Selection(
        selection_add=[
            ("netsapiens", "NetSapiens"),
            ("brightlink", "Brightlink PBX Cloud"),
            ("file_store", "File store"),
            ("asterisk_sql", "Asterisk SQL table"),
            ("freeswitch_json", "FreeSWITCH, posting JSON"),
            ("http_json", "Any REST API (HTTP/JSON)"),
        ],
        ondelete={
            key: "set default"
            for key in (
                "netsapiens",
                "brightlink",
                "file_store",
                "asterisk_sql",
                "freeswitch_json",
                "http_json",
            )
        },
    )
    is_connected = fields.Boolean(
        compute="_compute_is_connected",
        search="_search_is_connected",
        help="Its records come in by themselves, without files uploaded by hand.",
    )
    address = fields.Char(
        groups=ADMINISTRATOR,
        help="Where the switch answers, such as https://pbx.example.com.",
    )
    username = fields.Char(string="User Name", groups=ADMINISTRATOR)
    client_id = fields.Char(string="Client ID", groups=ADMINISTRATOR)
    netsapiens_authentication = fields.Selection(
        [("api_key", "API key"), ("password", "User name and password (OAuth2)")],
        string="Signs In With",
        default="api_key",
        groups=ADMINISTRATOR,
        help="An API key is made in the portal of the switch. A user needs the scope "
        "Reseller or Super User to see more than one domain.",
    )
    netsapiens_api = fields.Selection(
        [("auto", "The newest it knows"), ("v2", "Version 2"), ("v1", "Version 1")],
        string="API",
        default="auto",
        groups=ADMINISTRATOR,
        help="Old servers know version 1 only. It cannot count records, so nothing "
        "proves then that none is missing.",
    )
    allowed_networks = fields.Char(
        groups="base.group_system",
        copy=False,
        help="Addresses or networks such as 127.0.0.1 or 169.254.0.0/16 that may be "
        "connected to although they are this server itself or link-local.",
    )
    requests_per_second = fields.Float(
        groups=ADMINISTRATOR,
        help="It is asked at most so often. 0: no limit.",
    )
    parallel = fields.Integer(
        string="At the Same Time",
        default=2,
        groups=ADMINISTRATOR,
        help="So many accounts at most are fetched at the same time.",
    )
    host = fields.Char(groups=ADMINISTRATOR)
    port = fields.Integer(groups=ADMINISTRATOR, help="Empty: the usual one.")
    database = fields.Char(groups=ADMINISTRATOR)
    sslmode = fields.Selection(
        [
            ("prefer", "Encrypted where possible"),
            ("require", "Encrypted"),
            ("verify-full", "Encrypted, certificate verified"),
            ("disable", "Not encrypted"),
        ],
        string="Encryption",
        default="prefer",
        groups=ADMINISTRATOR,
    )
    table_name = fields.Char(
        string="Table",
        default="cdr",
        groups=ADMINISTRATOR,
        help="With its schema before it where needed: asterisk.cdr",
    )
    push_address = fields.Char(
        string="Address to Post To",
        compute="_compute_push_address",
        groups=ADMINISTRATOR,
        help="Known once the source is saved.",
    )
    tested = fields.Datetime(string="Tested On", readonly=True, copy=False)
    test_result = fields.Json(readonly=True, copy=False)

    @api.depends("source_type")
    def _compute_is_connected(self):
        for source in self:
            source.is_connected = source.source_type != "file"

    def _compute_push_address(self):
        for source in self:
            saved = source._origin
            source.push_address = (
                f"{saved.get_base_url()}/metered/freeswitch/{saved.id}"
                if saved
                else False
            )

    def _search_is_connected(self, operator, value):
        wanted = True in value if isinstance(value, list | set | tuple) else value
        if operator in ("!=", "not in"):
            wanted = not wanted
        return [("source_type", "!=" if wanted else "=", "file")]

    @api.constrains("allowed_networks")
    def _check_allowed_networks(self):
        for source in self.sudo():
            try:
                parse_networks(source.allowed_networks)
            except SourceError as error:
                raise ValidationError(str(error)) from error

    @api.constrains("parallel", "requests_per_second", "port")
    def _check_connection_numbers(self):
        for source in self.sudo():
            if not 1 <= source.parallel <= 64 or source.requests_per_second < 0:
                raise ValidationError(
                    self.env._(
                        "Between 1 and 64 accounts can be fetched at the same time, "
                        "and a number of requests cannot be negative."
                    )
                )
            if not 0 <= source.port <= 65535:
                raise ValidationError(self.env._("A port lies between 1 and 65535."))

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

    @api.model_create_multi
    def create(self, vals_list):
        self._check_environment_names(vals_list)
        for vals in vals_list:
            if "preset" not in vals:
                preset = self.new(
                    {"source_type": vals.get("source_type")}
                )._preset_of_type()
                if preset:
                    vals["preset"] = preset
        return super().create(vals_list)

    def _preset_of_type(self):
        """The preset of a kind of source; empty where any may fit."""
        if self.source_type == "freeswitch_json":
            return "freeswitch"
        connector = CONNECTORS.get(self.source_type)
        if connector is None or connector.preset == "generic":
            return ""
        return connector.preset

    # === CONNECTING === #

    def _connection_settings(self):
        """Everything a connector gets, credentials included.

        :return: dict of plain values
        """
        self.ensure_one()
        source = self.sudo()
        settings = {name: source[name] or "" for name in SETTINGS}
        special = getattr(source, f"_settings_{source.source_type}", None)
        return {
            **settings,
            **(special() if special else {}),
            **source._get_secrets(),
        }

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
        return self.source_type in ("netsapiens", "brightlink")

    # === TESTING === #

    def action_test_connection(self):
        """Look now whether the source can be used, and show what was found."""
        self.ensure_one()
        self.check_access("write")
        if not self.is_connected:
            raise UserError(
                self.env._(
                    "Files are uploaded to %s by hand: there is nothing to connect to.",
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
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if wrong else "success",
                "title": self.name,
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

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
        """The connector's own checks; a setting that cannot be used is one, too."""
        checks = []
        connectors = []
        name = self.env._("Settings")
        if attempt(checks, name, lambda: connectors.append(self._make_connector())):
            with connectors[0] as connector:
                return connector.check(account)
        return checks

    # === CHECKS === #

    def _checks(self):
        checks = super()._checks()
        if not self.is_connected:
            return checks
        return [checks[0], *self._check_connection(), *checks[1:]]

    def _check_connection(self):
        """What the last test found."""
        if not self.tested:
            return [
                Check(
                    self.env._("Connection"),
                    False,
                    self.env._("It was not tested yet."),
                    self.env._("Test the connection"),
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

    def _may_remedy(self, place):
        if place == "test":
            return self.has_access("write")
        return super()._may_remedy(place)

    def _remedy_action(self, place):
        if place == "test":
            return self.action_test_connection()
        return super()._remedy_action(place)
