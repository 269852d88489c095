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
            ("none", "Nothing"),
            ("basic", "User name and password"),
            ("bearer", "API key as bearer token"),
            ("header", "API key in a header"),
            ("query", "API key in a parameter"),
            ("oauth2_client", "OAuth2: client"),
            ("oauth2_password", "OAuth2: client, user name and password"),
        ],
        string="Signs In With (API)",
        default="bearer",
        groups=ADMINISTRATOR,
    )
    http_key_name = _text(
        "Name of the Key", "The header or parameter that carries the API key."
    )
    http_token_address = _text("Token Address", "Where OAuth2 gives out tokens.")
    http_scope = _text("Scope")
    http_records_path = _text(
        "Path",
        "Of the records, after the address. {account} stands for the customer's "
        "account.",
    )
    http_records_items = _text(
        "List At", "Where in the answer the list is, such as data.items. Empty: all."
    )
    http_records_method = fields.Selection(
        [("GET", "GET"), ("POST", "POST, as a form")],
        string="Method",
        default="GET",
        groups=ADMINISTRATOR,
    )
    http_record_time_format = _text(
        "Format of Start",
        "Only where records have a start without an offset that is not ISO 8601, such "
        "as %d.%m.%Y %H:%M:%S.",
    )
    http_start_parameter = _text("Parameter From")
    http_end_parameter = _text("Parameter Until")
    http_time_format = _text(
        "Format of Times",
        "iso, epoch, epoch_ms, or a format such as %Y-%m-%d %H:%M:%S. Empty: iso.",
    )
    http_paging = fields.Selection(
        [
            ("none", "All at once"),
            ("page", "By number of page"),
            ("offset", "By number of records"),
            ("cursor", "By a cursor in the answer"),
            ("link", "By a link to the next page"),
        ],
        string="Pages",
        default="none",
        groups=ADMINISTRATOR,
    )
    http_page_parameter = _text("Parameter of the Page")
    http_first_page = _text("First Page", "Empty: 1.")
    http_size_parameter = _text("Parameter of the Size")
    http_page_size = _text("Records a Page", "Empty: 100.")
    http_cursor_field = _text("Cursor At", "Where in the answer the next cursor is.")
    http_link_field = _text(
        "Link At", "Where in the answer the next link is. Empty: the header Link."
    )
    http_accounts_path = _text("Path of Accounts")
    http_accounts_items = _text("Accounts At")
    http_account_key = _text("Id At", "Of an account. Empty: id.")
    http_account_name = _text("Name At", "Of an account. Empty: name.")
    http_numbers_path = _text("Path of Numbers")
    http_numbers_items = _text("Numbers At")
    http_number_field = _text("Number At", "Empty: each item is a number.")
    http_count_path = _text(
        "Path of the Count",
        "Where it says how many records there are between two times: what proves that "
        "none is missing.",
    )
    http_count_field = _text("Count At", "Empty: total.")
    http_parameters = fields.Text(
        string="Other Parameters",
        groups=ADMINISTRATOR,
        help="One a line, such as type=outbound. {account} stands for the account.",
    )
    http_fields = fields.Text(
        string="Columns of Records",
        groups=ADMINISTRATOR,
        help="One a line: the name of a column, =, and where in a record it is, such "
        "as caller=from.number. Records have all their own values as well, under "
        "names such as from.number.",
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
                        "%(field)s: write a name, = and a value in each line, not "
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
                    raise UserError(self.env._("Only REST APIs can be tried out."))
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
                    "Enter an account on the page Accounts first: records are asked "
                    "for one account at a time, and the switch lists none."
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
