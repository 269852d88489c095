# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Any switch with a REST API that answers JSON: its manual becomes settings.

All settings are texts (numbers may be numbers); an empty one takes what is in brackets.

who we are
    ``authentication``: ``none`` (none), ``basic``, ``bearer``, ``header``, ``query``,
    ``oauth2_client``, ``oauth2_password``. ``username``, ``password``; ``api_key``,
    ``key_name`` (of the header or parameter); ``client_id``, ``client_secret``,
    ``token_address``, ``scope``.
where things are, after ``address``; ``{account}`` stands for the account
    ``records_path``, ``records_items`` (place of the list in the answer; the answer
    itself), ``records_method`` (GET; POST sends the parameters as a form);
    ``accounts_path``, ``accounts_items``, ``account_key`` (id), ``account_name``
    (name); ``numbers_path``, ``numbers_items``, ``number_field`` (the item itself),
    ``number_kind`` (number); ``count_path``, ``count_field`` (total).
    ``parameters``: dict of fixed ones.
which stretch of time
    ``start_parameter``, ``end_parameter``; ``time_format``: ``iso`` (iso) with Z,
    ``epoch``, ``epoch_ms`` or a ``strptime`` format; ``timezone`` (UTC) of formats and
    of answers without offset; ``window_hours`` (24).
page after page
    ``paging``: ``none`` (none), ``page``, ``offset``, ``cursor``, ``link``;
    ``page_parameter``, ``first_page`` (1), ``size_parameter``, ``page_size`` (100);
    ``cursor_field``; ``link_field`` (the header Link); ``max_pages``.
what the columns are
    ``fields``: dict of column -> place in a record. Every record also has all its own
    values, under their places such as ``caller.number``, and the account that was asked
    for as ``account`` where it has no value of that name. ``record_time_format``: a
    ``strptime`` format of the column ``start_time`` where that has no offset.
"""

import json
from dataclasses import dataclass
from datetime import UTC

import pandas as pd

from .auth import HeaderAuth, NoAuth, QueryAuth, TokenAuth
from .checks import counted
from .errors import SourceAnswerError, SourceSettingsError
from .http_json_pages import Pages
from .interface import (
    Account,
    HttpConnector,
    Identifier,
    Page,
    attempt,
    from_iso,
    in_utc,
    iso_utc,
    register,
)
from .json_path import flatten, follow, parse_path
from .records import text, text_frame, whole_number
from .web_address import path_part
from .windows import cut, local_text, utc_text, zone

PREVIEW_ROWS = 10
ACCOUNT_COLUMN = "account"
SHOWN_CHARACTERS = 4000
OAUTH2 = {"oauth2_client": "client_credentials", "oauth2_password": "password"}
#: what is to be entered to sign in, by `http_authentication`
_TOKENS = {"client_id", "client_secret", "http_token_address", "http_scope"}
SIGNS_IN_WITH = {
    "basic": {"username", "password"},
    "bearer": {"api_key"},
    "header": {"api_key", "http_key_name"},
    "query": {"api_key", "http_key_name"},
    "oauth2_client": _TOKENS,
    "oauth2_password": _TOKENS | {"username", "password"},
}
# A time in these parts alone names a moment; in others it may name two.
EXACT_FORMATS = ("", "iso", "epoch", "epoch_ms")


@dataclass
class Tryout:
    """What the settings make of the first page.

    ``frame``: the first rows as they will be imported; ``places``: where the values of
    the first record are; ``sample``: that record as JSON; ``asked``: the address, with
    parameters and without credentials; ``rows``: of the page.
    """

    frame: pd.DataFrame
    places: list
    sample: str
    asked: str
    rows: int


@register
class HttpJson(Pages, HttpConnector):
    """See the module."""

    key = "http_json"
    writes_json = True
    name = "HTTP/JSON"
    decided_by = ("http_authentication",)

    @classmethod
    def needs_account(cls, form):
        return "{account}" in (form["http_records_path"] or "")

    @classmethod
    def lists_accounts(cls, form):
        return cls.needs_account(form) and bool(form["http_accounts_path"])

    @classmethod
    def asks_for(cls, form):
        asked = super().asks_for(form) - {"api_key"}
        asked |= {"http_authentication", "http_records_path"}
        return asked | SIGNS_IN_WITH.get(form["http_authentication"], set())

    def __init__(self, settings, **surroundings):
        super().__init__(settings, **surroundings)
        self._read_paging()
        self.hours = self._integer("window_hours", 24)
        name = settings.get("timezone") or "UTC"
        self.local = None if name == "UTC" else zone(name)
        layout = settings.get("time_format") or ""
        # Whether what is asked for is beyond doubt on the night clocks are set back.
        self.exact = self.local is None or layout in EXACT_FORMATS or "%z" in layout
        self.fields = {
            column: parse_path(path)
            for column, path in (settings.get("fields") or {}).items()
        }

    # ---- who we are

    def addresses(self):
        return [*super().addresses(), self.settings.get("token_address")]

    def make_auth(self):
        kind = self.settings.get("authentication") or "none"
        if kind == "none":
            return NoAuth()
        if kind == "basic":
            user = self.setting("username", "user name")
            return HeaderAuth.basic(user, self.secret("password"), self.redact)
        if kind == "bearer":
            return HeaderAuth.bearer(self.secret("api_key", "API key"))
        if kind in ("header", "query"):
            name = self.settings.get("key_name")
            if not name:
                raise SourceSettingsError(
                    f"The {kind} for the API key has no name.",
                    remedy=self.manual,
                )
            auth = HeaderAuth if kind == "header" else QueryAuth
            return auth(name, self.secret("api_key", "API key"))
        if kind in OAUTH2:
            return self._make_token_auth(OAUTH2[kind])
        raise SourceSettingsError(
            f"Unknown authentication method: {kind}.",
            remedy="Choose none, basic, bearer, header, query, oauth2_client or "
            "oauth2_password.",
        )

    def _make_token_auth(self, grant_type):
        address = self.settings.get("token_address")
        if not address:
            raise SourceSettingsError(
                "No token URL is set for access tokens.", remedy=self.manual
            )
        client = {
            "client_id": self.setting("client_id", "client ID"),
            "client_secret": self.secret("client_secret", "client secret"),
        }
        first = {"grant_type": grant_type, **client}
        if self.settings.get("scope"):
            first["scope"] = self.settings["scope"]
        again = None
        if grant_type == "password":
            first["username"] = self.setting("username", "user name")
            first["password"] = self.secret("password")
            again = {"grant_type": "refresh_token", **client}
        return TokenAuth(
            lambda grant: self.client.post_json(address, form=grant, authorised=False),
            first,
            again and (lambda refresh: {**again, "refresh_token": refresh}),
            self.redact,
            self.clock,
        )

    # ---- what the interface asks for

    def check(self, account=None):
        checks = []
        if not attempt(checks, "The settings are complete", self._look_settings):
            return checks
        checks.append(self.look_encryption())
        if self.settings.get("accounts_path"):
            with self.hurried():
                attempt(
                    checks,
                    "Accounts can be listed",
                    lambda: counted(sum(1 for _ in self.accounts()), "account"),
                )
                if account:
                    attempt(checks, f"Account {account}", lambda: self.find(account))
        return checks

    def _look_settings(self):
        self._path("records_path")
        return ""

    def _path(self, name, account=None):
        """A path of the settings, for an account."""
        path = self.settings.get(name) or ""
        if not path:
            raise SourceSettingsError(
                f"The source has no {name.replace('_', ' ')}.", remedy=self.manual
            )
        if account is None or "{account}" not in path:
            return path
        return path.replace("{account}", path_part(account))

    def accounts(self):
        """Nothing where the API has no list of them."""
        if not self.settings.get("accounts_path"):
            return
        key = parse_path(self.settings.get("account_key") or "id")
        name = parse_path(self.settings.get("account_name") or "name")
        for row in self._listed("accounts", ""):
            value = text(follow(row, key)) if isinstance(row, dict) else text(row)
            if value:
                yield Account(value, text(follow(row, name)) or value)

    def find(self, account):
        if not self.settings.get("accounts_path"):
            return account
        return super().find(account)

    def identifiers(self, account):
        if not self.settings.get("numbers_path"):
            return
        field = parse_path(self.settings.get("number_field"))
        kind = self.settings.get("number_kind") or "number"
        for row in self._listed("numbers", account):
            value = text(follow(row, field))
            if value:
                yield Identifier(kind, value)

    def count(self, account, start, end):
        if not self.settings.get("count_path"):
            return None
        path = self._path("count_path", account)
        answer = self._ask(path, self._between(in_utc(start), in_utc(end)), account)
        field = self.settings.get("count_field") or "total"
        total = whole_number(follow(answer.data, parse_path(field)))
        if total is None:
            raise SourceAnswerError(
                f"The response has no number at {field}.",
                answer.where,
                "Correct the Count Field in the source settings.",
            )
        return total

    def fetch(self, account, start, end, cursor=None):
        path = self._path("records_path", account)
        first = None
        if cursor:
            values = json.loads(cursor)
            start, first = from_iso(values["from"]), values["page"]
        local = self.local if self.exact else None
        windows = list(cut(in_utc(start), in_utc(end), self.hours, local))
        for position, window in enumerate(windows):
            between = self._between(*window)
            for rows, following in self._pages(path, between, account, first):
                if following is not None:
                    goes_on = _cursor(window.start, following)
                elif position + 1 < len(windows):
                    goes_on = _cursor(windows[position + 1].start, None)
                else:
                    goes_on = None
                yield Page(self._frame(rows, window, account), goes_on)
            first = None

    def tryout(self, account, start, end):
        """The first page of the newest records, and what becomes of it.

        :return: :class:`Tryout`
        """
        with self.hurried():
            path = self._path("records_path", account)
            for window in reversed(list(cut(in_utc(start), in_utc(end), self.hours))):
                asked = {**self._between(*window), **self._paging(None)}
                answer = self._ask(path, asked, account)
                rows = self._items(answer, "records")
                if rows:
                    break
        sample = json.dumps(rows[0], ensure_ascii=False, indent=1) if rows else ""
        shown = "&".join(f"{name}={value}" for name, value in asked.items())
        return Tryout(
            self._frame(rows[:PREVIEW_ROWS], window, account),
            sorted(flatten(rows[0])) if rows else [],
            self.redact(sample)[:SHOWN_CHARACTERS],
            answer.where + (f"?{self.redact(shown)}" if shown else ""),
            len(rows),
        )

    # ---- asking

    def _listed(self, kind, account):
        """All items of a list of accounts or numbers."""
        path = self._path(f"{kind}_path", account)
        for rows, _following in self._pages(path, {}, account, None, kind):
            yield from rows

    def _ask(self, path, params, account, kind="records"):
        values = {
            name: text(value).replace("{account}", account)
            for name, value in (self.settings.get("parameters") or {}).items()
        }
        params = {**values, **params}
        method = (self.settings.get("records_method") or "GET").upper()
        if kind == "records" and method == "POST":
            return self.client.request("POST", path, form=params)
        return self.client.request("GET", path, params=params)

    # ---- records

    def _items(self, answer, kind):
        """The list of an answer."""
        place = self.settings.get(f"{kind}_items") or ""
        rows = follow(answer.data, parse_path(place))
        if rows is None and not answer.data:
            return []
        if not isinstance(rows, list):
            raise SourceAnswerError(
                f"The response has no list at {place or 'the top level'}.",
                answer.where,
                "Correct the List Field in the source settings.",
            )
        if kind == "records" and not all(isinstance(row, dict) for row in rows):
            raise SourceAnswerError(
                f"The list at {place or 'the top level'} does not contain objects.",
                answer.where,
                "Correct the List Field in the source settings.",
            )
        return rows

    def _frame(self, rows, window, account):
        records = []
        layout = self.settings.get("record_time_format") or ""
        for row in rows:
            record = {name: text(follow(row, at)) for name, at in self.fields.items()}
            begun = record.get("start_time")
            if begun and self.local is not None:
                asked = window if self.exact else None
                record["start_time"] = utc_text(begun, self.local, asked, layout)
            record = {**flatten(row), **record}
            if account and not record.get(ACCOUNT_COLUMN):
                # Who was asked for is whose it is, also where no record says so.
                record[ACCOUNT_COLUMN] = account
            records.append(record)
        return text_frame(records, self.fields)

    def _between(self, start, end):
        names = ("start_parameter", "end_parameter")
        return {
            self.settings[name]: self._time(moment, late=name == "end_parameter")
            for name, moment in zip(names, (start, end), strict=True)
            if self.settings.get(name)
        }

    def _time(self, moment, late):
        layout = self.settings.get("time_format") or "iso"
        if layout == "iso":
            return iso_utc(moment)
        if layout == "epoch":
            return str(int(moment.timestamp()))
        if layout == "epoch_ms":
            return str(int(moment.timestamp()) * 1000)
        if self.exact:
            return moment.astimezone(self.local or UTC).strftime(layout)
        return local_text(moment, self.local, layout, late)


def _cursor(moment, page):
    return json.dumps({"from": iso_utc(moment), "page": page})
