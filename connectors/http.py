# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Asking a source over HTTP: patient with slow and busy servers, safe with bad ones.

Every request has time-outs for connecting, reading and altogether; answers have a
largest size, unpacked, and are read in blocks; redirects stay on the host; addresses
are checked where the connection is made (``addresses``); certificates are verified.
Proxies and passwords that the machine has configured for its users are not used.
"""

import logging
import random
import time
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import requests
import urllib3

from .addresses import AddressPolicy
from .credentials import Redaction
from .errors import (
    SourceAnswerError,
    SourceBusy,
    SourceError,
    SourceRefused,
    SourceUnreachable,
)
from .http_answer import Answer, parse, read_body
from .refusals import reason, refusal
from .throttle import Throttle
from .transport import CheckedAdapter, Deadline
from .web_address import (
    check_address,
    check_headers,
    path_part,
    server_of,
    whole_address,
)

_logger = logging.getLogger(__name__)

BUSY = frozenset({429})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True)
class HttpLimits:
    """What a server may ask of us; times in seconds."""

    connect_seconds: float = 10
    read_seconds: float = 60
    request_seconds: float = 180  # altogether, from connecting to the last byte
    answer_bytes: int = 16 * 2**20  # unpacked
    redirects: int = 3
    attempts: int = 5
    # A longer wait is left to whoever asked: it would block a worker.
    longest_wait: float = 60

    def hurried(self):
        """For a person who waits: one attempt, some seconds."""
        return replace(
            self,
            connect_seconds=min(5, self.connect_seconds),
            read_seconds=min(10, self.read_seconds),
            request_seconds=min(15, self.request_seconds),
            attempts=1,
        )


class _Session(requests.Session):
    """Leaves redirects to us: looking where one leads to fails on odd addresses."""

    def resolve_redirects(self, *_args, **_options):
        return iter(())


class HttpClient:
    """Requests to one address.

    :param address: base of all paths; ``http`` or ``https``
    :param auth: see ``auth``; None sends no credentials
    :param busy: statuses that mean "not so often", besides 429
    :param sleep, clock, chance: to be replaced in tests; ``chance()`` is in [0, 1)
    """

    def __init__(
        self,
        address,
        auth=None,
        limits=None,
        policy=None,
        throttle=None,
        busy=(),
        ca_file=None,
        redaction=None,
        sleep=time.sleep,
        clock=time.monotonic,
        chance=random.random,
    ):
        self.address = check_address(address)
        self.auth = auth
        self.limits = limits or HttpLimits()
        self.throttle = throttle or Throttle(clock=clock, sleep=sleep)
        self.redact = redaction or Redaction()
        self._busy = BUSY.union(busy)
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._session = _Session()
        self._session.trust_env = False
        self._session.verify = ca_file or True
        self._session.headers.update(
            {"Accept-Encoding": "gzip", "User-Agent": "metered-billing"}
        )
        adapter = CheckedAdapter(policy or AddressPolicy(), connections=4)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self):
        self._session.close()

    def get_json(self, path="", params=None, **options):
        """What a GET answers.

        Decimal fractions come as the text they were sent as, so that no number passes
        through a float; integers come as int.
        """
        return self.request("GET", path, params=params, **options).data

    def post_json(self, path="", **options):
        """What a POST answers; it is sent again when the answer was lost."""
        return self.request("POST", path, **options).data

    def request(
        self,
        method,
        path="",
        params=None,
        json_body=None,
        form=None,
        headers=None,
        authorised=True,
        expect_json=True,
    ):
        """Ask, and ask again where that helps.

        :param path: added to the address; a whole URL is taken as it is, and gets
            credentials only when it is on the same server
        :return: :class:`Answer`; with ``expect_json`` its ``data`` is filled
        :raise SourceError: one of its kinds
        """
        url = self._url(path)
        auth = self.auth if authorised and self._is_ours(url) else None
        where = self.redact(f"{method} {url}")
        sent = {"params": params, "json": json_body, "data": form, "headers": headers}
        renewed = False
        for attempt in range(1, self.limits.attempts + 1):
            used = auth.headers() if auth else {}
            try:
                return self._attempt(method, url, sent, auth, expect_json, where)
            except SourceRefused:
                # An access token may have ended since it was taken out of the drawer.
                if renewed or not auth or not auth.renew(used):
                    raise
                renewed = True
            except (SourceUnreachable, SourceBusy, SourceAnswerError) as error:
                wait = self._wait_before_next(error, attempt)
                if wait is None:
                    raise
                _logger.info(
                    "%s: %s Attempt %s of %s follows in %.1f s.",
                    where,
                    error.what,
                    attempt + 1,
                    self.limits.attempts,
                    wait,
                )
                if isinstance(error, SourceBusy):
                    self.throttle.hold_back(wait)
                self._sleep(wait)
        return self._attempt(method, url, sent, auth, expect_json, where)

    # ---- one attempt

    def _attempt(self, method, url, sent, auth, expect_json, where):
        try:
            with self.throttle, Deadline(self.limits.request_seconds) as deadline:
                try:
                    answer = self._exchange(method, url, sent, auth, expect_json, where)
                except (*BROKEN, SourceAnswerError):
                    if not deadline.passed:
                        raise
                if not deadline.passed:
                    return answer
            # The connection was cut by us, and whatever came of it is half of it.
            raise SourceUnreachable(
                f"The server took longer than {self.limits.request_seconds:g} s to"
                " respond.",
                where,
                "Try again later. If the problem persists, the server is overloaded "
                "or too much data is requested at once.",
            )
        except requests.exceptions.SSLError as error:
            # Not chained: its text may hold the whole address with parameters.
            raise SourceUnreachable(
                f"The server's certificate or encryption is not trusted: "
                f"{reason(error, self.redact)}.",
                where,
                "Have the server's certificate fixed, or enter its certificate "
                "authority in the source settings.",
            ) from None
        except requests.exceptions.ConnectTimeout:
            raise SourceUnreachable(
                f"No connection within {self.limits.connect_seconds:g} s.",
                where,
                "Check the address and any firewalls in between.",
            ) from None
        except BROKEN as error:
            raise SourceUnreachable(
                f"The connection failed or was interrupted: "
                f"{reason(error, self.redact)}.",
                where,
                "Try again later, and check the address.",
            ) from None

    def _exchange(self, method, url, sent, auth, expect_json, where):
        limits = self.limits
        for _redirect in range(limits.redirects + 1):
            headers = {**(sent["headers"] or {}), **(auth.headers() if auth else {})}
            check_headers(headers)
            params = {**(sent["params"] or {}), **(auth.params() if auth else {})}
            with self._session.request(
                method,
                url,
                params=params,
                json=sent["json"],
                data=sent["data"],
                headers=headers,
                timeout=(limits.connect_seconds, limits.read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                if response.status_code in REDIRECTS:
                    try:
                        url = self._redirected(method, url, response, where)
                    except SourceError as error:
                        error.status = response.status_code
                        raise
                    sent = sent | {"params": None}  # the new address has its own
                    continue
                body = read_body(response, limits.answer_bytes, where)
                if response.status_code >= 400:
                    raise refusal(response, body, where, self._busy, self.redact)
                answer = Answer(
                    response.status_code, dict(response.headers), body, where
                )
                if expect_json:
                    answer.data = parse(response, body, where)
                return answer
        raise SourceAnswerError(
            f"The server redirects more than {limits.redirects} times.",
            where,
            "Check the address. It is probably not the address of the API.",
        )

    # ---- where to

    def _url(self, path):
        if path.startswith(("http://", "https://")):
            return check_address(path)
        for part in filter(None, path.partition("?")[0].split("/")):
            path_part(part, "path")  # also what a connector did not quote
        return self.address + ("/" + path.lstrip("/") if path else "")

    def _is_ours(self, url):
        return server_of(url) == server_of(self.address)

    def same_server(self, url):
        """A link out of an answer as a whole URL.

        :raise SourceAnswerError: it leads to another server, which gets nothing of us
        """
        url = whole_address(url, self.address + "/")
        if not self._is_ours(url):
            raise SourceAnswerError(
                f"The server redirects to another server, {urlsplit(url).hostname}.",
                self.redact(self.address),
                "If this is correct, enter that address on the source.",
            )
        return url

    def _redirected(self, method, url, response, where):
        """Where a redirect leads to; only to the same server, or to its TLS port."""
        target = whole_address(response.headers.get("Location", ""), url)
        old, new = urlsplit(url), urlsplit(target)
        upgraded = (
            old.hostname == new.hostname
            and (old.scheme, new.scheme) == ("http", "https")
            and new.port in (None, 443)
        )
        if server_of(url) != server_of(target) and not upgraded:
            raise SourceAnswerError(
                f"The server redirects to another server, {self.redact(new.hostname)}.",
                where,
                "If this is correct, enter that address on the source.",
            )
        if method != "GET":
            raise SourceAnswerError(
                "The server redirects POST requests.",
                where,
                f"Enter the address it redirects to: {self.redact(target)}",
            )
        return target

    # ---- again

    def _wait_before_next(self, error, attempt):
        """Seconds until the next attempt, None when there is none."""
        if not error.retry or attempt >= self.limits.attempts:
            return None
        wait = 2 ** (attempt - 1) * (1 + self._chance() / 4)
        if error.retry_after is not None:
            # Later by a little: not all who were sent away come back at once.
            wait = error.retry_after * (1 + self._chance() / 10)
        return wait if wait <= self.limits.longest_wait else None
