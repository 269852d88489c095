# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Where librdkafka connects to: it says the address, and none can be chosen for it.

It looks a broker's name up by itself, after it was looked up here, and a name server
may answer something else then. So what it says of each connection is read: once one
leads to an address that is refused, nothing more is asked or read. For the moment until
then an attacker has a connection that speaks Kafka's protocol; with TLS no credential
is sent, since no other server has the broker's certificate.
"""

import logging
import re

from ..errors import SourceSettingsError

#: what librdkafka has to be asked for, so that it says so
DEBUG = {"debug": "broker"}
_CONNECTS = re.compile(
    r": (?:[a-z_]+://)?([^ /]+):(\d+)/[^ /]+: Connecting to ipv[46]#([^ ]+):\d+ "
)


class Watch:
    """Reads what the client says, and keeps the first address that is refused.

    :param policy: ``addresses.AddressPolicy``
    """

    def __init__(self, policy):
        self._policy = policy
        self._known = set()
        self._refused = ""

    @property
    def logger(self):
        """A logger that nobody else has, and that writes nothing."""
        logger = logging.Logger(__name__, logging.DEBUG)
        logger.addFilter(self._hear)
        return logger

    def _hear(self, record):
        """Look at what the client says; it goes nowhere else."""
        found = _CONNECTS.search(record.getMessage())
        if not found or found.groups() in self._known:
            return False
        self._known.add(found.groups())
        host, port, address = found.groups()
        address = address.strip("[]")
        reason = self._policy.refusal(address, (host.strip("[]").lower(), int(port)))
        if reason and not self._refused:
            self._refused = f"{host}:{port} led to {address}, which is {reason}"
        return False

    def check(self):
        """Refuse to go on after a connection that must not be.

        :raise SourceSettingsError: there was one
        """
        if self._refused:
            raise SourceSettingsError(
                f"The client connected to an address that is not allowed: "
                f"{self._refused}.",
                remedy="If this is intended, an administrator can add the address to "
                "the allowed networks. Otherwise check the name servers of the "
                "brokers.",
            )
