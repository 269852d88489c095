# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Asking a usage URL: one POST for each line, with the period and a shared token.

The answer is ``{"line_items": [{"usage_amount": 25}]}`` with status 200. All else is a
failure: another status, no JSON, no number, more than one.

Source: ChargeOver's page *Usage/Metered Billing*. Trap: its PHP example answers
``usage_ammount``; only the documented name is taken.
"""

from ..chargeover.usage import VALUE
from ..errors import SourceAnswerError
from ..events.body import RequestFault
from ..events.reading import Refused, documents
from ..harmless import shown
from ..http import HttpLimits
from ..interface import HttpConnector, attempt, register
from ..records import text

#: a number, and for a renewal that waits for it
LIMITS = HttpLimits(
    connect_seconds=5,
    read_seconds=15,
    request_seconds=20,
    answer_bytes=2**16,
    redirects=0,
    attempts=2,
    longest_wait=5,
)
REMEDY = 'It must return status 200 and {"line_items": [{"usage_amount": 25}]}.'
SHOWN = 100


@register
class UsageUrl(HttpConnector):
    """A program of a customer that knows what a line used in a period."""

    key = "usage_url"
    name = "Usage URL, called at each renewal"
    preset = "chargeover"
    # What it answers is put into the inbox, as what is pushed.
    is_posted_to = True
    is_asked_at_renewals = True
    has_own_fields = True
    has_lines = True
    writes_json = True

    def __init__(self, settings, **surroundings):
        surroundings.setdefault("limits", LIMITS)
        super().__init__(settings, **surroundings)

    @classmethod
    def needs_account(cls, form):
        return False

    @classmethod
    def asks_for(cls, form):
        return {"name", "address", "api_key", "allowed_networks", "usage_url_policy"}

    def make_auth(self):
        """Nobody: the token is part of what is posted."""
        return None

    def accounts(self):
        return iter(())

    def fetch(self, account, start, end, cursor=None):
        return iter(())

    def check(self, account=None):
        """Settings only: it is asked at renewals, and no line is asked for a test."""
        checks = []
        attempt(checks, "A security token is set", self._token_is_set)
        checks.append(self.look_encryption())
        return checks

    def _token_is_set(self):
        self.secret("api_key", "security token")
        return ""

    def ask(self, question):
        """What a line used in a period.

        :param dict question: all that is posted but the token
        :return: text: a decimal number
        :raise SourceError: it does not answer, or no number
        """
        answer = self.client.request(
            "POST",
            json_body={
                **question,
                "security_token": self.secret("api_key", "security token"),
            },
            expect_json=False,
        )
        if answer.status != 200:
            raise SourceAnswerError(
                f"The usage URL returned status {answer.status}.",
                answer.where,
                REMEDY,
            )
        return usage_amount(answer.body, answer.where)


def usage_amount(body, where=""):
    """The number in an answer.

    :param bytes body: JSON
    :return: text: a decimal number with all its digits
    :raise SourceAnswerError: it has none, or several
    """
    try:
        found = documents(body)
    except RequestFault:
        raise SourceAnswerError(
            "The response is not valid JSON.", where, REMEDY
        ) from None
    document = found[0] if len(found) == 1 and body.lstrip()[:1] != b"[" else None
    if document.__class__ is Refused:
        raise SourceAnswerError(document.reason, where, REMEDY)
    lines = document.get("line_items") if document.__class__ is dict else None
    if lines.__class__ is not list or len(lines) != 1 or lines[0].__class__ is not dict:
        raise SourceAnswerError(
            "The response does not have exactly one line in line_items.", where, REMEDY
        )
    if "usage_amount" not in lines[0]:
        names = shown(", ".join(map(str, lines[0])), SHOWN)
        raise SourceAnswerError(
            f"The response has no usage_amount, only: {names}.", where, REMEDY
        )
    value = lines[0]["usage_amount"]
    number = "" if isinstance(value, bool | dict | list) else text(value)
    if not VALUE.fullmatch(number):
        raise SourceAnswerError(
            f"The usage amount in the response is not a number: "
            f"{shown(text(value), SHOWN)}.",
            where,
            REMEDY,
        )
    if number.startswith("-"):
        raise SourceAnswerError(
            f"The usage amount in the response is negative: {number}.", where, REMEDY
        )
    return number
