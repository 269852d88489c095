# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Rows of NetSapiens' domains, users and numbers, as accounts and identifiers.

Rows of v2, and of v1 where its names differ.
"""

from datetime import datetime

from .interface import Account, Identifier
from .records import text

UNASSIGNED = "available-number"
SYSTEM_USER = "system-"


def account_of(row):
    """The account that a domain is, None for a row without a name."""
    key = text(row.get("domain"))
    if not key:
        return None
    return Account(
        key,
        text(row.get("description")) or key,
        text(row.get("is-domain-locked")) != "yes",
        {
            name: text(row[name])
            for name in ("reseller", "territory", "time-zone", "domain-type")
            if row.get(name)
        },
    )


def extension_of(row, account):
    """The identifier of a user, None for one of the system's own."""
    user = text(row.get("user"))
    service = text(row.get("service-code") or row.get("srv_code"))
    if not user or service.startswith(SYSTEM_USER):
        return None
    return Identifier(
        "extension",
        f"{user}@{text(row.get('domain')) or account}",
        _person(row),
        _day(row.get("created-datetime")),
    )


def number_of(row):
    """The identifier of a telephone number, None for a row without one."""
    number = text(row.get("phonenumber")) or _matched(row)
    if not number:
        return None
    return Identifier(
        "number",
        number,
        text(row.get("dial-rule-description")),
        active=text(row.get("enabled")) != "no"
        and text(row.get("dial-rule-application")) != UNASSIGNED,
    )


def _day(value):
    """A date out of a time; None where there is none, or the zero date."""
    try:
        return datetime.fromisoformat(text(value).replace("Z", "+00:00")).date()
    except ValueError:
        return None


def _person(row):
    names = (
        row.get("name-first-name") or row.get("first_name"),
        row.get("name-last-name") or row.get("last_name"),
    )
    return " ".join(filter(None, map(text, names)))


def _matched(row):
    """The number in v1's rule such as ``sip:12025550101@*``."""
    number = text(row.get("matchrule")).removeprefix("sip:").partition("@")[0]
    return number if number.isascii() and number.isdecimal() else ""
