# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading what a server answers: unpacked within a limit, and as JSON."""

import json
import zlib
from dataclasses import dataclass, field

from .errors import SourceAnswerError, SourceUnreachable

BLOCK_BYTES = 64 * 2**10


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
            f"The answer is packed as {encoding!r}, which was not asked for.", where
        )
    # urllib3's own unpacking makes a whole block of whatever a few bytes hold.
    unpack = zlib.decompressobj(31) if "gzip" in encoding else None
    parts, total = [], 0
    while True:
        block = response.raw.read(BLOCK_BYTES, decode_content=False)
        if unpack is not None and block:
            try:
                block = unpack.decompress(block, limit - total + 1)
            except zlib.error as error:
                raise SourceUnreachable(
                    f"The answer is not properly packed: {error}.", where
                ) from None
        elif not block:
            break
        total += len(block)
        if total > limit:
            raise SourceAnswerError(
                f"The answer is larger than {limit / 2**20:g} MiB.",
                where,
                "Ask for less at once, or check that the address is the one of "
                "the API.",
            )
        parts.append(block)
    if unpack is not None and total and not unpack.eof:
        raise SourceUnreachable("The answer broke off.", where)
    return b"".join(parts)


def parse(response, body, where):
    """What a body in JSON says; decimal fractions as the text they were sent as."""
    kind = response.headers.get("Content-Type", "").lower()
    html = "html" in kind or body[:200].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )
    if html or (kind and "json" not in kind):
        raise SourceAnswerError(
            "The server answers with a web page instead of data."
            if html
            else f"The server answers with {kind.split(';')[0]!r} instead of JSON.",
            where,
            "Check the address: it must be the one of the API.",
            foreign=True,
        )
    try:
        return json.loads(body, parse_int=_integer, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        reason = str(error) or "it is nested too deep"
        failure = SourceAnswerError(
            f"The answer is no valid JSON: {reason}.",
            where,
            "Try again later; if it stays so, ask the switch's vendor.",
        )
        failure.retry = True
        raise failure from None


def _integer(digits):
    """An integer, of the usual size; a longer one as the text it was sent as."""
    return int(digits) if len(digits) < 20 else digits
