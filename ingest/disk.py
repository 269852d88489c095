# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files on the server's disk: whether they are whole; what a full disk looks like."""

import errno
import hashlib
import os
from functools import lru_cache

import psycopg2

#: no room, no quota, a disk that fails or that was made read-only: a person mends it,
#: and then the same works
OF_THE_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})


def is_of_the_disk(error):
    """Whether something failed because of a disk, ours or the database's.

    :param error: exception
    """
    if isinstance(error, psycopg2.errors.DiskFull | psycopg2.errors.IoError):
        return True
    # What says it in words for a person has the error itself as its cause.
    return any(
        isinstance(one, OSError) and one.errno in OF_THE_DISK
        for one in (error, getattr(error, "__cause__", None))
    )


def identity(path):
    """What changes whenever a file does, and costs nothing to ask for.

    :return: tuple; None where there is no file
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (
        found.st_dev,
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    )


def file_digest(path, algorithm):
    """The digest of a file, read once as long as it stays what it is.

    :param algorithm: name in ``hashlib``
    :return: hexadecimal text; None where there is no file
    """
    found = identity(path)
    return found and _digest(str(path), algorithm, found)


@lru_cache(maxsize=1000)
def _digest(path, algorithm, _identity):
    with open(path, "rb") as file:
        return hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()
