# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Signing what is sent out, as https://www.standardwebhooks.com describes it.

Receivers verify it with the libraries that the specification lists for their language.
"""

import base64
import binascii
import hashlib
import hmac
import secrets

#: what a secret begins with where a person sees it
PREFIX = "whsec_"
KEY_BYTES = 32
#: seconds from one attempt to the next: ten attempts in three days
SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


def new_secret():
    """A secret of 256 random bits, in the form that receivers enter.

    :return: text, ``whsec_`` and base64
    """
    return PREFIX + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_of(secret):
    """The bytes that a secret stands for.

    :raise ValueError: it is none
    """
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("not a secret of Standard Webhooks") from error


def signed_headers(message_id, moment, body, signing):
    """The headers that say whose message it is and that nobody changed it.

    :param str message_id: the same for each attempt, so that a receiver knows a second
    :param int moment: Unix time of the attempt, in seconds
    :param bytes body: exactly what is sent
    :param signing: secrets; while one is replaced, the old one too
    :return: dict name -> text
    """
    signed = b".".join([message_id.encode(), str(moment).encode(), body])
    signatures = [
        base64.b64encode(
            hmac.new(key_of(secret), signed, hashlib.sha256).digest()
        ).decode()
        for secret in signing
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def wait_before_next(attempts, chance, retry_after=None):
    """Seconds until the next attempt; None after the last one.

    :param int attempts: how many there were, at least 1
    :param float chance: in [0, 1): not all that failed together come back together
    :param retry_after: seconds that the receiver asked for, or None
    """
    if attempts > len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts - 1] * (1 + chance / 10)
    return max(wait, min(retry_after or 0, SCHEDULE[-1]))
