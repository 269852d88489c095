# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What every connector can do, and how another module adds one.

A connector is one class. It is given the source's settings as plain values and asked
for accounts, identifiers and records; it knows nothing of databases. ``@register``
makes it known by its key::

    @register
    class Acme(HttpConnector):
        key, name, preset = "acme", "Acme PBX", "generic"

        def accounts(self):
            for row in self.client.get_json("tenants"):
                yield Account(row["id"], row["title"])

        def fetch(self, account, start, end, cursor=None):
            ...
"""

import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property

import pandas as pd

from .addresses import AddressPolicy, parse_networks
from .auth import HeaderAuth, NoAuth
from .checks import Check, counted
from .credentials import Redaction, credential
from .errors import SourceError, SourceNotFound, SourceSettingsError
from .harmless import MOST_KEY, key_text, shown
from .http import HttpClient, HttpLimits
from .kinds import KINDS, Kind
from .records import join_frames, text_frame
from .throttle import Throttle
from .web_address import is_of_this_machine, servers_of


@dataclass(frozen=True)
class Account:
    """A customer as the switch knows him: a domain, a tenant, an account code."""

    key: str
    name: str = ""
    active: bool = True
    details: dict = field(default_factory=dict, compare=False)

    def __post_init__(self):
        _make_harmless(self, "key", "name")


@dataclass(frozen=True)
class Identifier:
    """What ties records to an account; ``kind`` as of ``metered.identifier``.

    The dates are days of UTC, the first and the last one, None where the switch does
    not say. ``active``: in use, and not merely reserved or switched off.
    """

    kind: str
    value: str
    name: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    active: bool = True

    def __post_init__(self):
        _make_harmless(self, "value", "name")


def _make_harmless(found, key, name):
    """What a switch lists is stored and looked up; its names are shown."""
    object.__setattr__(found, key, key_text(str(getattr(found, key))))
    object.__setattr__(found, name, shown(str(getattr(found, name)), MOST_KEY))


@dataclass
class Page:
    """Some records, and where to go on once they are stored.

    ``frame``: columns of text as ``formats.Chunk.frame`` has them. ``cursor``: handed
    to ``fetch`` it yields the pages after this one; None: there are none.
    """

    frame: pd.DataFrame
    cursor: str | None

    @property
    def records(self):
        """How many records it has."""
        return len(self.frame)


class RowsPage(Page):
    """A page of rows, of which a frame is made when somebody wants one.

    Many small pages become one frame much more quickly together, see
    :func:`join_pages`.

    :param rows: list of dicts, values of any kind
    :param columns: names that the frame must have, first
    """

    def __init__(self, rows, columns, cursor):
        self.rows = rows
        self.columns = columns
        self.cursor = cursor

    @cached_property
    def frame(self):
        return text_frame(self.rows, self.columns)

    @property
    def records(self):
        return len(self.rows)


def join_pages(pages, wanted=()):
    """The records of several pages of one ``fetch`` as one frame.

    :param wanted: see ``records.text_frame``
    """
    if all(isinstance(page, RowsPage) for page in pages):
        columns = dict.fromkeys(name for page in pages for name in page.columns)
        rows = [row for page in pages for row in page.rows]
        return text_frame(rows, columns, wanted)
    return join_frames([page.frame for page in pages], wanted)


class Connector(Kind, ABC):
    """A switch or feed that is asked for its records.

    :param settings: dict of plain values; credentials may be ``env:NAME``
    :param surroundings: ``sleep``, ``clock`` (monotonic seconds), ``throttle`` and
        whatever else a kind of connector lets be replaced

    Everything may raise ``SourceError``, and nothing else for what a server does.
    """

    def __init__(self, settings, **surroundings):
        self.settings = settings
        self.redact = Redaction()
        self.sleep = surroundings.pop("sleep", time.sleep)
        self.clock = surroundings.pop("clock", time.monotonic)
        self.surroundings = surroundings

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    @classmethod
    def needs_account(cls, form):
        """A switch has customers; see :class:`~.kinds.Kind`."""
        return True

    @classmethod
    def asks_for(cls, form):
        return super().asks_for(form) | {"allowed_networks", "parallel"}

    def close(self):  # noqa: B027  there may be nothing to close
        """Give back connections."""

    def setting(self, name, label=""):
        """A setting's text, with what ``env:NAME`` stands for."""
        return credential(self.settings.get(name), label or name.replace("_", " "))

    def secret(self, name, label=""):
        """The same of a credential; it will not appear in messages.

        :raise SourceSettingsError: it is empty
        """
        value = self.setting(name, label)
        if not value:
            raise SourceSettingsError(
                f"The source has no {label or name.replace('_', ' ')}.",
                remedy="Enter it in the source settings.",
            )
        return self.redact.add(value)

    def check(self, account=None):
        """Look whether everything that is needed works, within seconds.

        :param account: key; look whether it exists, too
        :return: list of ``Check``; after a failed one there may be none
        """
        checks = []

        def look():
            count = 0
            for count, _account in enumerate(self.accounts(), 1):  # noqa: B007
                if count >= 1000:
                    break
            return counted(count, "account") + (" or more" if count >= 1000 else "")

        attempt(checks, "Accounts can be listed", look)
        if account and all(check.ok for check in checks):
            attempt(checks, f"Account {account}", lambda: self.find(account))
        return checks

    def reach(self):
        """Ask something small that needs the source and the credentials, no account.

        It tells a source that is down from one account that cannot be fetched.

        :return: what it answered, of any kind
        :raise SourceError: nothing can be fetched from it now
        """
        return next(iter(self.accounts()), None)

    def find(self, account):
        """Say that an account exists.

        :return: its name
        :raise SourceNotFound: it does not
        """
        for found in self.accounts():
            if found.key == account:
                return found.name or found.key
        raise SourceNotFound(
            f"The source has no account {account}.",
            remedy="Choose one of the accounts it lists.",
        )

    @abstractmethod
    def accounts(self):
        """Iterator of :class:`Account`."""

    def identifiers(self, account):
        """Iterator of :class:`Identifier` of an account's key."""
        return iter(())

    @abstractmethod
    def fetch(self, account, start, end, cursor=None):
        """Records that began in [start, end), and perhaps some around it.

        :param account: key of the account
        :param start, end: aware datetimes
        :param cursor: of a :class:`Page` of the same call, to go on after it
        :return: iterator of :class:`Page`; records may come twice, their ids tell
        """

    #: what it can tell of how much an account has right now, see :meth:`level`
    levels = ()

    def level(self, account, what):
        """How much of something an account has right now.

        :param account: its key
        :param what: one of :attr:`levels`
        :return: int; None where the source does not say, or sets no limit
        """
        raise SourceSettingsError(f"{self.name} cannot tell {what}.")

    def count(self, account, start, end):
        """How many records ``fetch`` would give, None where the switch cannot tell."""
        return None


class HttpConnector(Connector):
    """A connector that asks over HTTP: ``self.client`` is ready for it.

    Settings: ``address``; ``api_key`` (sent as bearer token); ``allowed_networks``;
    ``ca_file``; ``requests_per_second``; ``parallel``.
    """

    #: statuses of a server that wants to be asked less often, besides 429
    busy = ()
    changes_accounts = True

    @classmethod
    def asks_for(cls, form):
        asked = {"address", "api_key", "requests_per_second"}
        return super().asks_for(form) | asked

    def __init__(self, settings, **surroundings):
        super().__init__(settings, **surroundings)
        given = self.surroundings
        self.limits = given.get("limits") or HttpLimits()
        self.client = HttpClient(
            self.base_address(),
            limits=self.limits,
            policy=given.get("policy")
            or AddressPolicy(
                parse_networks(settings.get("allowed_networks")),
                servers=servers_of(self.addresses()),
            ),
            throttle=given.get("throttle")
            or Throttle(
                float(settings.get("requests_per_second") or 0),
                int(settings.get("parallel") or 1),
                self.clock,
                self.sleep,
            ),
            busy=self.busy,
            ca_file=settings.get("ca_file") or None,
            redaction=self.redact,
            sleep=self.sleep,
            clock=self.clock,
        )
        self.client.auth = self.make_auth()

    def base_address(self):
        return self.settings.get("address")

    def addresses(self):
        """The addresses that settings name as those of a server of this source."""
        return [self.base_address()]

    def make_auth(self):
        """Who we are: one of ``auth``."""
        if not self.settings.get("api_key"):
            return NoAuth()
        return HeaderAuth.bearer(self.secret("api_key", "API key"))

    def change_account(self, account, change):
        """Suspend or resume an account.

        :param account: key
        :param change: :class:`~.account_change.AccountChange`
        :return: what the switch answered, as text
        :raise SourceError: it did not do it, or nobody knows whether it did
        """
        method, path, body = change.of(account)
        answer = self.client.request(method, path, json_body=body, expect_json=False)
        text = answer.body.decode("utf-8", "replace")
        return f"{answer.status} {self.redact(text)}".strip()

    def check(self, account=None):
        with self.hurried():
            return super().check(account)

    def reach(self):
        with self.hurried():
            return super().reach()

    @contextmanager
    def hurried(self):
        """Requests within it are for a person who waits: one attempt, some seconds."""
        before, self.client.limits = self.client.limits, self.limits.hurried()
        try:
            yield
        finally:
            self.client.limits = before

    def look_encryption(self):
        """Whether nobody on the way can read what is sent, as a ``Check``."""
        name = "The connection is encrypted"
        if self.client.address.startswith("https://"):
            return Check(name, True)
        if is_of_this_machine(self.client.address):
            return Check(
                "The connection is private",
                True,
                "The connection does not leave this server.",
            )
        return Check(
            name,
            False,
            "The credentials can be read in transit.",
            "Use an address that starts with https://.",
        )

    def close(self):
        self.client.close()


def attempt(checks, name, look, remedy=""):
    """Add a check: passed with what ``look()`` returns, failed when it raises.

    :return: whether it passed
    """
    try:
        detail = look()
    except SourceError as error:
        place = f" ({error.where})" if error.where else ""
        checks.append(Check(name, False, error.what + place, remedy or error.remedy))
        return False
    checks.append(Check(name, True, str(detail or "")))
    return True


CONNECTORS = {}


def register(connector):
    """Make a connector known by its key; the last one of a key counts.

    :param connector: subclass of :class:`Connector`
    """
    if not connector.key or not connector.name:
        raise ValueError(f"{connector.__name__} needs a key and a name")
    CONNECTORS[connector.key] = connector
    return connector


def kind_of(key):
    """What a kind of source can do, by its key.

    :return: subclass of :class:`~.kinds.Kind`; one of which no class is known is asked
        as any switch is, and says then which module is missing
    """
    return CONNECTORS.get(key) or KINDS.get(key) or (Connector if key else Kind)


def make_connector(key, settings, **surroundings):
    """A connector by its key.

    :raise SourceSettingsError: there is none of that key
    """
    if key not in CONNECTORS:
        raise SourceSettingsError(
            f"There is no connector {key}.",
            remedy=f"Install the module that provides it, or use one of these: "
            f"{', '.join(sorted(CONNECTORS))}.",
        )
    return CONNECTORS[key](settings, **surroundings)


def in_utc(moment):
    """An aware datetime in UTC.

    :raise ValueError: it is naive, and could be anything
    """
    if moment.tzinfo is None:
        raise ValueError("a naive datetime: say which time zone it is in")
    return moment.astimezone(UTC)


def iso_utc(moment):
    """``2026-02-23T17:00:01Z``; fractions of a second are dropped."""
    return f"{in_utc(moment).replace(tzinfo=None, microsecond=0).isoformat()}Z"


def from_iso(value):
    """The aware datetime that :func:`iso_utc` wrote."""
    return datetime.fromisoformat(value.replace("Z", "+00:00"))
