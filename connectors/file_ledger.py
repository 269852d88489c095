# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Files of a store, and which of them were imported."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass


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
