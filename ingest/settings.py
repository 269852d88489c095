# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""All that an import needs to know, as plain values: no database, no ORM."""

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ..rating import RatingEngine
from .classify import Classifier
from .dial_plans import DialPlan
from .fraud_settings import FraudSettings
from .identify import IdentifierIndex, PayerStep
from .mapping import ColumnSpec
from .rules import Rule


@dataclass(frozen=True)
class Limits:
    """What is plausible, in seconds and epoch microseconds."""

    max_seconds: int
    latest_us: int
    earliest_us: int


@dataclass(frozen=True)
class Payers:
    """Attributes of the identifiers, arrays in the order of the index.

    ``dial_plan`` and ``zone`` are positions in :attr:`ImportSettings.dial_plans` and
    :attr:`ImportSettings.zones`; ``chain`` is a position in the engine's chains.
    """

    index: IdentifierIndex
    identifier_id: np.ndarray
    partner_id: np.ndarray
    subscription_id: np.ndarray
    dial_plan: np.ndarray
    zone: np.ndarray
    chain: np.ndarray
    #: meters of those that are lines of subscriptions, 0 for the others; None
    #: where there are none of these
    meter_id: np.ndarray | None = None


@dataclass(frozen=True)
class ImportSettings:
    """A source, its customers and its prices, frozen for one run."""

    source_id: int
    company_id: int
    timezone: str
    duration_rounding: str
    columns: tuple[ColumnSpec, ...]
    rules: tuple[Rule, ...]
    steps: tuple[PayerStep, ...]
    default_outcome: str
    default_direction: str
    limits: Limits
    #: the first is the source's own; the others those of customers abroad
    dial_plans: tuple[tuple[DialPlan, Classifier], ...]
    #: time zones in which customers' days begin; the first is the company's
    zones: tuple[str, ...]
    payers: Payers
    engine: RatingEngine
    #: ids of decks in order of precedence: what the engine's chains are made of
    chains: tuple[tuple[int, ...], ...] = ()
    currency_of_deck: dict[int, int] = field(default_factory=dict)
    #: position in the engine's chains: the company's own, for what nobody pays yet
    default_chain: int = 0
    #: `call`, or `usage`: events and readings of meters
    record_kind: str = "call"
    #: of records that are no calls: their meters, and the company's currency
    meter_of_code: dict[str, int] = field(default_factory=dict)
    default_meter_id: int = 0
    #: meters that count records, whatever their quantity
    counting_meters: frozenset = frozenset()
    #: meter id -> what it counts: `kWh`
    unit_of_meter: dict[int, str] = field(default_factory=dict)
    #: meter id -> how its records become one quantity, as ``metered.meter`` names it
    aggregation_of: dict[int, str] = field(default_factory=dict)
    #: ids of those whose records are readings of a counter
    counters: frozenset[int] = frozenset()
    currency_id: int = 0
    #: currency id -> units of the company's currency, to estimate with, not to bill
    rate_of_currency: dict[int, Decimal] = field(default_factory=dict)
    #: positions of dial plans that nothing but the customer's address suggests
    assumed_dial_plans: frozenset[int] = frozenset()
    #: what the source's own direction words mean, see ``directions.known_direction``
    words: dict[str, str] = field(default_factory=dict)
    #: customers whose calls may take from a calling plan
    plan_partners: frozenset = frozenset()
    #: customers whose usage an alert looks at
    alert_partners: frozenset = frozenset()
    #: usage is sealed: what changes of it later is noted
    sealed: bool = False
    #: each record has fields of its own: where it lacks a column, that is empty
    fills_columns: bool = False

    #: which of two hours with the same name times are in, `first` or `second`; empty
    #: where nobody has said it
    repeated_hour: str = ""
    #: durations are known to have stood among such as may be in several units
    doubts_durations: bool = False
    #: what toll fraud is looked for with; None: it is not
    fraud: FraudSettings | None = None
    #: what stands above the names of a file's columns
    titles: str = ""
    #: the call is known to have been among such as were imported at other times
    doubts_times: bool = False
    #: records without direction are known to have stood among such as have one
    doubts_directions: bool = False

    @property
    def column_names(self):
        """The source's columns that its settings speak of, as a set."""
        names = {
            part.strip()
            for spec in self.columns
            for alternative in spec.columns.split(",")
            for part in alternative.split("+")
        }
        named = [*self.steps, *(c for rule in self.rules for c in rule.conditions)]
        names.update(each.column for each in named if not each.fact)
        return names
