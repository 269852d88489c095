# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How requests say who we are.

Each kind has ``headers()`` and ``params()``, which are added to a request, and
``renew(headers)``, called with the headers that a server just refused: True when it is
worth trying once more.
"""

import base64
import threading
import time

from .errors import SourceAnswerError, SourceRefused

# A token that ends within this time may end on the way.
MARGIN_SECONDS = 30
# Servers that do not say how long a token lasts are taken at this.
USUAL_SECONDS = 3600


class NoAuth:
    """Credentials that are none."""

    def headers(self):
        return {}

    def params(self):
        return {}

    def renew(self, refused):
        return False


class HeaderAuth(NoAuth):
    """A fixed header."""

    def __init__(self, name, value):
        self._headers = {name: value}

    def headers(self):
        return self._headers

    @classmethod
    def bearer(cls, token):
        return cls("Authorization", f"Bearer {token}")

    @classmethod
    def basic(cls, user, password, redaction):
        """:param redaction: told to hide the pair, which is the password in disguise"""
        pair = f"{user}:{password}"
        redaction.add(pair)
        return cls("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")


class QueryAuth(NoAuth):
    """A fixed parameter of the address."""

    def __init__(self, name, value):
        self._params = {name: value}

    def params(self):
        return self._params


class TokenAuth(NoAuth):
    """OAuth2 access tokens, taken when needed and renewed before they end.

    :param ask: function ``(dict of the grant) -> answer`` (dict): sends a token request
    :param first: the grant that needs nothing but what is configured, such as
        ``{"grant_type": "password", ...}``
    :param again: function ``(refresh token) -> grant``, None where there is none
    :param redaction: told to hide every token
    """

    def __init__(self, ask, first, again, redaction, clock=time.monotonic):
        self._ask = ask
        self._first = first
        self._again = again
        self._redaction = redaction
        self._clock = clock
        self._lock = threading.RLock()
        self._token = ""
        self._refresh_token = ""
        self._ends = 0.0

    def headers(self):
        with self._lock:
            if not self._token or self._clock() >= self._ends:
                self._take()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self, refused):
        with self._lock:
            # Another thread may have been refused, and renewed it, before us.
            if refused.get("Authorization") == f"Bearer {self._token}":
                self._take()
            return True

    def _take(self):
        answer = None
        refresh, self._refresh_token = self._refresh_token, ""
        if refresh and self._again:
            try:
                answer = self._ask(self._again(refresh))
            except (SourceRefused, SourceAnswerError):
                answer = None  # it has ended, too: begin anew
        if answer is None:
            answer = self._ask(self._first)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise SourceRefused(
                "The server did not issue an access token.",
                remedy="Check the client ID, user name and password. Users with "
                "two-factor authentication cannot be used.",
            )
        self._token = token
        self._refresh_token = str(answer.get("refresh_token") or "")
        self._redaction.add(self._token, self._refresh_token)
        try:
            lasts = float(answer.get("expires_in") or USUAL_SECONDS)
        except (TypeError, ValueError):
            lasts = USUAL_SECONDS
        self._ends = self._clock() + max(1.0, lasts - MARGIN_SECONDS)
