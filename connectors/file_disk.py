# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A folder of this server as a file system of fsspec that no link leads out of.

A path that was looked at and is then opened by its name may be another one meanwhile:
whoever may put files into the folder may put a link in the place of one of its folders.
So names are followed only once, to the path without links that they stand for; each of
its folders is then opened in the one before, and none that is a link. What is done with
a file is done in the folder that was opened.
"""

import errno
import os
import shutil
import stat
from contextlib import contextmanager, suppress

from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem

from .errors import leads_out

#: opens a folder to look up names in it, which needs no right to list it
FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | getattr(os, "O_PATH", os.O_RDONLY)
#: a pipe does not make its reader wait
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
TOLD = ("mode", "uid", "gid", "mtime", "ino", "nlink")


class DiskFolder(AbstractFileSystem):
    """What a file store does with a folder of this server, and nothing else.

    :param root: a folder that whoever runs the server opened to sources; it may be
        reached by links
    :param folder: the one in it that all paths have to be in, without links
    """

    protocol = LocalFileSystem.protocol
    local_file = True
    _strip_protocol = LocalFileSystem._strip_protocol

    def __init__(self, root, folder, **options):
        super().__init__(**options)
        self._root, self._folder = root, folder

    def ls(self, path, detail=True, **_options):
        """List a folder, links by what they are and not by what they lead to."""
        path = self._strip_protocol(path).rstrip("/")
        with self._opened(path) as folder:
            listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=folder)
            try:
                infos = []
                for name in os.listdir(listed):
                    try:
                        infos.append(_info(f"{path}/{name}", name, listed))
                    except FileNotFoundError:
                        continue
            finally:
                os.close(listed)
        return infos if detail else [info["name"] for info in infos]

    def info(self, path, **_options):
        path = self._strip_protocol(path).rstrip("/")
        if followed(path) == self._folder:
            with self._opened(path) as folder:
                return _told(path, os.fstat(folder))
        with self._parent_of(path) as (folder, name):
            return _info(path, name, folder)

    def exists(self, path, **_options):
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def isdir(self, path):
        """Whether a path leads to a folder, by a link as well."""
        try:
            with self._opened(path):
                return True
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _open(self, path, mode="rb", **_options):
        flags = {"rb": READ, "wb": WRITE}[mode]
        with self._parent_of(path) as (folder, name):
            try:
                opened = os.open(name, flags, 0o666, dir_fd=folder)
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise leads_out(path) from None
                raise
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise FileNotFoundError(errno.ENOENT, "Not a file", path)
        return os.fdopen(opened, mode)

    def makedirs(self, path, exist_ok=False):
        with self._opened(path, make=True):
            pass

    def rm_file(self, path):
        with self._parent_of(path) as (folder, name):
            os.unlink(name, dir_fd=folder)

    def mv(self, path1, path2, **_options):
        """Move a file, to another disk as well."""
        with self._parent_of(path1) as (source, old), self._parent_of(path2) as target:
            folder, new = target
            try:
                os.rename(old, new, src_dir_fd=source, dst_dir_fd=folder)
                return
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
        with self.open(path1, "rb") as original, self.open(path2, "wb") as copy:
            shutil.copyfileobj(original, copy)
            copy.flush()
            os.fsync(copy.fileno())
        self.rm_file(path1)

    # ---- opening folders

    @contextmanager
    def _parent_of(self, path):
        """The folder that a path is in, opened, and the name in it."""
        folder, _slash, name = self._strip_protocol(path).rstrip("/").rpartition("/")
        with self._opened(folder) as opened:
            yield opened, name

    @contextmanager
    def _opened(self, path, make=False):
        """A folder, opened from the root on without following a link.

        :param make: make it where it is missing
        :raise SourceSettingsError: it is not in the folder, or a link was put there
        """
        real = followed(path)
        if os.path.commonpath((real, self._folder)) != self._folder:
            raise leads_out(path)
        opened = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in os.path.relpath(real, self._root).split("/"):
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=opened)
                opened, before = _step(opened, name, path), opened
                os.close(before)
            yield opened
        finally:
            os.close(opened)


def followed(path):
    """The path without links that a path stands for now."""
    return os.path.realpath(path)


def _step(folder, name, path):
    """Open a folder in an open one.

    :raise SourceSettingsError: it is a link
    """
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise leads_out(path) from None
        raise


def _info(path, name, folder):
    return _told(path, os.stat(name, dir_fd=folder, follow_symlinks=False))


def _told(path, told):
    """What fsspec tells of a file."""
    kinds = {stat.S_IFDIR: "directory", stat.S_IFREG: "file"}
    return {
        "name": path,
        "size": told.st_size,
        "type": kinds.get(stat.S_IFMT(told.st_mode), "other"),
        "created": told.st_ctime,
        "islink": stat.S_ISLNK(told.st_mode),
        **{name: getattr(told, f"st_{name}") for name in TOLD},
    }
