# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whether the column of record ids tells the records of a file apart."""

from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .mapping import read_target

#: ids shown as examples
MOST_EXAMPLES = 3
#: share of records with the id of another one from which on the column is doubted
DOUBTFUL_SHARE = 0.1
#: records of which a share says anything
LEAST_RECORDS = 5


@dataclass(frozen=True)
class IdSurvey:
    """What the ids of a file's records are like.

    :ivar records: different records that have an id
    :ivar repeated: those among them whose id a record before them had, which says
        something else
    :ivar examples: the ids that most records have, as a tuple of (id, records)
    """

    records: int = 0
    repeated: int = 0
    examples: tuple[tuple[str, int], ...] = ()

    @property
    def share(self):
        """Share of the records whose id is another record's, from 0 to 1."""
        return self.repeated / self.records if self.records else 0.0

    @property
    def doubtful(self):
        """Whether the column is probably no record id."""
        if self.records < LEAST_RECORDS:
            # Of few records only that all have one id.
            return self.repeated > 1 and self.repeated == self.records - 1
        return self.share >= DOUBTFUL_SHARE


def id_survey(frame, columns):
    """Look at the ids of a file's records.

    Records that say the same in all columns count once: a record may come twice.

    :param frame: DataFrame, text columns under the source's own names
    :param columns: sequence of ``mapping.ColumnSpec``
    :return: :class:`IdSurvey`; without an id column, of no records
    """
    texts, _spec = read_target(frame, columns, "call_id")
    if texts is None:
        return IdSurvey()
    ids = pd.Series(pd.arrays.ArrowExtensionArray(pc.utf8_trim_whitespace(texts)))
    distinct = ~frame.reset_index(drop=True).duplicated() & (ids != "")
    counts = pc.value_counts(pa.array(ids[distinct].array))
    pairs = [(entry["values"], entry["counts"]) for entry in counts.to_pylist()]
    records = sum(count for _id, count in pairs)
    common = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))[:MOST_EXAMPLES]
    return IdSurvey(
        records,
        records - len(pairs),
        tuple((text, count) for text, count in common if count > 1),
    )
