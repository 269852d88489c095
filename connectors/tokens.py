# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is kept of secrets that only have to be recognised."""

import hashlib

TOKEN_BYTES = 32
#: compared with where there is none, so that each look takes the same work
NO_DIGEST = "0" * 64


def token_digest(token):
    """What is kept of a token.

    A fast digest will do: there is nothing to guess in 256 random bits.

    :param str token: as it was sent
    """
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
