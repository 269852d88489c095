# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of call records in a folder somewhere: S3, SFTP, a disk, whatever fsspec knows.

``FileStore.look`` says which files are to be imported, ``fetch`` copies one to this
machine, ``finish`` does with it what is to be done afterwards. What is remembered
between two looks is plain data: the ledger of files that were imported (name, size,
time, checksum), and what the last look saw.

A file is left alone while it is being written: its name begins with a dot or ends in
``.part``, ``.tmp`` and their kin; or it is younger than ``settle_seconds`` and was not
the same at the look before. A file with content that was imported under another name
is recognised by its checksum. Symbolic links are left alone: whoever may put files into
the folder must not have other files of the server read.
"""

import hashlib
import os
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from .checks import Check
from .errors import (
    SourceError,
    SourceFileError,
    SourceNotFound,
    SourceRefused,
    SourceSettingsError,
    SourceUnreachable,
)
from .formats import FileLimits
from .interface import attempt

BLOCK_BYTES = 2**20
AFTERWARDS = ("keep", "move", "delete")
UNFINISHED = (
    ".part",
    ".partial",
    ".filepart",
    ".crdownload",
    ".tmp",
    ".temp",
    ".writing",
    ".lock",
    ".swp",
    "~",
)
# What the file systems call the time of the last change.
TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated")
MOST_FILES = 100_000
OBJECT_STORES = frozenset(("s3", "s3a", "gs", "gcs", "abfs", "az", "oss"))


@dataclass(frozen=True)
class StoredFile:
    """A file in the store; ``name`` is relative to the folder.

    ``modified``: ISO 8601 in UTC, '' where the store does not say.
    """

    name: str
    size: int
    modified: str = ""


class Ledger:
    """Which files were imported.

    :param rows: dicts with ``name``, ``size``, ``modified`` and ``sha256``
    """

    def __init__(self, rows: Iterable[dict] = ()):
        self._files = {}
        self._names = {}
        for row in rows:
            self.add(
                StoredFile(row["name"], row["size"], row.get("modified") or ""),
                row["sha256"],
            )

    def rows(self):
        """Plain values: what to hand to the next ``Ledger``."""
        return [asdict(file) | {"sha256": digest} for file, digest in self._all()]

    def _all(self):
        return self._files.values()

    def add(self, file, sha256):
        """Remember a file as imported."""
        self._files[file.name] = (file, sha256)
        self._names.setdefault(sha256, file.name)

    def knows(self, file):
        """Whether this very file was imported: name, size and time are the same."""
        known = self._files.get(file.name)
        return known is not None and known[0] == file

    def same_content(self, sha256):
        """The name under which this content was imported, '' when it was not."""
        return self._names.get(sha256, "")


@dataclass
class Look:
    """What a look into the folder found.

    ``ready``: to be imported, oldest first; ``waiting``: being written, as it seems;
    ``known``: imported before, and still there: ``finish`` them where that was cut
    short; ``seen``: for the next look.
    """

    ready: list = field(default_factory=list)
    waiting: list = field(default_factory=list)
    known: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Fetched:
    """A file on this machine."""

    file: StoredFile
    path: str
    sha256: str


class FileStore:
    """A folder in a file system.

    :param fs: fsspec file system
    :param folder: path in it
    :param pattern: names of files, such as ``Master.csv, cdr-*.csv.gz``
    :param afterwards: ``keep`` it, ``move`` it into ``done_folder``, or ``delete`` it
    :param done_folder: relative to the folder
    :param settle_seconds: a file that was not changed for so long is complete
    :param subfolders: look into them, too
    """

    def __init__(
        self,
        fs,
        folder="",
        pattern="*",
        afterwards="keep",
        done_folder="done",
        settle_seconds=60,
        subfolders=False,
        limits=None,
    ):
        if afterwards not in AFTERWARDS:
            raise SourceSettingsError(
                f"Files cannot be treated like this afterwards: {afterwards}.",
                remedy=f"Choose one of these: {', '.join(AFTERWARDS)}.",
            )
        self._fs = fs
        self._folder = str(fs._strip_protocol(folder)).rstrip("/")
        self._patterns = [part.strip() for part in pattern.split(",") if part.strip()]
        self._afterwards = afterwards
        self._done = _relative(done_folder, "done folder")
        self._settle_seconds = settle_seconds
        self._subfolders = subfolders
        self._limits = limits or FileLimits()

    # ---- looking

    def check(self):
        """Look whether the folder can be used.

        :return: list of ``Check``
        """
        checks = []
        if not attempt(checks, "The folder can be read", self._look_folder):
            return checks
        files = self._list()
        matching = [file for file in files if self._matches(file.name)]
        checks.append(
            Check(
                "There are files of that name",
                bool(matching) or not files,
                f"{len(matching)} of {len(files)} files match"
                f" {', '.join(self._patterns)}.",
                ""
                if matching or not files
                else "Correct the name pattern: * stands for any text.",
            )
        )
        if self._afterwards != "keep":
            attempt(
                checks,
                "Imported files can be put away",
                self._look_writing,
                "Let the source keep files, or give its user the right to write into "
                "the folder.",
            )
        return checks

    def _look_folder(self):
        with self._asking(self._folder):
            if self._is_object_store:
                exists = self._has_bucket()
            else:
                exists = self._fs.isdir(self._folder or "/")
            if not exists:
                raise SourceNotFound(
                    "The folder does not exist.",
                    self._folder,
                    "Correct the folder in the source's settings, or create it.",
                )
        return f"{len(self._list())} files"

    def _look_writing(self):
        """Create and remove a file where files are moved to or deleted."""
        folder = self._path(self._done) if self._afterwards == "move" else self._folder
        probe = f"{folder}/.metered-billing-{os.getpid()}.tmp"
        with self._asking(folder):
            self._fs.makedirs(folder, exist_ok=True)
            self._fs.pipe_file(probe, b"")
            self._fs.rm_file(probe)

    def look(self, ledger, seen=None, now=None):
        """Which files are to be imported.

        :param ledger: :class:`Ledger`
        :param seen: ``Look.seen`` of the look before, None when there was none
        :param now: aware datetime
        :return: :class:`Look`
        """
        now = now or datetime.now(UTC)
        seen = seen or {}
        look = Look()
        for file in sorted(self._list(), key=lambda file: (file.modified, file.name)):
            if not self._matches(file.name):
                continue
            if ledger.knows(file):
                look.known.append(file)
                continue
            if self._is_settled(file, seen, now):
                look.ready.append(file)
            else:
                look.waiting.append(file)
            before = seen.get(file.name)
            same = before and before[:2] == [file.size, file.modified]
            since = before[2] if same else now.timestamp()
            look.seen[file.name] = [file.size, file.modified, since]
        return look

    def _is_settled(self, file, seen, now):
        if file.modified:
            age = (now - datetime.fromisoformat(file.modified)).total_seconds()
            if age >= self._settle_seconds:
                return True
        before = seen.get(file.name)
        return (
            before is not None
            and before[:2] == [file.size, file.modified]
            and now.timestamp() - before[2] >= self._settle_seconds
        )

    def _matches(self, name):
        parts = PurePosixPath(name).parts
        if any(part.startswith(".") for part in parts):
            return False
        last = parts[-1]
        if last.lower().endswith(UNFINISHED):
            return False
        if self._afterwards == "move" and parts[: len(self._done)] == self._done:
            return False
        return any(fnmatchcase(last, pattern) for pattern in self._patterns)

    def _list(self):
        """All files of the folder, links and folders left out.

        fsspec's own ``find`` takes a folder that cannot be read for an empty one.
        """
        files, waiting = [], [self._folder]
        while waiting:
            for info in self._entries(waiting.pop()):
                path = str(info["name"]).rstrip("/")
                if info.get("islink") or not self._name(path):
                    continue
                if info.get("type") == "directory" and self._subfolders:
                    waiting.append(path)
                elif info.get("type") == "file" and not info["name"].endswith("/"):
                    size = int(info.get("size") or 0)
                    files.append(StoredFile(self._name(path), size, _modified(info)))
                if len(files) + len(waiting) > MOST_FILES:
                    raise SourceSettingsError(
                        f"The folder holds more than {MOST_FILES:,} files.",
                        self._folder,
                        "Have imported files moved or deleted, or choose a folder of "
                        "its own.",
                    )
        return files

    def _entries(self, folder):
        with self._asking(folder):
            # Some file systems remember what they saw.
            self._fs.invalidate_cache()
            try:
                return self._fs.ls(folder, detail=True)
            except FileNotFoundError:
                # Where a folder is no more than a part of names it goes with its files;
                # the bucket does not.
                if self._is_object_store and self._has_bucket():
                    return []
                raise

    def _has_bucket(self):
        return self._fs.exists(self._folder.partition("/")[0])

    @property
    def _is_object_store(self):
        protocol = self._fs.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        return not names.isdisjoint(OBJECT_STORES)

    # ---- one file

    def fetch(self, file, target):
        """Copy a file to this machine.

        :param target: path of a file that is written
        :return: :class:`Fetched`
        :raise SourceUnreachable: it changed meanwhile, or the store broke off
        :raise SourceFileError: it is larger than allowed
        """
        if file.size > self._limits.max_bytes:
            raise SourceFileError(
                f"The file {file.name} is larger than"
                f" {self._limits.max_bytes / 2**30:g} GiB."
            )
        digest = hashlib.sha256()
        copied = 0
        path = self._path_of(file)
        with self._asking(path):
            with self._fs.open(path, "rb") as source, open(target, "wb") as copy:
                if hasattr(source, "prefetch"):
                    # SFTP otherwise waits for each 32 kB before it asks for the next.
                    source.prefetch(file.size)
                while block := source.read(BLOCK_BYTES):
                    copied += len(block)
                    if copied > file.size:
                        break  # it does not end where it said
                    digest.update(block)
                    copy.write(block)
        if copied != file.size or self._current(file) != file:
            raise SourceUnreachable(
                f"The file {file.name} changed while it was copied.",
                path,
                "It is tried again when it stays the same.",
            )
        return Fetched(file, str(target), digest.hexdigest())

    def finish(self, file):
        """Do with an imported file what is to be done.

        A file that was replaced meanwhile is left where it is, to be imported too.

        :return: what was done, for the log
        """
        if self._afterwards == "keep":
            return "kept"
        current = self._current(file)
        if current is None:
            return "gone already"
        if current != file:
            return "kept: it was changed meanwhile"
        path = self._path_of(file)
        with self._asking(path):
            if self._afterwards == "delete":
                self._fs.rm_file(path)
                return "deleted"
            target = self._free_name(file)
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._fs.mv(path, target)
        return f"moved to {self._name(target)}"

    def _free_name(self, file):
        """Where to move a file to: nothing is overwritten."""
        name = PurePosixPath(file.name)
        target = self._path((*self._done, *name.parts))
        number = 1
        while self._fs.exists(target):
            number += 1
            numbered = f"{name.stem}-{number}{name.suffix}"
            target = self._path((*self._done, *name.parts[:-1], numbered))
        return target

    def _current(self, file):
        """The file as it is now, None when it is gone."""
        path = self._path_of(file)
        with self._asking(path):
            self._fs.invalidate_cache()
            try:
                info = self._fs.info(path)
            except FileNotFoundError:
                return None
        return StoredFile(file.name, int(info["size"]), _modified(info))

    # ---- paths and errors

    def _name(self, path):
        return str(path)[len(self._folder) :].lstrip("/")

    def _path(self, parts):
        return "/".join((self._folder, *parts))

    def _path_of(self, file):
        return self._path(_relative(file.name, "file name"))

    @contextmanager
    def _asking(self, where):
        """Whatever a file system raises, as one of the errors of a source."""
        try:
            yield
        except (SourceError, SourceFileError):
            raise
        except FileNotFoundError:
            raise SourceNotFound(
                "It does not exist.",
                where,
                "Correct the folder in the source's settings, or create it.",
            ) from None
        except PermissionError as error:
            raise SourceRefused(
                f"The file store does not allow it: {_short(error)}.",
                where,
                "Give the source's user the rights, or correct its credentials.",
            ) from None
        except Exception as error:
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


def _relative(path, label):
    """The parts of a relative path that stays within its folder."""
    parts = PurePosixPath(path or "").parts
    if not parts or path.startswith("/") or ".." in parts:
        raise SourceSettingsError(
            f"The {label} {path!r} is none within the source's folder.",
            remedy="Enter a name such as done.",
        )
    return parts


def _short(error):
    return (
        (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")
    )
