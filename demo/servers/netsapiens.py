# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A NetSapiens server for tests, the demo and the benchmark.

It answers what the vendor's OpenAPI description says, and holds every request and every
answer of its own against it: ``problems`` lists what did not agree. It also does what
live servers do and no description says: short rows beyond 100 a page and for legs over
midnight, zero dates, numbers as text or number, 403 for an address that asks too often,
web pages for v2 addresses where only v1 is known.

From a shell: ``python -m servers.netsapiens --domains 20 --per-day 1000`` in ``demo``.
"""

import argparse
import bisect
import functools
import gzip
import json
import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .faulty_http import FaultyServer, Reply
from .netsapiens_calls import (
    MIXED,
    make_domain,
    month_of_calls,
    row_v1,
    row_v2,
    short_row,
)
from .netsapiens_directory import (
    domain_row,
    domain_row_v1,
    number_row,
    number_row_v1,
    user_row,
    user_row_v1,
)
from .openapi import Description

DESCRIPTION = (
    Path(__file__).resolve().parents[2]
    / "tests/data/netsapiens/openapi-v2-45-excerpt.json"
)
V2 = "/ns-api/v2"
API_KEY = "nsd_test_0123456789abcdef"
CLIENT = {"client_id": "metered", "client_secret": "client-secret-77"}
USER = {"username": "billing@acme.12345.service", "password": "pass-word-88"}
FULL_ROWS = 100  # a page of more has short rows
MOST_ROWS = 1000
PAGE = b"<!DOCTYPE html><html><body>Portal</body></html>"
HTML = {"Content-Type": "text/html; charset=UTF-8"}


class NetSapiensServer(FaultyServer):
    """See the module.

    :param domains: list of ``netsapiens_calls.Domain``
    :param apis: which of ``v2`` and ``v1`` the server knows
    :param token_seconds: how long an access token lasts
    :param per_second: more requests within a second block the address
    :param block_seconds: that long every request is answered 403
    :param clock: seconds, for tokens and blocking
    :param delay: real seconds that an answer takes, for the benchmark
    """

    def __init__(
        self,
        domains=(),
        apis=("v2", "v1"),
        token_seconds=3600,
        per_second=0,
        block_seconds=8,
        clock=time.monotonic,
        delay=0.0,
        port=0,
    ):
        super().__init__(port)
        self.domains = {domain.name: domain for domain in domains}
        self.apis = apis
        self.token_seconds = token_seconds
        self.per_second = per_second
        self.block_seconds = block_seconds
        self.problems = []
        self.tokens = {}  # access token -> when it ends
        self.refresh_tokens = set()
        self.grants = []
        self.description = description()
        self._clock = clock
        self._delay = delay
        self._recent = []
        self._blocked_until = None
        self._rows = {}
        self._starts = {}
        self._fields = list(self.description.schemas["CdrD"]["properties"])

    # ---- the way through

    def answer(self, request):
        if self._delay:
            time.sleep(self._delay)
        if self._is_too_fast():
            return _error(403, "Forbidden")
        if request.path.startswith(V2):
            if "v2" not in self.apis:
                return Reply(200, PAGE, HTML)
            reply = self._answer_v2(request)
        elif request.path.startswith("/ns-api") and "v1" in self.apis:
            reply = self._answer_v1(request)
        else:
            return Reply(404, PAGE, HTML)
        if (
            "gzip" in request.headers.get("Accept-Encoding", "")
            and len(reply.body) > 999
        ):
            reply.body = gzip.compress(reply.body, 1)
            reply.headers = {**reply.headers, "Content-Encoding": "gzip"}
        return reply

    def _is_too_fast(self):
        if not self.per_second:
            return False
        now = self._clock()
        with self.lock:
            if self._blocked_until is not None and now < self._blocked_until:
                return True
            self._blocked_until = None
            self._recent = [*(t for t in self._recent if t > now - 1), now]
            if len(self._recent) > self.per_second:
                self._blocked_until = now + self.block_seconds
                self._recent = []
                return True
        return False

    def _is_known(self, request):
        scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return False
        with self.lock:
            return token == API_KEY or self._clock() < self.tokens.get(token, -1)

    # ---- v2

    def _answer_v2(self, request):
        path = request.path.removeprefix(V2)
        if request.method == "PUT":
            return self._change(request, path)
        found = self.description.find(request.method, path)
        if found is None:
            self._note(request, ["this address is not described"])
            return _error(404, "Not found")
        template, operation, values = found
        wrong = self.description.request_problems(
            operation, request.query, request.json
        )
        self._note(request, wrong)
        if template == "/tokens":
            reply = self._token(request.json or {})
        elif operation.get("security") and not self._is_known(request):
            reply = _error(401, "Token is expired or invalid")
        elif wrong:
            reply = _error(400, "; ".join(wrong))
        else:
            reply = self._read(template, values, request.query)
        if reply.status != 200 or not template.endswith("/cdrs"):
            # Pages of call records are checked row by row, each row once.
            data = json.loads(reply.body)
            self._note(
                request,
                self.description.answer_problems(operation, reply.status, data),
            )
        return reply

    def _change(self, request, path):
        """Change a domain: what is not given stays.

        The excerpt has no such operation; its body has the properties of a domain.
        """
        found = self.description.find("GET", path)
        if found is None or found[0] != "/domains/{domain}":
            self._note(request, ["this address is not described"])
            return _error(404, "Not found")
        if not self._is_known(request):
            return _error(401, "Token is expired or invalid")
        domain = self.domains.get(found[2][0])
        if domain is None:
            return _error(404, "Record not found")
        wrong = self.description.change_problems("Domain", request.json)
        self._note(request, wrong)
        if wrong:
            return _error(400, "; ".join(wrong))
        with self.lock:
            domain.changed.update(request.json)
        return Reply.of({"code": 202, "message": "Accepted"}, 202)

    def _note(self, request, problems):
        with self.lock:
            self.problems += [
                f"{request.method} {request.path}: {problem}" for problem in problems
            ]

    def _token(self, grant):
        with self.lock:
            self.grants.append(grant.get("grant_type"))
            given = {name: grant.get(name) for name in CLIENT}
            if grant.get("grant_type") == "refresh_token":
                known = grant.get("refresh_token") in self.refresh_tokens
                self.refresh_tokens.discard(grant.get("refresh_token"))
            else:
                known = {name: grant.get(name) for name in USER} == USER
            if given != CLIENT or not known:
                return _error(401, "Invalid client or user")
            token, refresh = secrets.token_hex(16), secrets.token_hex(16)
            self.tokens[token] = self._clock() + self.token_seconds
            self.refresh_tokens.add(refresh)
        return Reply.of(
            {
                "username": USER["username"],
                "user": "billing",
                "territory": "12345",
                "domain": "acme.12345.service",
                "department": "",
                "uid": USER["username"],
                "login": USER["username"],
                "scope": "Reseller",
                "user_email": "billing@example.com",
                "displayName": "Billing",
                "access_token": token,
                "expires_in": self.token_seconds,
                "token_type": "Bearer",
                "refresh_token": refresh,
                "client_id": CLIENT["client_id"],
                "apiversion": "45.0.0",
            }
        )

    def _read(self, template, values, query):
        if template == "/version":
            return Reply.of({"apiversion": "45.0.0", "hostname": "core1.example.net"})
        if template in ("/domains", "/domains/count"):
            rows = [domain_row(domain) for domain in self.domains.values()]
            return _counted(rows) if "count" in template else _paged(rows, query)
        domain = self.domains.get(values[0])
        if domain is None:
            return _error(404, "Record not found")
        if template == "/domains/{domain}":
            return Reply.of(domain_row(domain))
        kind = template.removeprefix("/domains/{domain}/")
        if kind.startswith("cdrs"):
            return self._cdrs(domain, query, kind == "cdrs/count")
        if kind.startswith("users"):
            rows = [user_row(domain, user) for user in domain.users]
        elif kind == "calls/count":
            return Reply.of({"total": domain.active_calls})
        elif kind.startswith("phonenumbers"):
            rows = [number_row(domain, *number) for number in domain.numbers]
        else:
            return _error(404, "Not made for this")
        if kind.endswith("/count"):
            return _counted(rows)
        return Reply.of(rows) if kind == "phonenumbers" else _paged(rows, query)

    def _cdrs(self, domain, query, counted):
        first, last = self._between(
            domain, _moment(query["datetime-start"]), _moment(query["datetime-end"])
        )
        if counted:
            seconds = sum(leg.talk for leg in domain.legs[first:last])
            return Reply.of(
                {"total": last - first, "minutes": seconds // 60, "seconds": seconds}
            )
        start = int(query.get("start", 0))
        limit = int(query.get("limit", FULL_ROWS))
        # The newest first.
        stop = max(first, last - start)
        legs = range(stop - 1, max(first, stop - limit) - 1, -1)
        rows = [self._row_text(domain, at, limit > FULL_ROWS) for at in legs]
        return Reply.of(b"[" + b",".join(rows) + b"]")

    def _between(self, domain, begin, end):
        """Positions of the legs that began in [begin, end], both included."""
        with self.lock:
            starts = self._starts.get(domain.name)
            if starts is None or len(starts) != len(domain.legs):
                domain.legs.sort(key=lambda leg: (leg.start, leg.id))
                starts = [leg.start for leg in domain.legs]
                self._starts[domain.name] = starts
                self._rows = {
                    k: v for k, v in self._rows.items() if k[0] != domain.name
                }
        return bisect.bisect_left(starts, begin), bisect.bisect_right(starts, end)

    def _row_text(self, domain, position, short):
        """A row as JSON; made, and held against the description, once."""
        leg = domain.legs[position]
        short = short or leg.over_midnight
        key = (domain.name, leg.id, short)
        text = self._rows.get(key)
        if text is None:
            row = row_v2(leg, domain, position, self._fields)
            problems = self.description.row_problems("CdrD", row)
            if problems:
                with self.lock:
                    self.problems += problems
            text = json.dumps(short_row(row) if short else row).encode()
            self._rows[key] = text
        return text

    # ---- v1

    def _answer_v1(self, request):
        form = {**request.query, **request.form}
        if request.path.rstrip("/") == "/ns-api/oauth2/token":
            return self._token(request.json or form)
        if request.path.rstrip("/") != "/ns-api":
            return Reply(404, PAGE, HTML)
        if not self._is_known(request):
            return _error(401, "Token is expired or invalid")
        if form.get("format") != "json":
            self._note(request, ["without format=json it answers XML"])
        return self._read_v1(request, form)

    def _read_v1(self, request, form):
        kind, domain = form.get("object"), self.domains.get(form.get("domain"))
        if kind == "domain":
            return Reply.of([domain_row_v1(d) for d in self.domains.values()])
        if domain is None:
            return Reply.of({})
        if kind == "subscriber":
            rows = [user_row_v1(domain, user) for user in domain.users]
        elif kind == "phonenumber":
            rows = [number_row_v1(domain, *number) for number in domain.numbers]
        elif kind == "cdr2":
            begin, end = (
                datetime.strptime(form[name], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
                for name in ("start_date", "end_date")
            )
            first, last = self._between(domain, begin, end)
            start = first + int(form.get("start", 0))
            stop = min(last, start + int(form.get("limit", 10**9)))
            rows = [row_v1(leg, domain) for leg in domain.legs[start:stop]]
        else:
            self._note(request, [f"the object {kind} is not known"])
            rows = []
        # Nothing is an object, not a list.
        return Reply.of(rows or {})


@functools.cache
def description():
    return Description(DESCRIPTION, MIXED)


def _error(status, message):
    return Reply.of({"code": status, "message": message}, status)


def _counted(rows):
    return Reply.of({"total": len(rows)})


def _paged(rows, query):
    start, limit = int(query.get("start", 0)), int(query.get("limit", 100))
    return Reply.of(rows[start : start + min(limit, MOST_ROWS)])


def _moment(text):
    """A time as the API takes it; without offset it is UTC here."""
    moment = datetime.fromisoformat(re.sub(r"\[.*\]$", "", text).replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def make_domains(count, begin, days, per_day):
    """Domains with users, numbers and calls: the same every time."""
    return [
        month_of_calls(
            make_domain(f"customer{at:03d}.12345.service", position=at),
            begin,
            days,
            per_day,
        )
        for at in range(count)
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--domains", type=int, default=5)
    parser.add_argument("--days", type=int, default=2)
    parser.add_argument("--per-day", type=int, default=100)
    parser.add_argument(
        "--delay", type=float, default=0.0, help="seconds an answer takes"
    )
    options = parser.parse_args()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    domains = make_domains(
        options.domains,
        today - timedelta(days=options.days),
        options.days,
        options.per_day,
    )
    with NetSapiensServer(domains, delay=options.delay, port=options.port) as server:
        print(f"{server.url} API key {API_KEY}", flush=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
