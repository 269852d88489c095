# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The bytes of a request: unpacked, within limits, as text."""

import zlib

#: of a request, as it comes and unpacked
MOST_BYTES = 16 * 2**20
GZIP = frozenset(("gzip", "x-gzip"))
#: files of gzip one after the other, each of which has all that follows copied
MOST_MEMBERS = 100
_GZIP_WINDOW = 31  # zlib's number for "with the header of gzip"


class RequestFault(Exception):
    """A fault of a whole request: nothing of it is stored.

    :param int status: of HTTP
    :param str detail: a sentence: what is wrong, and what to send instead
    :param dict headers: of the answer
    """

    def __init__(self, status, detail, headers=None):
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}


def unpacked(body, encoding=""):
    """What a request carries, without its content encoding.

    No more is unpacked than may be there, whatever the packed bytes promise.

    :param bytes body: as it came
    :param str encoding: ``Content-Encoding``
    :return: bytes
    :raise RequestFault: 400, 413 or 415
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        if len(body) > MOST_BYTES:
            raise too_large()
        return body
    if name not in GZIP:
        raise RequestFault(
            415,
            "The content encoding is not supported. Send the body uncompressed or "
            "with gzip.",
            {"Accept-Encoding": "gzip"},
        )
    parts, left = [], MOST_BYTES
    while body:
        if len(parts) == MOST_MEMBERS:
            raise RequestFault(400, "The body contains too many gzip members.")
        reader = zlib.decompressobj(_GZIP_WINDOW)
        try:
            part = reader.decompress(body, left + 1)
        except zlib.error as error:
            raise RequestFault(400, "The body is not valid gzip data.") from error
        left -= len(part)
        if left < 0:
            raise too_large()
        if not reader.eof:
            raise RequestFault(400, "The gzip data of the body is incomplete.")
        parts.append(part)
        # Several files of gzip one after the other are one.
        body = reader.unused_data
    return b"".join(parts)


def too_large(most=MOST_BYTES):
    """The fault of a request with too many bytes."""
    return RequestFault(
        413,
        f"A request can be at most {most // 2**20} MiB, also when unpacked. "
        "Send the events in several requests.",
    )
