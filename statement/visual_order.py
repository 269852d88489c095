# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Texts in the order in which their letters stand on a page, from left to right.

A PDF draws letters one beside the other: Hebrew and Arabic, which are read from right
to left, have to be turned around before, but not the numbers and foreign words within.
By the rules of Unicode (UAX #9) for a line without embeddings. Arabic letters get the
forms that join them to their neighbors, which Unicode has as letters of their own.
"""

import re
from functools import lru_cache
from itertools import groupby, pairwise
from unicodedata import bidirectional, decomposition, mirrored

#: letters that are read from right to left, or numbers among them
_TURNED = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff]")
#: marks of direction: they have no width, and are no letters
_MARKS = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
#: the form of a letter that is joined to the one before, and to the one after
_NAMES = {
    (False, False): "isolated",
    (False, True): "initial",
    (True, True): "medial",
    (True, False): "final",
}
_LAM, _STRETCH = "\u0644", "\u0640"
_BRACKETS = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))


def is_turned(text):
    """Whether a text is read from right to left, as its first letter says."""
    strong = (bidirectional(letter) for letter in text)
    return next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L"


@lru_cache(20_000)
def visual(text):
    """Return a text as it is drawn; one without such letters is what it was.

    >>> visual("Dan \\u05d3\\u05df 12")
    'Dan \\u05df\\u05d3 12'
    """
    if not _TURNED.search(text):
        return text
    text = _joined(_MARKS.sub("", text))
    base = int(is_turned(text))
    levels = _levels(_resolved([bidirectional(one) for one in text], base), base)
    shown = [
        _BRACKETS.get(one, one) if level % 2 and mirrored(one) else one
        for one, level in zip(text, levels, strict=True)
    ]
    for least in range(max(levels, default=0), 0, -1):
        shown, levels = _reversed_runs(shown, levels, least)
    return "".join(shown)


@lru_cache(1)
def _forms():
    """Arabic letters, and lam with alef -> their forms, by name."""
    forms = {}
    for code in (*range(0xFB50, 0xFC00), *range(0xFE70, 0xFEFD)):
        name, *parts = decomposition(chr(code)).split() or [""]
        letters = "".join(chr(int(part, 16)) for part in parts)
        if len(letters) == 1 or letters[:1] == _LAM:
            forms.setdefault(letters, {})[name.strip("<>")] = chr(code)
    names = ("isolated", "initial", "medial", "final")
    forms[_STRETCH] = dict.fromkeys(names, _STRETCH)
    return forms


def _joined(text):
    """A text whose Arabic letters have the forms that their neighbors give them."""
    forms, units = _forms(), []
    for letter in text:
        if units and units[-1] + letter in forms:
            units[-1] += letter
        else:
            units.append(letter)
    places = [
        place for place, one in enumerate(units) if bidirectional(one[0]) != "NSM"
    ]
    joins, shown = False, list(units)
    for place, after in pairwise([*places, None]):
        own = forms.get(units[place], {})
        behind = forms.get(units[after], {}) if after is not None else {}
        goes_on = "initial" in own and "final" in behind
        name = _NAMES[joins, goes_on]
        shown[place] = own.get(name, units[place])
        joins = goes_on
    return "".join(shown)


def _resolved(kinds, base):
    """What each letter counts as: L, R, or a number, EN or AN."""
    found, strong, before = [], "R" if base else "L", None
    for kind in kinds:
        if kind == "NSM":
            # What stands above or below a letter goes with it.
            kind = before or strong
        if kind == "EN" and strong in ("AL", "L"):
            kind = "AN" if strong == "AL" else "L"
        if kind in ("L", "R", "AL"):
            strong = kind
        before = kind
        found.append("R" if kind == "AL" else kind)
    _join_numbers(found)
    return _neutral(found, "R" if base else "L")


def _join_numbers(kinds):
    """Take the separators within numbers for numbers, and signs beside them."""
    for place in range(1, len(kinds) - 1):
        before, kind, after = kinds[place - 1 : place + 2]
        if before == after and (
            (kind == "CS" and before in ("EN", "AN"))
            or (kind == "ES" and before == "EN")
        ):
            kinds[place] = before
    for places in (range(len(kinds)), reversed(range(len(kinds)))):
        before = None
        for place in places:
            if kinds[place] == "ET" and before == "EN":
                kinds[place] = "EN"
            before = kinds[place]


def _neutral(kinds, base):
    """Give what has no direction that of both its sides, or that of the text."""
    found = []
    strong = [kind in ("L", "R", "EN", "AN") for kind in kinds]
    pairs = zip(strong, kinds, strict=True)
    # pylint: disable-next=bad-builtin-groupby; those that follow each other
    grouped = groupby(pairs, lambda pair: pair[0])
    runs = [(is_strong, [kind for _, kind in run]) for is_strong, run in grouped]
    for place, (is_strong, run) in enumerate(runs):
        if is_strong:
            found += run
            continue
        sides = {
            _side(runs[place - 1][1][-1]) if place else base,
            _side(runs[place + 1][1][0]) if place + 1 < len(runs) else base,
        }
        found += [sides.pop() if len(sides) == 1 else base] * len(run)
    return found


def _side(kind):
    return "L" if kind == "L" else "R"


def _levels(kinds, base):
    """How often each letter is turned around."""
    odd = {"L": 2, "R": 1, "EN": 2, "AN": 2}
    even = {"L": 0, "R": 1, "EN": 2, "AN": 2}
    return [(odd if base else even)[kind] for kind in kinds]


def _reversed_runs(shown, levels, least):
    letters, turned = [], []
    pairs = zip(shown, levels, strict=True)
    # pylint: disable-next=bad-builtin-groupby; those that follow each other
    for is_run, run in groupby(pairs, lambda pair: pair[1] >= least):
        run = list(run)
        if is_run:
            run.reverse()
        letters += [letter for letter, _level in run]
        turned += [level for _letter, level in run]
    return letters, turned
