# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A switch with a REST API of nobody in particular, and how a source is set up for it.

    GET /api/tenants                    {"tenants": [{"id", "title"}]}
    GET /api/tenants/ID/numbers         {"numbers": [{"e164"}]}
    GET /api/tenants/ID/calls           {"data": {"calls": [...]}} of [from, until)
    GET /api/tenants/ID/calls/count     {"total": 12}

Lists are paged by ``page`` and ``size``, at most 50 a page. The key goes into the
header X-Api-Key.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .faulty_http import FaultyServer, Reply

API_KEY = "rest_test_0123456789abcdef"
MOST_ROWS = 50
#: what an operator enters who has the manual above
SETTINGS = {
    "http_authentication": "header",
    "http_key_name": "X-Api-Key",
    "http_records_path": "api/tenants/{account}/calls",
    "http_records_items": "data.calls",
    "http_start_parameter": "from",
    "http_end_parameter": "until",
    "http_paging": "page",
    "http_page_parameter": "page",
    "http_size_parameter": "size",
    "http_page_size": "50",
    "http_fields": "call_id=uid\nstart_time=begin\nduration=seconds\n"
    "caller=from.number\ncallee=to.number",
    "http_accounts_path": "api/tenants",
    "http_accounts_items": "tenants",
    "http_account_name": "title",
    "http_numbers_path": "api/tenants/{account}/numbers",
    "http_numbers_items": "numbers",
    "http_number_field": "e164",
    "http_count_path": "api/tenants/{account}/calls/count",
}


@dataclass
class Tenant:
    """A customer of the switch; ``calls`` are as the API answers them."""

    key: str
    title: str
    numbers: list = field(default_factory=list)
    calls: list = field(default_factory=list)


def make_tenant(key, title, number, start, calls, minutes=7):
    """A tenant that calls every so many minutes.

    :param number: its telephone number
    :param start: aware datetime of the first call
    :param calls: how many
    """
    return Tenant(
        key,
        title,
        [number],
        [
            {
                "uid": f"{key}-{at}",
                "begin": (start + timedelta(minutes=minutes * at)).isoformat(),
                "from": {"number": number, "name": title},
                "to": {"number": f"1212555{at % 10_000:04d}"},
                "seconds": 30 + at,
            }
            for at in range(calls)
        ],
    )


class RestSwitch(FaultyServer):
    """See the module; ``tenants`` may be changed while it serves."""

    def __init__(self, tenants, port=0):
        super().__init__(port)
        self.tenants = {tenant.key: tenant for tenant in tenants}

    def answer(self, request):
        if request.headers.get("X-Api-Key") != API_KEY:
            return Reply.of({"message": "Unknown key"}, 401)
        parts = request.path.strip("/").split("/")
        if parts == ["api", "tenants"]:
            rows = [{"id": t.key, "title": t.title} for t in self.tenants.values()]
            return Reply.of({"tenants": self._page(rows, request)})
        tenant = self.tenants.get(parts[2]) if parts[:2] == ["api", "tenants"] else None
        if tenant is None:
            return Reply.of({"message": "No such tenant"}, 404)
        if parts[3:] == ["numbers"]:
            rows = [{"e164": number} for number in tenant.numbers]
            return Reply.of({"numbers": self._page(rows, request)})
        calls = [call for call in tenant.calls if self._is_between(call, request)]
        if parts[3:] == ["calls", "count"]:
            return Reply.of({"total": len(calls)})
        if parts[3:] == ["calls"]:
            return Reply.of({"data": {"calls": self._page(calls, request)}})
        return Reply.of({"message": "No such path"}, 404)

    def _is_between(self, call, request):
        begin = datetime.fromisoformat(call["begin"])
        start, end = (
            datetime.fromisoformat(request.query[name].replace("Z", "+00:00"))
            for name in ("from", "until")
        )
        return start <= begin < end

    def _page(self, rows, request):
        size = min(int(request.query.get("size", MOST_ROWS)), MOST_ROWS)
        first = (int(request.query.get("page", 1)) - 1) * size
        return rows[first : first + size]
