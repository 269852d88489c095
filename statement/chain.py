# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A log in which no row can be changed, added, or left out without being noticed.

Each row has a digest of what it says and of the digest before it. Whoever changes a row
has to make all digests after it anew, and the last one is also kept elsewhere.
"""

import json
from hashlib import sha256

#: of what is hashed; rows of an older version are checked as they were made
VERSION = 1


def link(previous, record, version=VERSION):
    """The digest of a row.

    :param previous: digest of the row before it; empty for the first one
    :param record: dict of JSON without floats, whose digits would not be sure
    :return: text: `$version$` and 64 hexadecimal digits
    :raises ValueError: for a version that is not known, or a value that is no JSON
    """
    if version != VERSION:
        raise ValueError(f"version {version!r} of the log is not known")
    text = json.dumps(
        record,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=True,
        allow_nan=False,
        default=_refuse,
    )
    digest = sha256(f"{previous}\n{text}".encode()).hexdigest()
    return f"${version}${digest}"


def broken(rows, count, head):
    """What does not fit in a log.

    :param rows: iterable of (position, previous digest, digest, record, version), by
        position
    :param count: how many rows there were when the last one was written
    :param head: its digest; empty where there was none
    :return: list of (position, what): `changed`: it is not what was written;
        `detached`: it does not follow the row before it; `missing`: it is not there;
        `added`: it is after the last one; `head`: the last one is not what was kept
    """
    found, expected, before = [], 1, ""
    last = ""
    for position, previous, digest, record, version in rows:
        found += [(gap, "missing") for gap in range(expected, position)]
        is_gap = position != expected
        expected = position + 1
        if position > count:
            found.append((position, "added"))
        if not is_gap and previous != before:
            found.append((position, "detached"))
        elif not _fits(previous, digest, record, version):
            found.append((position, "changed"))
        before = last = digest
    found += [(gap, "missing") for gap in range(expected, count + 1)]
    if not found and last != head:
        found.append((count, "head"))
    return found


def _fits(previous, digest, record, version):
    try:
        return link(previous, record, version) == digest
    except ValueError:
        return False


def _refuse(value):
    raise ValueError(f"{value!r} has no place in a log")
