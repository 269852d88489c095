# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A folder in a file system of fsspec: its files, and what goes wrong with them.

File systems differ in what they say of a file, in what an empty folder is, and in their
exceptions; here they are all alike. Whatever is done with a path, links followed, stays
within the folder: whoever may put files there must not have others read, moved to or
deleted.
"""

import errno
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import PurePosixPath

from .checks import counted
from .errors import (
    SourceError,
    SourceFileError,
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
    leads_out,
)
from .file_ledger import StoredFile

# What the file systems call the time of the last change.
TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated")
MOST_FILES = 100_000
# No room, no quota, a disk that fails: nothing is wrong with the file.
OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "az", "oss"))


class Folder:
    """A folder and, if wanted, those in it.

    :param fs: fsspec file system
    :param path: in it
    :param subfolders: their files are the folder's, too
    """

    def __init__(self, fs, path="", subfolders=False):
        self.fs = fs
        self.path = str(fs._strip_protocol(path)).rstrip("/")
        self._subfolders = subfolders
        self._root = None

    def look(self):
        """How many files there are, as text.

        :raise SourceError: the folder is not there, or cannot be read
        """
        with self.asking(self.path):
            if self._is_object_store:
                exists = self._has_bucket()
            else:
                exists = self.fs.isdir(self.path or "/")
            if not exists:
                raise SourceNotFound(
                    "The folder does not exist.",
                    self.path,
                    "Correct the folder in the source settings, or create it.",
                )
        return counted(len(self.files()), "file")

    def files(self):
        """All files of the folder, links and folders left out.

        fsspec's own ``find`` takes a folder that cannot be read for an empty one.
        """
        files, waiting = [], [self.path]
        while waiting:
            for info in self._entries(waiting.pop()):
                path = str(info["name"]).rstrip("/")
                if info.get("islink") or not self.name_of(path):
                    continue
                if info.get("type") == "directory" and self._subfolders:
                    waiting.append(path)
                elif info.get("type") == "file" and not info["name"].endswith("/"):
                    size = int(info.get("size") or 0)
                    files.append(StoredFile(self.name_of(path), size, _modified(info)))
                if len(files) + len(waiting) > MOST_FILES:
                    raise SourceSettingsError(
                        f"The folder contains more than {MOST_FILES:,} files.",
                        self.path,
                        "Have imported files moved or deleted, or use a separate "
                        "folder.",
                    )
        return files

    def _entries(self, folder):
        with self.asking(folder):
            # Some file systems remember what they saw.
            self.fs.invalidate_cache()
            try:
                return self.fs.ls(self.inside(folder), detail=True)
            except FileNotFoundError:
                # Where a folder is no more than a part of names it goes with its files;
                # the bucket does not.
                if self._is_object_store and self._has_bucket():
                    return []
                raise

    def _has_bucket(self):
        bucket = self.path.partition("/")[0]
        try:
            self.fs.info(bucket)
        except FileNotFoundError:
            return False
        except PermissionError:
            # Whoever may not ask for it may be allowed to read it.
            return self.fs.exists(bucket)
        return True

    @property
    def _is_object_store(self):
        protocol = self.fs.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        return not names.isdisjoint(OBJECT_STORES)

    def current(self, file):
        """The file as it is now, None when it is gone."""
        path = self.path_of(file)
        with self.asking(path):
            self.fs.invalidate_cache()
            try:
                info = self.fs.info(path)
            except FileNotFoundError:
                return None
        return StoredFile(file.name, int(info["size"]), _modified(info))

    def name_of(self, path):
        """The name of a file: its path from this folder on."""
        return str(path)[len(self.path) :].lstrip("/")

    def path_to(self, parts):
        """A path in the folder, fit for whatever is to be done with it."""
        return self.inside("/".join((self.path, *parts)))

    def path_of(self, file):
        return self.path_to(relative_parts(file.name, "file name"))

    def inside(self, path):
        """The path, where no link leads it out of the folder.

        :raise SourceSettingsError: one does
        """
        with self.asking(path):
            if self._root is None:
                self._root = real_path(self.fs, self.path).rstrip("/")
            real = real_path(self.fs, path)
        if real != (self._root or "/") and not real.startswith(f"{self._root}/"):
            raise leads_out(path)
        return path

    @contextmanager
    def asking(self, where):
        """Whatever a file system raises, as one of the errors of a source."""
        try:
            yield
        except (SourceError, SourceFileError):
            raise
        except FileNotFoundError:
            raise SourceNotFound(
                "It does not exist.",
                where,
                "Correct the folder in the source settings, or create it.",
            ) from None
        except PermissionError as error:
            raise SourceRefused(
                f"The file store denied access: {_short(error)}.",
                where,
                "Grant the source's user access, or correct its credentials.",
            ) from None
        except Exception as error:
            if getattr(error, "errno", None) in OF_A_DISK:
                raise SourceUnreachable(
                    f"The disk is full or failing: {_short(error)}.",
                    where,
                    "Free up some space. The next attempt is automatic.",
                ) from None
            # Each file system has exceptions of its own, which need not be installed.
            raise SourceUnreachable(
                f"The file store failed: {_short(error)}.",
                where,
                "Try again later, and check its address and credentials.",
            ) from None


def _modified(info):
    """The time of the last change out of what a file system says of a file."""
    for name in TIMES:
        value = info.get(name)
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            if value.tzinfo is None:
                value = value.replace(tzinfo=UTC)
            return value.astimezone(UTC).isoformat()
    return ""


def real_path(fs, path):
    """Where a path leads once all links are followed; what is missing stays as it is.

    :param fs: fsspec file system; those of objects know no links
    """
    if hasattr(fs, "fs") and hasattr(fs, "_join"):  # a folder of another file system
        return real_path(fs.fs, fs._join(path))
    ftp = getattr(fs, "ftp", None)
    if ftp is None:
        names = {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)
        return os.path.realpath(path or "/") if "file" in names else path
    start, missing = ("/" if path.startswith("/") or not path else "."), []
    while path.strip("/"):
        try:
            ftp.lstat(path)
        except FileNotFoundError:
            path, _slash, name = path.rpartition("/")
            missing.append(name)
        else:
            break
    return "/".join((ftp.normalize(path or start).rstrip("/"), *reversed(missing)))


def relative_parts(path, label):
    """The parts of a relative path that stays within its folder."""
    parts = PurePosixPath(path or "").parts
    if not parts or path.startswith("/") or ".." in parts:
        raise SourceSettingsError(
            f"The {label} {path!r} is not inside the source's folder.",
            remedy="Enter a name, for example done.",
        )
    return parts


def _short(error):
    return (
        (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")
    )
