# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which records are chargeable: the source's ordered rules, on its columns or facts."""

import fnmatch
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .extract import expression_problem, found
from .facts import named_texts

#: directions in the order of their codes, as a chunk keeps them
DIRECTIONS = np.array(["outbound", "inbound", "internal"], object)
#: operator -> what a user reads; all compare text as it stands in the file
OPERATORS = {
    "is": "is",
    "is not": "is not",
    "one of": "is one of (commas)",
    "like": "is like (* any text)",
    "not like": "is not like (* any text)",
    "matches": "matches the expression",
    "is empty": "is empty",
    "is set": "is not empty",
    "above": "is above",
    "below": "is below",
}


@dataclass(frozen=True)
class Condition:
    """A test on one column, or on a mapped fact: ``column operator value``.

    ``fact`` is a key of ``facts.FACTS``; the column does not count then.
    """

    column: str
    operator: str
    value: str = ""
    fact: str = ""


@dataclass(frozen=True)
class Rule:
    """Outcome and direction for records for which all conditions hold.

    ``outcome`` is billable, not_billable or declared (an exception that the rule
    declares); ``direction`` is empty where the rule does not tell it.
    """

    id: int
    outcome: str
    direction: str
    conditions: tuple[Condition, ...] = ()


def condition_problem(operator, value):
    """Say why a condition cannot be used; ``""`` when it can."""
    if operator not in OPERATORS:
        return f"{operator} is not a comparison."
    if operator == "matches":
        return expression_problem(value or "")
    if operator in ("above", "below"):
        try:
            float(value)
        except (TypeError, ValueError):
            return f"{value or 'An empty value'} is not a number to compare with."
    return ""


def _test(operator, value):
    """A predicate on one text for the operators that are not plain equality."""
    if operator in ("like", "not like"):
        match = re.compile(fnmatch.translate(value)).match
        return (
            (lambda text: bool(match(text)))
            if operator == "like"
            else (lambda text: not match(text))
        )
    limit = float(value)

    def compare(text):
        try:
            number = float(text)
        except ValueError:
            return False
        return number > limit if operator == "above" else number < limit

    return compare


def condition_mask(frame, condition, facts=None):
    """Where a condition holds.

    :param frame: the source's records, text columns
    :param facts: their :class:`~.facts.RecordFacts`
    :return: bool numpy array; a column that the file lacks counts as empty text. No
        condition on the direction holds where the direction is not known.
    """
    values, fact = named_texts(frame, facts, condition.column, condition.fact)
    if values is None:
        values = pa.array([""] * len(frame), pa.string())
    mask = _compared(values, condition)
    if fact == "direction":
        mask = mask & pc.not_equal(values, "").to_numpy(zero_copy_only=False)
    return mask


def _compared(values, condition):
    operator, value = condition.operator, condition.value or ""
    if operator == "is":
        mask = pc.equal(values, value)
    elif operator == "is not":
        mask = pc.not_equal(values, value)
    elif operator == "is empty":
        mask = pc.equal(values, "")
    elif operator == "is set":
        mask = pc.not_equal(values, "")
    elif operator == "one of":
        choices = [choice.strip() for choice in value.split(",")]
        mask = pc.is_in(values, pa.array(choices, pa.string()))
    elif operator == "matches":
        mask = found(values, value)
    else:
        encoded = pc.dictionary_encode(values)
        test = _test(operator, value)
        verdicts = np.fromiter(
            map(test, encoded.dictionary.to_pylist()), bool, len(encoded.dictionary)
        )
        return verdicts[encoded.indices.to_numpy(zero_copy_only=False)]
    return mask.to_numpy(zero_copy_only=False)


def first_rule(frame, rules, facts=None):
    """The index of the first rule that holds for each record.

    :param frame: the source's records, text columns
    :param rules: sequence of :class:`Rule`, in order
    :param facts: the records' :class:`~.facts.RecordFacts`
    :return: int64 numpy array, -1 where none holds
    """
    chosen = np.full(len(frame), -1, np.int64)
    for index, rule in enumerate(rules):
        mask = chosen < 0
        for condition in rule.conditions:
            if not mask.any():
                break
            mask &= condition_mask(frame, condition, facts)
        chosen[mask] = index
    return chosen
