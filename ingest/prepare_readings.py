# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is other with readings of counters: they say what a register shows.

Nothing of them is usage by itself; see ``reading_store``.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import mapping

#: words for a reading that nobody read, and for one that somebody did
ESTIMATED = {
    **dict.fromkeys(
        ("estimated", "estimate", "est", "e", "yes", "y", "true", "t", "1"), True
    ),
    **dict.fromkeys(
        ("", "actual", "act", "a", "read", "r", "no", "n", "false", "f", "0"), False
    ),
}
#: words for what a reading is -> kind, as `rating.counters.KINDS`
READING_KINDS = {
    **dict.fromkeys(("", "normal", "reading", "regular"), "normal"),
    **dict.fromkeys(("opening", "open", "start", "initial", "installed"), "opening"),
    **dict.fromkeys(("rollover", "roll-over", "roll over", "overflow"), "rollover"),
    **dict.fromkeys(("closing", "close", "end", "final", "removed"), "closing"),
}


class ReadingSteps:
    """The steps of a chunk for those of its records that read a counter."""

    def _read_readings(self):
        """Find the readings, and what their columns say of them."""
        settings = self.settings
        self.is_reading = self.billable & np.isin(
            self.meter_id, list(settings.counters)
        )
        if not self.is_reading.any():
            return
        if mapping.read_target(self.frame, settings.columns, "quantity")[0] is None:
            self._reject(self.is_reading, "invalid_quantity", None)
        self.estimated = self._words("estimated", ESTIMATED, False)
        self.reading_kind = self._words("reading_kind", READING_KINDS, "normal")
        texts, _spec = mapping.read_target(self.frame, settings.columns, "serial")
        if texts is None:
            texts = pa.array([""] * self.count, pa.string())
        self.serial = pc.utf8_trim_whitespace(texts)

    def _words(self, target, words, default):
        """What a column of words says; an unknown one is not guessed."""
        texts, _spec = mapping.read_target(self.frame, self.settings.columns, target)
        if texts is None:
            return np.full(self.count, default, object)
        encoded = pc.dictionary_encode(pc.fill_null(texts, ""))
        told = [
            words.get(text.strip().lower()) for text in encoded.dictionary.to_pylist()
        ]
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        values = np.array([*told, None], object)[codes]
        unknown = np.equal(values, None)
        self._reject(self.is_reading & unknown, "invalid_reading", texts)
        return np.where(unknown, default, values)

    def _more_columns(self):
        """Columns of readings, which no other chunk has."""
        if not self.is_reading.any():
            return {}
        return {
            "is_reading": self.is_reading,
            "estimated": self.estimated.astype(bool),
            "reading_kind": self.reading_kind,
            "serial": self.serial,
        }
