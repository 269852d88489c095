# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_datetime

from ...connectors.errors import SourceError
from ...connectors.http_json import HttpJson
from ...ingest.load import column_specs
from ...ingest.load_classes import source_dial_plan
from ...ingest.preview import understand
from ..screen.actions import RELOAD, notification

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: fields named http_X whose X the connector knows
SETTINGS = (
    "authentication key_name token_address scope"
    " records_path records_items records_method record_time_format"
    " start_parameter end_parameter time_format"
    " paging page_parameter first_page size_parameter page_size"
    " cursor_field link_field"
    " accounts_path accounts_items account_key account_name"
    " numbers_path numbers_items number_field count_path count_field"
).split()
#: columns of a preview: more than that nobody reads
SHOWN_COLUMNS = 12
TRYOUT_DAYS = 2
EPOCH = datetime(1970, 1, 1)


def _text(label, help_text=""):
    return fields.Char(string=label, groups=ADMINISTRATOR, help=help_text)


class MeteredSource(models.Model):
    """Settings of a source that any REST API can be: its manual, as fields."""

    _inherit = "metered.source"

    http_authentication = fields.Selection(
        [
            ("none", "None"),
            ("basic", "User name and password"),
            ("bearer", "API key as bearer token"),
            ("header", "API key in a header"),
            ("query", "API key in a parameter"),
            ("oauth2_client", "OAuth2: client credentials"),
            ("oauth2_password", "OAuth2: client credentials, user name and password"),
        ],
        string="Authentication (API)",
        default="bearer",
        groups=ADMINISTRATOR,
    )
    http_key_name = _text("Key Name", "Header or parameter that contains the API key.")
    http_token_address = _text("Token URL", "Address that issues OAuth2 tokens.")
    http_scope = _text("Scope")
    http_records_path = _text(
        "Path",
        "Path of the records, relative to the address. {account} is replaced with the "
        "customer's account.",
    )
    http_records_items = _text(
        "List Field",
        "Location of the list in the response, for example data.items. Leave "
        "empty for the entire response.",
    )
    http_records_method = fields.Selection(
        [("GET", "GET"), ("POST", "POST, form data")],
        string="Method",
        default="GET",
        groups=ADMINISTRATOR,
    )
    http_record_time_format = _text(
        "Start Time Format",
        "Only if the start times of records have no offset and are not in ISO 8601 "
        "format, for example %d.%m.%Y %H:%M:%S.",
    )
    http_start_parameter = _text("From Parameter")
    http_end_parameter = _text("Until Parameter")
    http_time_format = _text(
        "Time Format",
        "iso, epoch, epoch_ms, or a format such as %Y-%m-%d %H:%M:%S. Leave empty for "
        "iso.",
    )
    http_paging = fields.Selection(
        [
            ("none", "All at once"),
            ("page", "By page number"),
            ("offset", "By record number"),
            ("cursor", "By cursor in the response"),
            ("link", "Using a next-page link"),
        ],
        string="Paging",
        default="none",
        groups=ADMINISTRATOR,
    )
    http_page_parameter = _text("Page Parameter")
    http_first_page = _text("First Page", "Leave empty for 1.")
    http_size_parameter = _text("Page Size Parameter")
    http_page_size = _text("Records per Page", "Leave empty for 100.")
    http_cursor_field = _text(
        "Cursor Field", "Location of the next cursor in the response."
    )
    http_link_field = _text(
        "Link Field",
        "Location of the next link in the response. Leave empty for the Link header.",
    )
    http_accounts_path = _text("Accounts Path")
    http_accounts_items = _text("Accounts Field")
    http_account_key = _text("ID Field", "ID of an account. Leave empty for id.")
    http_account_name = _text("Name Field", "Name of an account. Leave empty for name.")
    http_numbers_path = _text("Numbers Path")
    http_numbers_items = _text("Numbers Field")
    http_number_field = _text("Number Field", "Leave empty if each item is a number.")
    http_count_path = _text(
        "Count Path",
        "Path that returns the number of records in a time range, used to check "
        "completeness.",
    )
    http_count_field = _text("Count Field", "Leave empty for total.")
    http_parameters = fields.Text(
        string="Other Parameters",
        groups=ADMINISTRATOR,
        help="One per line, for example type=outbound. {account} is replaced "
        "with the account.",
    )
    http_fields = fields.Text(
        string="Record Columns",
        groups=ADMINISTRATOR,
        help="One per line: column name, =, and its location in the record, for "
        "example caller=from.number. All original values are also available "
        "under names such as from.number.",
    )
    http_preview = fields.Json(readonly=True, copy=False, groups=ADMINISTRATOR)

    @api.constrains("http_parameters", "http_fields")
    def _check_http_lines(self):
        for source in self.sudo():
            source._read_lines("http_parameters")
            source._read_lines("http_fields")

    def _read_lines(self, name):
        """Lines ``name=value`` as a dict.

        :raises ValidationError: one is none
        """
        values = {}
        for line in (self[name] or "").splitlines():
            if not line.strip():
                continue
            key, sign, value = line.partition("=")
            if not sign or not key.strip():
                raise ValidationError(
                    self.env._(
                        "%(field)s: enter a name, = and a value on each line, not "
                        "“%(line)s”.",
                        field=self._fields[name]._description_string(self.env),
                        line=line,
                    )
                )
            values[key.strip()] = value.strip()
        return values

    def _settings_http_json(self):
        return {
            **{name: self[f"http_{name}"] or "" for name in SETTINGS},
            "parameters": self._read_lines("http_parameters"),
            "fields": self._read_lines("http_fields"),
        }

    def action_try_out(self):
        """Ask for the first page of records, and show what becomes of it."""
        self.ensure_one()
        self.check_access("write")
        end = datetime.now(UTC)
        try:
            with self._make_connector() as connector:
                if not isinstance(connector, HttpJson):
                    raise UserError(
                        self.env._("Try It Out is only available for REST APIs.")
                    )
                tried = connector.tryout(
                    self._tryout_account(connector),
                    end - timedelta(days=TRYOUT_DAYS),
                    end,
                )
        except SourceError as error:
            raise UserError(str(error)) from error
        self._set_as_program({"http_preview": self._prepare_http_preview(tried.frame)})
        return notification(
            self.env._(
                "%(count)s records on the first page of %(asked)s",
                count=tried.rows,
                asked=tried.asked,
            ),
            "success" if tried.rows else "warning",
            next=RELOAD,
        )

    def _tryout_account(self, connector):
        """The account whose records are tried: one of ours, else the switch's first."""
        account = self.account_ids[:1].name or ""
        if account or not self._needs_account():
            return account
        first = next(iter(connector.accounts()), None)
        if first is None:
            raise UserError(
                self.env._(
                    "First enter an account on the Accounts page: records are "
                    "requested one account at a time, and the switch does not list "
                    "its accounts."
                )
            )
        return first.key

    def _prepare_http_preview(self, frame):
        """The first records beside what an import would take from each.

        :param frame: DataFrame of text columns
        :return: what the widget ``metered_file_preview`` shows
        """
        specs = column_specs(self.column_ids)
        labels = dict(
            self.column_ids._fields["target"]._description_selection(self.env)
        )
        meaning = {}
        for spec in specs:
            for name in spec.resolve(frame.columns):
                meaning.setdefault(name, labels[spec.target])
        # What is understood comes first: nobody reads dozens of columns.
        names = sorted(frame.columns, key=lambda name: name not in meaning)
        names = names[:SHOWN_COLUMNS]
        facts = understand(
            frame, specs, self.timezone, self.duration_rounding, source_dial_plan(self)
        )
        return {
            "columns": [
                {"name": name, "meaning": meaning.get(name, False)} for name in names
            ],
            "rows": [
                {
                    "line": line,
                    "values": values,
                    "start": self._format_start(fact.start_us),
                    "caller": fact.caller or False,
                    "callee": fact.callee or False,
                    "seconds": False if fact.seconds is None else fact.seconds,
                }
                for line, (values, fact) in enumerate(
                    zip(frame[names].to_numpy(object).tolist(), facts, strict=True), 1
                )
            ],
        }

    def _format_start(self, start_us):
        if start_us is None:
            return False
        moment = EPOCH + timedelta(seconds=start_us // 1_000_000)
        return format_datetime(self.env, moment)
