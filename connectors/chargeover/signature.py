# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Signed requests: ``Authorization: ChargeOver co_public_key="…" co_nonce="…" …``.

What is signed is the public key, the address in small letters, the nonce, the time and
the body, joined by ``||``, by HMAC-SHA256 with the private key, as hexadecimal digits.
Source: ChargeOver's PHP client.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

SCHEME = "chargeover"
METHOD, VERSION = "HMAC-SHA256", "1.0"
#: seconds by which the sender's clock may be wrong
MOST_SECONDS = 300
_PAIR = re.compile(r'\s*,?\s*(co_[a-z_]{1,40})="([^"]{0,300})"')
_BETWEEN = b"||"


@dataclass(frozen=True)
class Signature:
    """What the header of a signed request says."""

    public: str
    nonce: str
    timestamp: str
    digest: str

    def is_fresh(self, now):
        """Whether it was signed around this moment.

        :param float now: seconds since 1970
        """
        return (
            self.timestamp.isascii()
            and self.timestamp.isdecimal()
            and len(self.timestamp) <= 12
            and abs(int(self.timestamp) - now) <= MOST_SECONDS
        )

    def is_right(self, private, addresses, body):
        """Whether somebody with the private key signed this request.

        :param str private: the key
        :param addresses: what the address may be to the sender
        :param bytes body: as it came
        """
        expected = [
            signed(private, self.public, address, self.nonce, self.timestamp, body)
            for address in addresses
        ]
        given = self.digest.lower().encode("utf-8", "surrogateescape")
        # All of them, so that the time tells nothing.
        return any([hmac.compare_digest(given, one.encode()) for one in expected])


def read_signature(header):
    """The signature in a header.

    :param str header: ``Authorization``
    :return: :class:`Signature`; None where it is none
    """
    scheme, _space, said = header.partition(" ")
    if scheme.lower() != SCHEME:
        return None
    found = dict(_PAIR.findall(said))
    if found.get("co_signature_method") != METHOD or found.get("co_version") != VERSION:
        return None
    parts = [
        found.get(f"co_{name}", "")
        for name in ("public_key", "nonce", "timestamp", "signature")
    ]
    return Signature(*parts) if all(parts) else None


def signed(private, public, address, nonce, timestamp, body):
    """The signature of a request, hexadecimal digits.

    :param bytes body: empty where there is none
    """
    text = _BETWEEN.join(
        (
            public.encode("utf-8", "surrogateescape"),
            address.lower().encode("utf-8", "surrogateescape"),
            nonce.encode("utf-8", "surrogateescape"),
            timestamp.encode("utf-8", "surrogateescape"),
            body,
        )
    )
    return hmac.new(private.encode(), text, hashlib.sha256).hexdigest()
