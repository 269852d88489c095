# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Addresses of servers as people enter them and servers send them."""

import ipaddress
from urllib.parse import quote, unquote, urlsplit

from .errors import SourceSettingsError

PORTS = {"http": 80, "https": 443}


def check_address(address):
    """The address without a slash at its end.

    :raise SourceSettingsError: it is none, or holds credentials
    """
    address = (address or "").strip().rstrip("/")
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise SourceSettingsError(
            "The address of the source is not a web address.",
            remedy="Enter it like https://pbx.example.com/ns-api.",
        )
    if parts.username or parts.password:
        raise SourceSettingsError(
            "The address of the source holds a user name or a password.",
            remedy="Enter them in their own fields: addresses appear in messages.",
        )
    return address


def path_part(text, label="account"):
    """A text as one part of a path, quoted.

    :param text: id or name, as a switch or a person says
    :raise SourceSettingsError: servers would take it for a step upwards
    """
    plain, before = str(text), None
    while plain != before:  # some servers unquote what they get once more
        plain, before = unquote(plain), plain
    steps = plain.replace("\\", "/").split("/")
    # Of "..;x" some servers take the part before the semicolon.
    if any(step.partition(";")[0].strip() in ("", ".", "..") for step in steps):
        raise SourceSettingsError(
            f"The {label} {text} cannot be part of a web address.",
            remedy=f"Correct the {label}.",
        )
    return quote(str(text), safe="")


def server_of(url):
    """Scheme, host and port: what is the same for all addresses of one server."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme)


def is_of_this_machine(url):
    """Whether what is sent to it reaches no network, whatever a name server says."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
