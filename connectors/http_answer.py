# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading what a server answers: unpacked within a limit, and as JSON."""

import zlib
from dataclasses import dataclass, field

from .errors import SourceAnswerError, SourceUnreachable
from .formats import FileLimits
from .json_text import read_json

BLOCK_BYTES = 64 * 2**10
FREE_BYTES = FileLimits.ratio_from_bytes
MAX_RATIO = FileLimits.max_ratio


@dataclass
class Answer:
    """A complete answer with a status below 400."""

    status: int
    headers: dict
    body: bytes
    where: str
    data: object = field(default=None, repr=False)


def read_body(response, limit, where):
    """The unpacked body, never more than the limit of it in memory.

    :param limit: bytes, unpacked
    :param where: what was asked, for errors
    """
    encoding = response.headers.get("Content-Encoding", "identity").lower().strip()
    if encoding not in ("identity", "", "gzip", "x-gzip"):
        raise SourceAnswerError(
            f"The response uses the encoding {encoding!r}, which was not requested.",
            where,
        )
    # urllib3's own unpacking makes a whole block of whatever a few bytes hold.
    unpack = zlib.decompressobj(31) if "gzip" in encoding else None
    parts, total, packed = [], 0, 0
    while True:
        block = response.raw.read(BLOCK_BYTES, decode_content=False)
        packed += len(block)
        if unpack is not None and block:
            try:
                block = unpack.decompress(block, limit - total + 1)
            except zlib.error as error:
                raise SourceUnreachable(
                    f"The response is not properly compressed: {error}.", where
                ) from None
        elif not block:
            break
        total += len(block)
        if total > limit:
            raise SourceAnswerError(
                f"The response is larger than {limit / 2**20:g} MiB.",
                where,
                "Request less data at once, or check that the address is that of the "
                "API.",
            )
        if unpack is not None and total > max(FREE_BYTES, MAX_RATIO * packed):
            raise SourceAnswerError(
                f"The response unpacks to more than {MAX_RATIO} times its size, which"
                " is not plausible for call records.",
                where,
                "Check that the address is that of the API.",
            )
        parts.append(block)
    if unpack is not None and total and not unpack.eof:
        raise SourceUnreachable("The response was cut off.", where)
    return b"".join(parts)


def parse(response, body, where):
    """What a body in JSON says; decimal fractions as the text they were sent as."""
    kind = response.headers.get("Content-Type", "").lower()
    html = "html" in kind or body[:200].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )
    if html or (kind and "json" not in kind):
        raise SourceAnswerError(
            "The server returned a web page instead of data."
            if html
            else f"The server returned {kind.split(';')[0]!r} instead of JSON.",
            where,
            "Check the address. It must be the address of the API.",
            foreign=True,
        )
    try:
        return read_json(body)
    except ValueError as error:
        failure = SourceAnswerError(
            f"The response is not valid JSON: {error}.",
            where,
            "Try again later. If the problem persists, contact the vendor of the "
            "switch.",
        )
        failure.retry = True
        raise failure from None


def _integer(digits):
    """An integer, of the usual size; a longer one as the text it was sent as."""
    return int(digits) if len(digits) < 20 else digits
