# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What becomes of a chunk of records: CDRs, their usage, and what was rejected."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

USAGE_KEYS = ("partner_id", "subscription_id", "meter_id", "day", "currency_id")
USAGE_SUMS = {
    "quantity": "quantity",
    "billed_quantity": "billed_seconds",
    "charge_micro": "charge_micro",
}


def sum_usage(cdrs):
    """Sum rated CDRs by customer, subscription, meter, day and currency.

    :param cdrs: dict of columns as in :class:`Prepared`
    :return: (int64 array: position in the sums per CDR, -1 when not billable,
        DataFrame of the sums, ordered by its keys). All sums are exact integers.
    """
    billable = cdrs["billable"]
    if "is_reading" in cdrs:
        # What was used between readings is found when they are together.
        billable = billable & ~cdrs["is_reading"]
    usage_of = np.full(len(billable), -1, np.int64)
    rows = np.flatnonzero(billable)
    packed = _packed([cdrs[name][rows] for name in USAGE_KEYS])
    order = np.argsort(packed, kind="stable")
    rows, packed = rows[order], packed[order]
    starts = np.flatnonzero(np.diff(packed, prepend=packed[:1] - 1))
    records = np.diff(starts, append=len(rows))
    usage_of[rows] = np.repeat(np.arange(len(starts)), records)
    columns = {name: cdrs[name][rows[starts]] for name in USAGE_KEYS}
    columns["records"] = records
    for name, of in USAGE_SUMS.items():
        values = cdrs[of][rows]
        columns[name] = np.add.reduceat(values, starts) if len(starts) else values
    return usage_of, pd.DataFrame(columns)


def _packed(keys):
    """One number for each row of equally long int64 arrays, in the same order."""
    packed, bits = np.zeros(len(keys[0]), np.int64), 0
    for values in keys:
        if not len(values):
            return packed
        values = values - values.min()
        width = int(values.max()).bit_length()
        if bits + width > 62:
            _distinct, packed = np.unique(packed, return_inverse=True)
            bits = int(packed.max()).bit_length()
        packed, bits = packed << width | values, bits + width
    return packed


#: reason of a record with the id of another one, or all facts of one without id
SAME_ID = "same_id"


@dataclass
class Rejected:
    """Records that could not be billed: parallel lists, one entry a record."""

    line: list = field(default_factory=list)
    call_id: list = field(default_factory=list)
    #: the id as the record has it, where that is another record's; else None
    record_id: list = field(default_factory=list)
    #: of records without id; else None
    fingerprint: list = field(default_factory=list)
    reason: list = field(default_factory=list)
    detail: list = field(default_factory=list)
    raw: list = field(default_factory=list)
    readable: list = field(default_factory=list)
    partner_id: list = field(default_factory=list)
    start_us: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    #: position in the chunk, -1 for a line that could not be read
    row: list = field(default_factory=list)
    #: see ``causes``; this and what follows is known when the chunk is done
    cause: list = field(default_factory=list)
    #: identifiers that were looked for, as lists of "kind value"
    tried: list = field(default_factory=list)
    callee: list = field(default_factory=list)
    meter_id: list = field(default_factory=list)
    destination_id: list = field(default_factory=list)
    rule_id: list = field(default_factory=list)
    #: Decimal in the company's currency; None: nobody knows
    estimate: list = field(default_factory=list)

    def __len__(self):
        return len(self.line)

    def keep(self, mask):
        """Drop the entries for which the bool sequence ``mask`` is false."""
        for name in self.__dataclass_fields__:
            values = getattr(self, name)
            setattr(
                self, name, [v for v, kept in zip(values, mask, strict=True) if kept]
            )


@dataclass
class Prepared:
    """The outcome for one chunk.

    :ivar records: records read, bad lines included
    :ivar cdrs: dict of equally long columns (numpy or pyarrow), rated and not billable;
        quantity: whole seconds of calls, integers of 10⁻⁹ units of other usage
    :ivar usage_of: int64 array, position in ``usage`` per CDR, -1 when not billable
    :ivar usage: DataFrame: partner_id, subscription_id, meter_id, day (days since the
        epoch), currency_id, records, quantity, billed_quantity, charge_micro
    :ivar rejected: :class:`Rejected`
    :ivar duplicates: records whose id came before in the same chunk
    :ivar frame: the records as they came; ``row`` of the CDRs and of what was rejected
        are positions in it
    """

    records: int
    cdrs: dict
    usage_of: np.ndarray
    usage: pd.DataFrame
    rejected: Rejected
    duplicates: int
    frame: pd.DataFrame | None = None

    @property
    def cdr_count(self):
        """Number of CDRs, rated and not billable."""
        return len(self.usage_of)

    def select(self, mask, others=0):
        """The same without the CDRs that ``mask`` (bool array) leaves out.

        What is left out is counted as duplicates; usage is summed up anew.

        :param others: how many are left out that are not duplicates
        """
        dropped = int((~mask).sum())
        if not dropped:
            return self
        cdrs = {
            name: values.filter(pa.array(mask))
            if isinstance(values, pa.Array)
            else values[mask]
            for name, values in self.cdrs.items()
        }
        usage_of, usage = sum_usage(cdrs)
        return Prepared(
            self.records,
            cdrs,
            usage_of,
            usage,
            self.rejected,
            self.duplicates + dropped - others,
            self.frame,
        )
