# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Sending one message to an address that a customer of ours, or we, entered."""

import time
from dataclasses import dataclass

from .errors import SourceError
from .harmless import shown
from .http import HttpClient, HttpLimits

#: one attempt that a slow receiver cannot stretch; its answer is only shown
LIMITS = HttpLimits(
    connect_seconds=5,
    read_seconds=15,
    request_seconds=20,
    answer_bytes=2**20,
    redirects=0,
    attempts=1,
)
#: of an answer
SHOWN_CHARACTERS = 300


@dataclass(frozen=True)
class Receipt:
    """What came of one attempt.

    :param status: of HTTP; 0 where there was no answer
    :param text: the beginning of the answer, or what went wrong in words
    :param seconds: that it took
    :param retry_after: seconds that the receiver asked for, or None
    """

    status: int
    text: str
    seconds: float
    retry_after: float | None = None

    @property
    def delivered(self):
        """Whether the receiver has it."""
        return 200 <= self.status < 300

    @property
    def gone(self):
        """Whether the receiver wants nothing any more, for good."""
        return self.status == 410


class WebhookClient:
    """Posts to one address.

    :param address: of http or https
    :param policy: :class:`~.addresses.AddressPolicy`
    :raise SourceSettingsError: it is no address
    """

    def __init__(self, address, policy):
        self._address = address
        self._client = HttpClient(address, limits=LIMITS, policy=policy)

    def close(self):
        self._client.close()

    def post(self, body, headers):
        """Send a message once. Whatever happens is told, and nothing raised.

        :param bytes body: JSON
        :return: :class:`Receipt`
        """
        begun = time.monotonic()
        headers = {"Content-Type": "application/json", **headers}
        try:
            answer = self._client.request(
                "POST", self._address, form=body, headers=headers, expect_json=False
            )
        except SourceError as error:
            return Receipt(
                error.status,
                shown(str(error), SHOWN_CHARACTERS),
                time.monotonic() - begun,
                error.retry_after,
            )
        text = answer.body.decode("utf-8", "replace")
        return Receipt(
            answer.status, shown(text, SHOWN_CHARACTERS), time.monotonic() - begun
        )
