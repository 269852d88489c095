# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which network addresses a source may have.

Whoever may set up a source could otherwise make this server ask itself, its database's
neighbours on the same machine, or a cloud's metadata service, and read the answers.
Addresses of the local network are no such thing: that is where telephone systems are.
"""

import errno
import ipaddress
import socket

from .errors import SourceSettingsError, SourceUnreachable

# Clouds hand out credentials here; outside the link-local range.
METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("100.100.100.200", "192.0.0.192", "fd00:ec2::254", "168.63.129.16"),
    )
)
NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: What IANA's registries of special-purpose addresses list (RFC 6890), but for the
#: networks that are local ones: 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12,
#: 192.168.0.0/16 and fc00::/7.
SPECIAL = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this network
            "127.0.0.0/8",
            "169.254.0.0/16",
            "192.0.0.0/24",  # protocol assignments; metadata of a cloud as well
            "192.0.2.0/24",  # documentation, as the two below
            "192.31.196.0/24",  # AS112, as 192.175.48.0/24
            "192.52.193.0/24",  # automatic multicast tunnelling
            "192.88.99.0/24",  # relays of 6to4
            "192.175.48.0/24",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and the broadcast address
            "2001::/23",  # protocol assignments: Teredo, ORCHID, …
            "2001:db8::/32",  # documentation, as 3fff::/20
            "2002::/16",  # 6to4, where it is not taken apart below
            "2620:4f:8000::/48",  # AS112
            "3fff::/20",
        ),
    )
)
#: all addresses of servers in IPv6; whatever else there is has a purpose of its own
UNICAST = tuple(map(ipaddress.ip_network, ("2000::/3", "fc00::/7")))


def parse_networks(text):
    """Networks that are allowed although they would be refused.

    :param text: addresses or networks such as ``127.0.0.1, 10.1.0.0/16``, or None
    :raise SourceSettingsError: one is not an address
    """
    networks = []
    for part in (text or "").replace(",", " ").split():
        try:
            networks.append(ipaddress.ip_network(part, strict=False))
        except ValueError as error:
            raise SourceSettingsError(
                f"{part} is not a network address.",
                remedy="Enter allowed networks in the format 192.0.2.7 or 10.1.0.0/16.",
            ) from error
    return tuple(networks)


class AddressPolicy:
    """What may be connected to.

    :param allowed: networks that are never refused, see :func:`parse_networks`
    :param resolve: as ``socket.getaddrinfo``
    :param servers: set of (host, port) that these networks are allowed for; None: all.
        What one server was allowed for would open whatever else listens beside it.
    """

    def __init__(self, allowed=(), resolve=socket.getaddrinfo, servers=None):
        self.allowed = tuple(allowed)
        self._resolve = resolve
        self._servers = servers

    def refusal(self, address, server=None):
        """Why an address is refused; empty when it is not.

        :param address: text of an IP address
        :param server: (host, port) that it was found for
        """
        whole = ipaddress.ip_address(address.split("%")[0])
        plain = _embedded(whole)
        if self._servers is None or server in self._servers:
            if any(ip in network for network in self.allowed for ip in (whole, plain)):
                return ""
        if plain.is_loopback or plain.is_unspecified:
            return "this server itself"
        if plain.is_link_local or plain in METADATA:
            return "a link-local or metadata address"
        if _is_special(plain):
            return "not a server address"
        if _is_own(plain):
            return "this server itself"
        return ""

    def addresses(self, host, port, every=False):
        """Where a host may be connected to: entries of ``getaddrinfo``.

        Connect to these and do not look the name up again: the next answer may differ.

        :param bool every: whoever connects chooses among all of them, so that each must
            be allowed
        :raise SourceUnreachable: the name is not known
        :raise SourceSettingsError: it is known, and none of its addresses is allowed,
            or not every one
        """
        try:
            found = self._resolve(host.strip("[]"), port, 0, socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise SourceUnreachable(
                f"The name {host} cannot be resolved: "
                f"{getattr(error, 'strerror', None) or error}.",
                remedy="Check the address for typing errors, and check this "
                "server's DNS.",
            ) from None
        refused = {}
        allowed = []
        server = (host.strip("[]").lower(), port)
        for entry in found:
            reason = self.refusal(entry[4][0], server)
            if reason:
                refused[entry[4][0]] = reason
            else:
                allowed.append(entry)
        if not allowed or (every and refused):
            shown = ", ".join(f"{ip} is {why}" for ip, why in refused.items())
            raise SourceSettingsError(
                f"Connections to {host} are not allowed: "
                f"{shown or 'it has no address'}.",
                remedy="If this is intended, an administrator can add the address to "
                "the allowed networks.",
            )
        return allowed

    def connect(self, host, port, timeout):
        """A connected socket.

        :param timeout: seconds for each address
        :raise OSError: of the last address
        """
        last = None
        for family, kind, protocol, _name, where in self.addresses(host, port):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(timeout)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.connect(where)
                return sock
            except OSError as error:
                sock.close()
                last = error
        raise last


def checked_socket(policy):
    """What makes sockets for a library that resolves names itself.

    It is asked with the very address that is connected to next, so that no second
    answer of a name server comes in between.

    :param policy: :class:`AddressPolicy`
    :return: function of an entry of ``getaddrinfo``, for ``aiohttp``
    """

    def make(entry):
        family, kind, protocol, _name, where = entry
        reason = policy.refusal(where[0])
        if reason:
            raise PermissionError(
                errno.EACCES,
                f"Connections to {where[0]} are not allowed: it is {reason}",
            )
        return socket.socket(family, kind, protocol)

    return make


def _embedded(address):
    """The IPv4 address within an IPv6 one, where there is one."""
    if address.version == 6:
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address in NAT64:
            return ipaddress.ip_address(int(address) & 0xFFFFFFFF)
    return address


def _is_special(address):
    """Whether no server of a switch can have this address."""
    if address.version == 6 and not any(address in network for network in UNICAST):
        return True
    return any(address in network for network in SPECIAL)


def _is_own(address):
    """Whether it is an address of this machine: only those can be bound to."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
