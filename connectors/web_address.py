# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Addresses of servers as people enter them and servers send them."""

import ipaddress
import re
from urllib.parse import quote, unquote, urljoin, urlsplit

from .errors import SourceAnswerError, SourceSettingsError

PORTS = {"http": 80, "https": 443}
# RFC 9110: tokens, and what may stand beside each other in a line.
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?!\s)[\t\x20-\x7e\x80-\xff]*")


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
            remedy="Enter an address such as https://pbx.example.com/ns-api.",
        )
    if parts.username or parts.password:
        raise SourceSettingsError(
            "The address of the source contains a user name or password.",
            remedy="Enter them in their own fields, because addresses appear in "
            "messages.",
        )
    return address


def check_headers(headers):
    """Refuse what no header can hold, without repeating it: it may be a credential.

    :param headers: dict name -> text
    :raise SourceSettingsError: a line break, or a letter that is not in Latin-1
    """
    for name, value in headers.items():
        if _HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(value):
            continue
        raise SourceSettingsError(
            f"The header {name!r} or its value, such as the API key, contains a "
            "line break or a character that is not allowed in headers.",
            remedy="Enter it again, without surrounding spaces or line breaks.",
        )


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


def whole_address(url, base=""):
    """A web address that a server sent: the whole of it.

    :param base: what it is relative to
    :raise SourceAnswerError: it is none
    """
    try:
        whole = urljoin(base, url)
        parts = urlsplit(whole)
        valid = parts.port != 0 and bool(parts.hostname or parts.scheme not in PORTS)
        whole.encode()
    except ValueError:  # a bracket, a port beyond all, half a character
        valid = False
    if not valid:
        raise SourceAnswerError(
            "The server redirects to an invalid web address.",
            remedy="Check the address. It must be the address of the API.",
        )
    return whole


def servers_of(addresses):
    """Where the servers of addresses listen, their TLS port included.

    :param addresses: texts, of which those that are no addresses count for nothing
    :return: set of (host, port)
    """
    found = set()
    for address in filter(None, addresses):
        try:
            _scheme, host, port = server_of(address.strip())
        except ValueError:
            continue
        found |= {(host, port), (host, PORTS["https"])}
    return found


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
