# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a preset is made of."""

from dataclasses import dataclass

from ..identify import PayerStep
from ..mapping import ColumnSpec
from ..rules import Condition


@dataclass(frozen=True)
class PresetRule:
    """The first rule whose conditions all hold decides about a record."""

    name: str
    outcome: str
    direction: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Preset:
    """A named set of columns, rules and payer steps.

    ``timezone``: of times without offset, where the maker says it; else the source's
    own. ``layouts``: keys of ``connectors.layouts.LAYOUTS`` that it is for. ``words``:
    what its direction words mean that others use otherwise, as (word, direction).
    """

    key: str
    name: str
    columns: tuple[ColumnSpec, ...]
    rules: tuple[PresetRule, ...] = ()
    payers: tuple[PayerStep, ...] = ()
    default_outcome: str = "billable"
    default_direction: str = "outbound"
    record_kind: str = "call"
    timezone: str = ""
    layouts: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()


#: a number that no extension has, as it is dialled
OUTSIDE_NUMBER = r"^(?:Ext\.)?\+?[0-9]{7,}$"


def not_billable(name, *conditions, direction=""):
    """The rule that records are not charged for which all conditions hold."""
    return PresetRule(name, "not_billable", direction, conditions)


def direction_is(direction):
    """The condition on the direction as it is understood, whatever column says it."""
    return Condition("direction", "is", direction, fact="direction")


INBOUND = not_billable("Inbound", direction_is("inbound"), direction="inbound")
#: calls between extensions, as the switch or their numbers tell
INTERNAL = not_billable("Internal", direction_is("internal"), direction="internal")


def number_of(fact, direction=""):
    """The payer step on a mapped number, whatever column has it."""
    return PayerStep(fact, "number", direction=direction, fact=fact)


def extension_of(fact, direction=""):
    """The same on a mapped number that is an extension."""
    return PayerStep(fact, "extension", direction=direction, fact=fact)
