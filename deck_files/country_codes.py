# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Codes with the country codes that belong before them."""

import numpy as np

from ..connectors.budget import Budget
from ..rating.errors import _lt
from . import cells, codes
from .cells import WrongCell
from .country_list import AREA_CODES, COUNTRY_CODES, NEVER_DOUBLED, country_of
from .file_cells import FileCells
from .named_countries import is_in_north_america
from .rate_rows import Problem, Same, rates_frame
from .rows import MAX_RATES, DeckFileError

MAX_OF_RANGES = 50_000
_NORTH_AMERICA = _lt(
    "The codes are North American area codes, so 1 is added in front of each."
)
_NORTH_AMERICAN_CODES = _lt(
    "All codes look like North American area codes, some without the leading 1, such "
    "as %(example)s. Choose the country code to add, or that the codes are complete."
)
_NAMED_NORTH_AMERICA = _lt(
    "Judging by their names, these destinations are in North America, but their codes "
    "do not start with 1, for example %(example)s for %(name)s. Choose whether to add "
    "1."
)
_NAMED_ADDED = _lt(
    "Area codes with 1 added in front because their names are in North America: "
    "%(count)s."
)
_BLANK_COUNTRY = _lt(
    "Rows without a country code in its column: %(count)s. Choose whether to use the "
    "country code above."
)
_NO_COUNTRY_ABOVE = _lt("There is no country code in this row or above it.")
_NO_COUNTRY = _lt("There is no country code for the code %(prefix)s.")
_FILLED_DOWN = _lt(
    "Rows without a country code, filled in from the row above: %(count)s."
)
_CODES_COMPLETE = _lt(
    "The codes already start with their country codes, so nothing is added."
)
_CODES_EITHER = _lt(
    "The code %(example)s of the country %(country)s may be complete, or need the "
    "country code in front like others in the column. Choose one."
)
# A part of the codes, from which on it is no longer a few such area codes.
_MANY_DOUBLED = 0.1
_CODES_DOUBLED = _lt(
    "Codes that already start with their country code, which was added anyway, for "
    "example %(example)s: %(count)s."
)
_WITHOUT_ZERO = _lt("Area codes whose leading 0 was removed: %(count)s.")
_WITHOUT_00 = _lt("Cells with codes whose leading 00 was removed: %(count)s.")


class CodesOfFile(FileCells):
    """The codes of a file: complete, or with a country code of a column or a person."""

    def _ask_country_codes(self, values):
        """Fill a column of country codes down, where the table shows that it is so."""
        choices = self.choices
        if "country_code" not in self.texts:
            code = choices.country_code
            if not code and self.is_north_american:
                code = "1"
                found = (code for some in values["prefix"] for code in some or ())
                if not all(code.startswith("1") for code in found):
                    self.assumptions.append(WrongCell(_NORTH_AMERICA))
            if code:
                code = codes.country_code(code)
                values["country_code"] = Same(code, len(self.lines))
            elif not choices.codes:
                self._ask_named_codes(values)
            return
        given = list(values["country_code"])
        blank = [
            place
            for place, code in enumerate(given)
            if not code
            and any(values["prefix"][place] or ())
            and not all(p.startswith("=") for p in values["prefix"][place])
        ]
        if not blank or not any(given) or choices.codes == "complete":
            return
        filled, last = list(given), -1
        proven = choices.country_fill == "down"
        open_places = []
        for place, code in enumerate(given):
            if code:
                last = place
            elif place in set(blank) if len(blank) < 50 else not code:
                filled[place] = given[last] if last >= 0 else ""
                if last < 0 or not proven and not self._belongs(values, last, place):
                    open_places.append(place)
        if choices.country_fill == "none":
            return
        if open_places and not proven or (not proven and _all_complete(values, given)):
            places = open_places or blank
            error = WrongCell(_BLANK_COUNTRY, count=len(places))
            self._ask("country_fill", error, places)
            return
        for place in open_places:
            self.problems.append(
                Problem(int(self.lines[place]), WrongCell(_NO_COUNTRY_ABOVE))
            )
        values["country_code"] = filled
        self.assumptions.append(WrongCell(_FILLED_DOWN, count=len(blank)))

    def _ask_named_codes(self, values):
        """Area codes of North America without their 1, as the names of some rows say.

        Beside complete codes they are those of other countries: 305 is in Greece.
        """
        if self.choices.area_codes == "complete":
            return
        names = self._full_names(values)
        found = [
            place
            for place, prefixes in enumerate(values["prefix"])
            if prefixes
            and all(map(_is_plain, prefixes))
            and is_in_north_america(names[place])
        ]
        if not found:
            return
        # Cells with the same text share what it stands for, be it ten thousand codes.
        lists = {id(some): some for some in values["prefix"] if some}
        every = {code for some in lists.values() for code in some} - {""}
        if codes.is_north_american(self.texts["prefix"].unique(), every):
            return
        if self.choices.area_codes != "add":
            plain = [code for place in found for code in values["prefix"][place]]
            are_known = all(code[:3] in AREA_CODES for code in plain)
            self._ask(
                "area_codes",
                WrongCell(_NAMED_NORTH_AMERICA, example=plain[0], name=names[found[0]]),
                found,
                list(dict.fromkeys(plain))[:5],
                "add" if are_known else "",
            )
            return
        values["prefix"] = list(values["prefix"])
        for place in found:
            values["prefix"][place] = [f"1{code}" for code in values["prefix"][place]]
        self.assumptions.append(WrongCell(_NAMED_ADDED, count=len(found)))

    def _full_names(self, values):
        """Country and name of each row, whichever of them it has."""
        return [
            f"{country} {name}".strip()
            for country, name in zip(values["country"], values["name"], strict=True)
        ]

    def _belongs(self, values, above, place):
        """Whether a row goes on with the country of a row above, as its names say."""
        if values["country"][place] not in ("", values["country"][above]):
            return False
        if values["country"][place]:
            return True
        first, second = values["name"][above].split(), values["name"][place].split()
        if first and second:
            return first[0].lower() == second[0].lower()
        # Nothing names the country, and behind an empty line may be another one.
        lines = self.lines[above : place + 1]
        is_apart = bool((np.diff(lines) > 1).any())
        found = values["prefix"][place] or ()
        return not is_apart and COUNTRY_CODES.isdisjoint(found)

    def _expanded(self, values):
        """One row for each prefix of a row without problems."""
        lines, bad = self.lines, {problem.line for problem in self.problems}
        bad |= self.open_lines
        good = [place for place, line in enumerate(lines.tolist()) if line not in bad]
        counts = [len(values["prefix"][place]) for place in good]
        budget = rates_budget(self.deck_rows, self.texts["prefix"])
        budget.spend(cells.PREFIXES, sum(counts))
        source = np.repeat(np.array(good, np.int64), counts)
        prefixes = self._with_country_codes(values, good)
        for place, prefix in zip(source, prefixes, strict=True):
            if len(prefix) > cells.MAX_DIGITS:
                self.problems.append(Problem(int(lines[place]), codes.too_long(prefix)))
        return rates_frame(values, lines, source, prefixes)

    def _with_country_codes(self, values, good):
        """The prefixes of the rows; a column of country codes belongs before them.

        Where every prefix begins with its country code already, nothing is added.
        """
        pairs = [
            (values["country_code"][place], prefix, place)
            for place in good
            for prefix in values["prefix"][place]
        ]
        complete = self._are_complete(pairs)
        found, zeros = [], 0
        for code, prefix, place in pairs:
            if not prefix.startswith("="):
                national = prefix
                try:
                    prefix = self._with_country_code(code, national, complete)
                    zeros += national[:1] == "0" and prefix == code + national[1:]
                except WrongCell as error:
                    self.problems.append(Problem(int(self.lines[place]), error))
            found.append(prefix)
        if zeros:
            self.assumptions.append(WrongCell(_WITHOUT_ZERO, count=zeros))
        count = 0
        if not self.national:
            count = sum(map(codes.starts_with_access_code, self.texts["prefix"]))
        if count:
            self.assumptions.append(WrongCell(_WITHOUT_00, count=count))
        return found

    def _with_country_code(self, code, prefix, complete):
        if complete:
            prefix = prefix or code
        elif code and not self.choices.codes and _is_complete(code, prefix):
            return prefix
        elif code:
            return codes.with_country_code(code, prefix)
        elif prefix and self.choices.codes == "national":
            raise WrongCell(_NO_COUNTRY, prefix=prefix)
        if prefix.startswith("0"):
            raise codes.begins_with_0(prefix)
        return prefix

    def _are_complete(self, pairs):
        """Whether codes have their country codes already; says so, or asks.

        Of some countries each code tells it by itself, see `_is_complete`.

        :param pairs: list of (country code, code, place of its row)
        """
        mode = self.choices.codes
        given = [
            (code, prefix, place)
            for code, prefix, place in pairs
            if code and prefix and not prefix.startswith("=")
        ]
        doubled = [pair for pair in given if pair[1].startswith(pair[0])]
        if not given or mode:
            return mode == "complete"
        is_complete = len(doubled) == len(given)
        told = [pair for pair in given if _is_complete(*pair[:2])]
        countries = {code for code, _prefix, _place in given}
        is_sure = len(countries) > 1 or len(told) == len(given)
        if is_complete and (is_sure or countries <= NEVER_DOUBLED):
            self.assumptions.append(WrongCell(_CODES_COMPLETE))
            return True
        doubled = [pair for pair in doubled if not _is_complete(*pair[:2])]
        others = len(given) - len(told)
        if not doubled:
            return False
        # 36 of the country 36 is Hungary, or Eger in Hungary.
        is_whole = any(code == prefix for code, prefix, _place in doubled)
        if len(doubled) < others * _MANY_DOUBLED and not is_whole:
            self.assumptions.append(
                WrongCell(_CODES_DOUBLED, count=len(doubled), example=doubled[0][1])
            )
            return False
        self._ask(
            "codes",
            WrongCell(_CODES_EITHER, example=doubled[0][1], country=doubled[0][0]),
            sorted({place for _code, _prefix, place in doubled}),
            list(dict.fromkeys(prefix for _code, prefix, _place in doubled))[:5],
        )
        return False

    def _ask_north_america(self, frame):
        """Area codes of North America without their 1 look like other countries."""
        choices = self.choices
        if choices.codes or choices.country_code or self.is_north_american:
            return
        if "country_code" in self.texts:
            return
        plain = [code for code in frame["prefix"] if code and code[0] != "="]
        if codes.is_north_american(self.texts["prefix"].unique(), set(plain)):
            lines = set(frame["line"].tolist())
            places = [
                place for place, line in enumerate(self.lines) if int(line) in lines
            ]
            bare = codes.bare_area_codes(dict.fromkeys(plain))
            first = next(code for code in plain if code in bare)
            is_all = bare >= set(plain) - {"1"}
            self._ask(
                "country_code",
                WrongCell(_NORTH_AMERICAN_CODES, example=first),
                places,
                [first, *(code for code in plain if code != first)][:5],
                "1" if is_all and codes.are_surely_north_american(plain) else "",
            )

    def _refuse_empty(self, values):
        """What is for all numbers says so, or of which country or type they are."""
        for place, text in enumerate(self.texts["prefix"]):
            if values["country_code"][place]:
                continue
            if not codes.are_all_others(text) and (text or values["call_type"][place]):
                continue
            if values["prefix"][place]:
                error = codes.missing()
                self.problems.append(Problem(int(self.lines[place]), error))


def _is_plain(code):
    """Whether code is digits of another country than those that begin with 1.

    Codes that are no country's any more, as 684 of American Samoa, price no call.
    """
    is_other = code.isdecimal() and not code.startswith("1")
    return is_other and bool(country_of(code))


def _is_complete(country, code):
    """Whether a code has its country code for sure, as no number begins with it."""
    return country in NEVER_DOUBLED and code.startswith(country)


def _all_complete(values, given):
    """Whether all codes begin with their country code where one is given."""
    pairs = [
        (code, prefix)
        for code, prefixes in zip(given, values["prefix"], strict=True)
        for prefix in prefixes or ()
        if code
    ]
    return all(prefix.startswith(code) for code, prefix in pairs)


def rates_budget(deck_rows, texts):
    """How many rates a file may become.

    As many as are imported at once; of ranges, which take little room, fewer: each
    prefix that is written out is a character at least.
    """
    written = min(deck_rows.most, sum(map(len, texts)))
    return Budget(
        {cells.PREFIXES: min(MAX_RATES, MAX_OF_RANGES + written)},
        lambda _what, most: DeckFileError(
            _lt(
                "The prefixes in the file stand for more than %(most)s rates, which "
                "is the maximum for one import. Use shorter prefixes instead of "
                "ranges, or split the file."
            ),
            most=most,
        ),
    )
