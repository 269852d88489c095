# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""NetSapiens: ns-api v2, and v1 where a server does not know v2.

Paging is by offset, 0 first, in pages of 100: with more a server silently answers rows
of 28 fields without caller and call id. There is no total and no next link; a page
that is not full is the last. Pages of one window are asked for one after the other.
There is no documented rate limit; servers that have one answer 403 to everything from
the address that asked too often.
"""

import json
from datetime import UTC, datetime

from .auth import HeaderAuth, TokenAuth
from .checks import counted
from .errors import (
    SourceAnswerError,
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
)
from .interface import (
    HttpConnector,
    RowsPage,
    attempt,
    from_iso,
    in_utc,
    iso_utc,
    register,
)
from .netsapiens_directory import account_of, extension_of, number_of
from .netsapiens_rows import DERIVED, from_v1, row_key, text_rows
from .records import text, whole_number
from .web_address import path_part
from .windows import SECOND, cut, zone

PAGE_ROWS = 100
LIST_ROWS = 1000  # of domains, users and numbers, whose rows have no short form
MAX_PAGES = 100_000
V2, V1 = "ns-api/v2", "ns-api"
LIMIT = "limits-max-active-calls-total"
V1_TIME = "%Y-%m-%d %H:%M:%S"


@register
class NetSapiens(HttpConnector):
    """A NetSapiens server.

    Settings, besides those of :class:`HttpConnector`:

    ``address``          such as https://pbx.example.com; ``/ns-api`` and what follows
                         may be left on
    ``authentication``   ``api_key`` (default) or ``password``
    ``api_key``
    ``client_id, client_secret, username, password``  for ``password``
    ``api``              ``auto`` (default), ``v2`` or ``v1``
    ``window_hours``     records are asked for in stretches of so many hours, 24
    ``timezone``         only for a server that answers local times without offset
    """

    key = "netsapiens"
    name = "NetSapiens"
    preset = "netsapiens"
    customer_field = "metered_netsapiens_domain"
    decided_by = ("netsapiens_authentication",)
    busy = (403,)
    levels = ("extensions", "allowed_calls", "active_calls")

    @classmethod
    def asks_for(cls, form):
        asked = super().asks_for(form) | {"netsapiens_authentication", "netsapiens_api"}
        if form["netsapiens_authentication"] == "password":
            asked |= {"client_id", "client_secret", "username", "password"}
        if form["netsapiens_authentication"] != "api_key":
            asked.discard("api_key")
        return asked

    def __init__(self, settings, **surroundings):
        super().__init__(settings, **surroundings)
        api = settings.get("api") or "auto"
        self._api = "" if api == "auto" else {"v2": V2, "v1": V1}.get(api)
        if self._api is None:
            raise SourceSettingsError(
                f"Unknown NetSapiens API: {api}.",
                remedy="Choose auto, v2 or v1.",
            )
        self._hours = float(settings.get("window_hours") or 24)
        name = settings.get("timezone")
        self._local = zone(name) if name and name != "UTC" else None
        self.max_pages = int(settings.get("max_pages") or MAX_PAGES)

    def base_address(self):
        return (self.settings.get("address") or "").partition("/ns-api")[0]

    # ---- who we are

    def make_auth(self):
        kind = self.settings.get("authentication") or "api_key"
        if kind == "api_key":
            return HeaderAuth.bearer(self.secret("api_key", "API key"))
        client = {
            "client_id": self.setting("client_id", "client ID"),
            "client_secret": self.secret("client_secret", "client secret"),
        }
        user = {
            "username": self.setting("username", "user name"),
            "password": self.secret("password"),
        }
        return TokenAuth(
            self._ask_for_token,
            {"grant_type": "password", **client, **user},
            lambda refresh: {
                "grant_type": "refresh_token",
                "refresh_token": refresh,
                **client,
            },
            self.redact,
            self.clock,
        )

    def _ask_for_token(self, grant):
        if self._api != V1:
            try:
                return self.client.post_json(
                    f"{V2}/tokens", json_body=grant, authorised=False
                )
            except SourceAnswerError as error:
                if self._api == V2 or not error.foreign:
                    raise
        return self.client.post_json(
            f"{V1}/oauth2/token/", form=grant, authorised=False
        )

    # ---- which API

    @property
    def api(self):
        """``ns-api/v2`` or ``ns-api``; asks the server the first time."""
        if not self._api:
            try:
                self.client.get_json(f"{V2}/version", authorised=False)
                self._api = V2
            except SourceAnswerError as error:
                # v2 before 45 has no such path, and says so in JSON.
                if not error.foreign and not isinstance(error, SourceNotFound):
                    raise
                self._api = V1 if error.foreign else V2
        return self._api

    def _read(self, path, **params):
        """A v2 list: always an array, also of one."""
        rows = self.client.get_json(f"{V2}/{path}", params)
        return _list(rows, f"{V2}/{path}")

    def _read_v1(self, kind, action="read", **params):
        """A v1 list: an object without anything in it stands for an empty one."""
        form = {"object": kind, "action": action, "format": "json", **params}
        rows = self.client.post_json(f"{V1}/", form=form)
        return _list([] if rows == {} else rows, f"{V1}/?object={kind}")

    def _listed(self, path):
        """All rows of a v2 list that takes ``start`` and ``limit``."""
        start, seen = 0, None
        while True:
            rows = self._read(path, start=start, limit=LIST_ROWS)
            if rows and rows == seen:
                return  # a server that does not page this list sends all of it again
            yield from rows
            if len(rows) < LIST_ROWS:
                return
            seen = rows
            start += LIST_ROWS

    # ---- what the interface asks for

    def check(self, account=None):
        checks = []
        with self.hurried():
            if not attempt(checks, "The server answers", self._look_version):
                return checks
            checks.append(self.look_encryption())
            if not attempt(checks, "The credentials are accepted", self._look_rights):
                return checks
            if account and attempt(
                checks, f"Domain {account}", lambda: self.find(account)
            ):
                attempt(
                    checks,
                    f"Call records of {account}",
                    lambda: self._look_records(account),
                    "Grant the key or user the Reseller or Office Manager scope.",
                )
        return checks

    def reach(self):
        with self.hurried():
            return self._look_rights()

    def _look_version(self):
        if self.api == V1:
            return "It supports API version 1 only, which will be used."
        try:
            answer = self.client.get_json(f"{V2}/version", authorised=False)
        except SourceNotFound:
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        return f"API v2, version {text(answer.get('apiversion')) or 'unknown'}"

    def _look_rights(self):
        if self.api == V1:
            count = len(self._read_v1("domain", limit=PAGE_ROWS))
        else:
            answer = self.client.get_json(f"{V2}/domains/count")
            count = answer.get("total") if isinstance(answer, dict) else None
        if not count:
            raise SourceRefused(
                "The credentials are accepted, but no domain is visible with them.",
                remedy="Grant the key or user the Reseller or Super User scope.",
            )
        return f"It sees {counted(count, 'domain')}."

    def _look_records(self, domain):
        now = datetime.now(UTC)
        start = now.replace(hour=0, minute=0, second=0, microsecond=0)
        count = self.count(domain, start, now)
        if count is None:
            for _page in self.fetch(domain, start, now):
                break
            return "Call records can be read."
        return f"{count} today"

    def find(self, account):
        if self.api == V1:
            return super().find(account)
        return text(self._domain(account).get("description")) or account

    def _domain(self, account):
        """The v2 row of a domain."""
        row = self.client.get_json(f"{V2}/domains/{path_part(account, 'domain')}")
        # Older servers answer an array of one.
        row = row[0] if isinstance(row, list) and row else row
        if not isinstance(row, dict) or not row:
            raise SourceNotFound(
                f"The switch has no domain {account}.",
                remedy="Choose one of the accounts it lists.",
            )
        return row

    def accounts(self):
        if self.api == V1:
            rows = self._read_v1("domain")
        else:
            rows = self._listed("domains")
        yield from filter(None, map(account_of, rows))

    def identifiers(self, account):
        """Extensions as ``user@domain``, and telephone numbers.

        The API tells since when a user exists, and of numbers nothing: whoever stores
        them knows when they came and went.
        """
        yield from self._extensions(account)
        if self.api == V1:
            numbers = self._read_v1("phonenumber", domain=account)
        else:
            numbers = self._read(f"domains/{path_part(account, 'domain')}/phonenumbers")
        yield from filter(None, map(number_of, numbers))

    def _extensions(self, account):
        if self.api == V1:
            users = self._read_v1("subscriber", domain=account)
        else:
            users = self._listed(f"domains/{path_part(account, 'domain')}/users")
        return filter(None, (extension_of(row, account) for row in users))

    def level(self, account, what):
        """Users that are no system users, calls that are allowed, or are going on.

        ``users/count`` counts the system's own users, too: so the list is read.
        """
        if what == "extensions":
            return sum(1 for _extension in self._extensions(account))
        if self.api == V1:
            raise SourceSettingsError(
                "Version 1 of the API does not tell how many calls are active or "
                "allowed.",
                remedy="Use a server with version 2, or clear the meter on the source.",
            )
        if what == "allowed_calls":
            return whole_number(self._domain(account).get(LIMIT))
        answer = self.client.get_json(
            f"{V2}/domains/{path_part(account, 'domain')}/calls/count"
        )
        total = answer.get("total") if isinstance(answer, dict) else None
        total = whole_number(total)
        if total is None:
            raise SourceAnswerError(
                "The switch does not say how many calls are active.",
                f"active calls of {account}",
                "Contact the vendor of the switch.",
            )
        return total

    def fetch(self, account, start, end, cursor=None):
        offset = 0
        if cursor:
            start, offset = _read_cursor(cursor)
        windows = list(cut(in_utc(start), in_utc(end), self._hours, self._local))
        pages = 0
        for position, window in enumerate(windows):
            seen = None
            while True:
                rows = self.page(account, window, offset)
                keys = [row_key(row) for row in rows]
                if rows and keys == seen:
                    raise SourceAnswerError(
                        f"The switch returns the same {len(rows)} records for every "
                        "page.",
                        f"call records of {account} from {iso_utc(window.start)}",
                        "Contact the vendor of the switch: it ignores the start "
                        "parameter.",
                    )
                seen = keys
                pages += 1
                full = len(rows) >= PAGE_ROWS
                if full and pages >= self.max_pages:
                    raise SourceAnswerError(
                        f"The switch returned {pages:,} full pages without reaching "
                        "the end.",
                        f"call records of {account} from {iso_utc(window.start)}",
                        "Request a shorter period.",
                    )
                offset = offset + len(rows) if full else 0
                if full:
                    following = _cursor(window.start, offset)
                elif position + 1 < len(windows):
                    following = _cursor(windows[position + 1].start, 0)
                else:
                    following = None
                yield RowsPage(
                    text_rows(rows, account, window, self._local), DERIVED, following
                )
                if not full:
                    break

    def page(self, domain, window, offset):
        """The rows of one page as v2 names them.

        :param window: :class:`~.windows.Window`
        :param int offset: of the first row; a page that is not full is the last
        """
        if self.api == V1:
            rows = self._read_v1(
                "cdr2",
                domain=domain,
                start_date=window.start.strftime(V1_TIME),
                end_date=window.end.strftime(V1_TIME),
                raw="yes",
                start=offset,
                limit=PAGE_ROWS,
            )
            return [from_v1(row) for row in rows]
        return self._read(
            f"domains/{path_part(domain, 'domain')}/cdrs",
            **_between(window.start, window.end),
            start=offset,
            limit=PAGE_ROWS,
        )

    def count(self, account, start, end):
        """v1 has no count for this that is documented: None.

        The switch counts the end of a window in, and answers whole seconds: one less
        leaves what began with the next window to that.
        """
        if self.api == V1:
            return None
        answer = self.client.get_json(
            f"{V2}/domains/{path_part(account, 'domain')}/cdrs/count",
            _between(in_utc(start), in_utc(end) - SECOND),
        )
        total = whole_number(answer.get("total")) if isinstance(answer, dict) else None
        if total is None:
            raise SourceAnswerError(
                "The switch does not report the number of call records.",
                f"{V2}/domains/{account}/cdrs/count",
            )
        return total


def _between(start, end):
    return {"datetime-start": iso_utc(start), "datetime-end": iso_utc(end)}


def _list(rows, where):
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceAnswerError(
            "The switch did not return a list.",
            where,
            "Check the address and the API version.",
        )
    return rows


def _cursor(moment, offset):
    return json.dumps({"from": iso_utc(moment), "start": offset})


def _read_cursor(cursor):
    values = json.loads(cursor)
    return from_iso(values["from"]), int(values["start"])
