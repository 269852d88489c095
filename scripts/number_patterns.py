# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which digits can follow, according to a regular expression of digits.

libphonenumber describes the numbers of a country by regular expressions such as
`7(?:[1-3]\\d\\d|457)\\d{5}`. The generators of this folder need more of them than a
match: the prefixes at which two kinds of numbers part, and how much of the numbers
below a prefix is of each kind. So an expression becomes a nondeterministic automaton
here, which is walked digit by digit. Only what those expressions use is understood:
digits, classes, groups, alternatives and bounded repetition.
"""

from functools import cache
from re import _constants as token
from re import _parser as parser

DIGITS = tuple("0123456789")
DEAD = frozenset()


class DigitPattern:
    """The numbers that a regular expression matches from end to end.

    A *state* is a frozenset of nodes; `DEAD` is the state that nothing matches from.
    """

    def __init__(self, expression):
        """
        :param expression: of digits only, without anchors
        :raise ValueError: where it uses something that is not understood
        """
        self._empty_moves = []
        self._digit_moves = []
        start, self._end = self._node(), None
        self._end = self._add(parser.parse(expression), start)
        self.start = self._closure({start})
        self.step = cache(self._step)
        self.shares = cache(self._shares)

    def _node(self):
        self._empty_moves.append([])
        self._digit_moves.append([])
        return len(self._empty_moves) - 1

    def _add(self, items, node):
        for kind, value in items:
            node = self._add_one(kind, value, node)
        return node

    def _add_one(self, kind, value, node):
        if kind is token.LITERAL:
            return self._add_digits({chr(value)}, node)
        if kind is token.IN:
            return self._add_digits(set().union(*map(_members, value)), node)
        if kind is token.SUBPATTERN:
            return self._add(value[-1], node)
        if kind is token.BRANCH:
            end = self._node()
            for alternative in value[1]:
                self._empty_moves[self._add(alternative, node)].append(end)
            return end
        if kind is token.MAX_REPEAT and value[1] is not token.MAXREPEAT:
            least, most, items = value
            for _repetition in range(least):
                node = self._add(items, node)
            end = self._node()
            for _repetition in range(most - least):
                self._empty_moves[node].append(end)
                node = self._add(items, node)
            self._empty_moves[node].append(end)
            return end
        raise ValueError(f"{kind} is not understood in a pattern of digits")

    def _add_digits(self, digits, node):
        end = self._node()
        self._digit_moves[node].append((digits, end))
        return end

    def _closure(self, nodes):
        seen, waiting = set(nodes), list(nodes)
        while waiting:
            for node in self._empty_moves[waiting.pop()]:
                if node not in seen:
                    seen.add(node)
                    waiting.append(node)
        return frozenset(seen)

    def _step(self, state, digit):
        """Return the state after one more digit."""
        nodes = {
            end
            for node in state
            for digits, end in self._digit_moves[node]
            if digit in digits
        }
        return self._closure(nodes) if nodes else DEAD

    def accepts(self, state):
        """Return whether what led to this state is a whole number."""
        return self._end in state

    def _shares(self, state):
        """Return {digits still to come: share of all such digits that match}."""
        shares = {0: 1.0} if self.accepts(state) else {}
        for digit in DIGITS:
            following = self.step(state, digit)
            if following:
                for length, share in self.shares(following).items():
                    shares[length + 1] = shares.get(length + 1, 0) + share / 10
        return shares

    def lengths(self, without_leading=""):
        """Return the set of lengths that match.

        :param without_leading: digit that the number shall not begin with
        """
        lengths = set()
        for digit in DIGITS:
            following = self.step(self.start, digit)
            if digit != without_leading and following:
                lengths.update(length + 1 for length in self.shares(following))
        return lengths

    def numbers(self):
        """Return all the numbers that match, for patterns of few numbers."""
        found, waiting = [], [("", self.start)]
        while waiting:
            digits, state = waiting.pop()
            if self.accepts(state):
                found.append(digits)
            for digit in DIGITS:
                following = self.step(state, digit)
                if following:
                    waiting.append((digits + digit, following))
        return sorted(found)


def _members(item):
    """Return the digits that one item of a character class stands for."""
    kind, value = item
    if kind is token.LITERAL:
        return {chr(value)}
    if kind is token.RANGE:
        return {chr(code) for code in range(value[0], value[1] + 1)}
    if kind is token.CATEGORY and value is token.CATEGORY_DIGIT:
        return set(DIGITS)
    raise ValueError(f"{kind} {value} is not understood in a class of digits")
