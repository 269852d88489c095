# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of call records in a folder somewhere: S3, SFTP, a disk, whatever fsspec knows.

``FileStore.look`` says which files are to be imported, ``fetch`` copies one to this
machine, ``finish`` does with it what is to be done afterwards. What is remembered
between two looks is plain data: the ledger of files that were imported (name, size,
time, checksum), and what the last look saw.

A file is left alone while it is being written: its name begins with a dot or ends in
``.part``, ``.tmp`` and their kin; or it is younger than ``unchanged_seconds`` and was
not the same at the look before. A file with content that was imported under another
name is recognised by its checksum. Symbolic links are left alone: whoever may put files
into the folder must not have other files of the server read, and none is moved through
one.
"""

import hashlib
import itertools
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from .checks import Check, counted
from .errors import SourceFileError, SourceSettingsError, SourceUnreachable
from .file_folder import Folder, relative_parts
from .file_ledger import StoredFile
from .formats import FileLimits
from .harmless import harmless
from .interface import attempt
from .kinds import Kind, register_kind

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


#: what is to be entered to open a folder, by `store_kind`
OPENED_WITH = {
    "sftp": {"host", "port", "username", "password", "private_key", "store_host_key"},
    # The password is the secret key.
    "s3": {"address", "access_key", "password", "store_region"},
    "fs_storage": {"store_code"},
}


@register_kind
class StoredFiles(Kind):
    """Files that appear in a folder somewhere."""

    key = "file_store"
    name = "File store"
    brings_files = True
    decided_by = ("store_kind",)

    @classmethod
    def asks_for(cls, form):
        asked = {"allowed_networks", "store_kind", "store_folder"}
        asked |= OPENED_WITH.get(form["store_kind"], set())
        return super().asks_for(form) | asked


@dataclass
class Look:
    """What a look into the folder found.

    ``ready``: to be imported, oldest first; ``waiting``: being written, as it seems;
    ``known``: imported before, and still there: ``finish`` them where that was cut
    short; ``seen``: for the next look; ``misnamed``: with names that cannot be stored.
    """

    ready: list = field(default_factory=list)
    waiting: list = field(default_factory=list)
    known: list = field(default_factory=list)
    seen: dict = field(default_factory=dict)
    misnamed: list = field(default_factory=list)


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
    :param unchanged_seconds: a file that was not changed for so long is complete
    :param subfolders: look into them, too
    """

    def __init__(
        self,
        fs,
        folder="",
        pattern="*",
        afterwards="keep",
        done_folder="done",
        unchanged_seconds=60,
        subfolders=False,
        limits=None,
    ):
        if afterwards not in AFTERWARDS:
            raise SourceSettingsError(
                f"Unknown setting for imported files: {afterwards}.",
                remedy=f"Choose one of these: {', '.join(AFTERWARDS)}.",
            )
        self._fs = fs
        self._folder = Folder(fs, folder, subfolders)
        self._patterns = [part.strip() for part in pattern.split(",") if part.strip()]
        self._afterwards = afterwards
        self._done = relative_parts(done_folder, "done folder")
        self._unchanged_seconds = unchanged_seconds
        self._limits = limits or FileLimits()

    # ---- looking

    def check(self):
        """Look whether the folder can be used.

        :return: list of ``Check``
        """
        checks = []
        if not attempt(checks, "The folder can be read", self._folder.look):
            return checks
        files = self._folder.files()
        matching = [file for file in files if self._matches(file.name)]
        checks.append(
            Check(
                "Matching files found",
                bool(matching) or not files,
                f"{len(matching)} of {counted(len(files), 'file')}"
                f" match{'es' if len(files) == 1 else ''} {', '.join(self._patterns)}.",
                ""
                if matching or not files
                else "Correct the file name pattern: * matches any text.",
            )
        )
        if self._afterwards != "keep":
            attempt(
                checks,
                "Imported files can be moved or deleted",
                self._look_writing,
                "Leave imported files in place, or grant the user write access to the "
                "folder.",
            )
        return checks

    def _look_writing(self):
        """Create and remove a file where files are moved to or deleted."""
        folder = self._folder.path
        if self._afterwards == "move":
            folder = self._folder.path_to(self._done)
        probe = f"{folder}/.metered-billing-{os.getpid()}.tmp"
        with self._folder.asking(folder):
            self._fs.makedirs(folder, exist_ok=True)
            self._fs.pipe_file(probe, b"")
            self._fs.rm_file(probe)

    def look(self, ledger, seen=None, now=None):
        """Which files are to be imported.

        :param ledger: :class:`~.file_ledger.Ledger`
        :param seen: ``Look.seen`` of the look before, None when there was none
        :param now: aware datetime
        :return: :class:`Look`
        """
        now = now or datetime.now(UTC)
        seen = seen or {}
        look = Look()
        files = self._folder.files()
        for file in sorted(files, key=lambda file: (file.modified, file.name)):
            if not self._matches(file.name):
                continue
            if harmless(file.name) != file.name:
                look.misnamed.append(harmless(file.name))
                continue
            if ledger.knows(file):
                look.known.append(file)
                continue
            if self._is_complete(file, seen, now):
                look.ready.append(file)
            else:
                look.waiting.append(file)
            before = seen.get(file.name)
            same = before and before[:2] == [file.size, file.modified]
            since = before[2] if same else now.timestamp()
            look.seen[file.name] = [file.size, file.modified, since]
        return look

    def _is_complete(self, file, seen, now):
        if file.modified:
            age = (now - datetime.fromisoformat(file.modified)).total_seconds()
            if age >= self._unchanged_seconds:
                return True
        before = seen.get(file.name)
        return (
            before is not None
            and before[:2] == [file.size, file.modified]
            and now.timestamp() - before[2] >= self._unchanged_seconds
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
        path = self._folder.path_of(file)
        with self._folder.asking(path):
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
        if copied != file.size or self._folder.current(file) != file:
            raise SourceUnreachable(
                f"The file {file.name} was changed while it was copied.",
                path,
                "It is tried again once it no longer changes.",
            )
        return Fetched(file, str(target), digest.hexdigest())

    def finish(self, file, sha256=""):
        """Do with an imported file what is to be done.

        A file that was replaced meanwhile is left where it is, to be imported too. One
        whose move was cut short is not moved once more.

        :param sha256: of its content, where it is known
        :return: what was done, for the log
        """
        if self._afterwards == "keep":
            return "kept"
        current = self._folder.current(file)
        if current is not None and current != file:
            return "kept because it was changed in the meantime"
        path = self._folder.path_of(file)
        with self._folder.asking(path):
            target = self._moved_before(file, sha256)
            moved_to = f"moved to {self._folder.name_of(target)}"
            if current is None:
                return moved_to if target else "gone already"
            if self._afterwards == "delete":
                self._fs.rm_file(path)
                return "deleted"
            if target:
                self._fs.rm_file(path)
                return moved_to
            target = next(t for t in self._targets(file) if not self._fs.exists(t))
            self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._fs.mv(path, target)
        return f"moved to {self._folder.name_of(target)}"

    def _targets(self, file):
        """Where to move a file to, one after the other: nothing is overwritten."""
        name = PurePosixPath(file.name)
        yield self._folder.path_to((*self._done, *name.parts))
        for number in itertools.count(2):
            numbered = f"{name.stem}-{number}{name.suffix}"
            yield self._folder.path_to((*self._done, *name.parts[:-1], numbered))

    def _moved_before(self, file, sha256):
        """Where this content lies under this name already; '' where nowhere.

        Object stores move by copying: killed after that, the original is still there.
        """
        if self._afterwards != "move" or not sha256:
            return ""
        for target in self._targets(file):
            if not self._fs.exists(target):
                return ""
            if self._fs.size(target) == file.size and self._digest(target) == sha256:
                return target
        return ""

    def _digest(self, path):
        digest = hashlib.sha256()
        with self._fs.open(path, "rb") as content:
            while block := content.read(BLOCK_BYTES):
                digest.update(block)
        return digest.hexdigest()
