# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the texts of a deck's file to rates: prefixes, prices, increments, dates.

A cell may hold several prefixes (`44 7400-7409; 447500`); every one is a rate. What
cannot be read is a `Problem` with its line, what may be read in two ways a `Question`
for the whole file, and never a guess.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..connectors.budget import Budget
from ..connectors.workbook_cells import ErrorText
from ..rating.errors import _lt
from . import amounts, cells, codes, dates, words
from .cells import WrongCell
from .choices import Choices, Question
from .columns import MONEY
from .rate_rows import (
    RATE_COLUMNS,
    TERMS,
    Problem,
    Problems,
    Same,
    check_twice,
    check_unsupported,
    empty_rates,
    merge_grace,
    merge_increments,
    rates_frame,
)
from .rows import MAX_RATES, DeckFileError, DeckRows
from .tiers import read_tiers, tier_prices

__all__ = ["RATE_COLUMNS", "TERMS", "DeckReading", "Problem", "parse_deck", "read_deck"]

#: rates that ranges of prefixes may become beside those that are written out
MAX_OF_RANGES = 50_000
_RATES = ("price", "first_price")
_FORMULA_ERRORS = frozenset(
    "#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE! #SPILL! #CALC! Err:502".split()
)
_FORMULA_ERROR = _lt(
    "%(text)s in the column %(column)s: a formula of the spreadsheet has failed."
)
_NO_PRICE = _lt("The price is missing.")
_TWO_CURRENCIES = _lt(
    "'%(text)s' is in another currency than the other prices of the file."
)
_TWO_UNITS = _lt(
    "The price '%(text)s' is that of a minute, but for %(seconds)s seconds as another "
    "column says."
)
_IN_HUNDREDTHS = _lt(
    "The column %(column)s is in cents: its prices are divided by 100."
)
_CENTS = _lt("Prices in cents, divided by 100: %(count)s.")
_SOME_CENTS = _lt(
    "Some prices are in cents, and others say nothing: say what these are divided by "
    "(1, or 100 for cents)."
)
_NOISE = _lt(
    "Prices with 16 or 17 digits, read with 15 as a spreadsheet shows them: %(count)s."
)
_OTHER_SECONDS = _lt(
    "The column %(column)s has prices for %(seconds)s seconds, it seems. Say how many "
    "seconds the prices are for."
)
_SIGN_IS = {
    amounts.POINT: _lt(
        "The decimal sign is the point, as %(example)s shows: "
        "prices read so: %(count)s."
    ),
    amounts.COMMA: _lt(
        "The decimal sign is the comma, as %(example)s shows: "
        "prices read so: %(count)s."
    ),
}
_BOTH_SIGNS = _lt(
    "Some prices have a decimal point, such as %(point)s, and others a comma, such as "
    "%(comma)s. Say which one the file has; the others are wrong then."
)
_ORDER_IS = {
    "dmy": _lt("The day comes before the month, as in %(example)s."),
    "mdy": _lt("The month comes before the day, as in %(example)s."),
}
_NORTH_AMERICA = _lt(
    "The codes are area codes of North America: 1 is put before each of them."
)
_NORTH_AMERICAN_CODES = _lt(
    "All codes look like area codes of North America without their 1, such as "
    "%(example)s. Say which country code belongs before them, or that they are "
    "complete."
)
_BLANK_COUNTRY = _lt(
    "Rows without a country code in its column: %(count)s. Say whether the one above "
    "holds for them."
)
_NO_COUNTRY_ABOVE = _lt("There is no country code in this row or above it.")
_NO_COUNTRY = _lt("There is no country code for the code %(prefix)s.")
_FILLED_DOWN = _lt(
    "Rows without a country code, which have the one above them: %(count)s."
)
_CODES_COMPLETE = _lt(
    "The codes begin with their country codes already: nothing is put before them."
)
_CODES_DOUBLED = _lt(
    "Codes that begin with their country code and get it nevertheless, such as "
    "%(example)s: %(count)s."
)
_WITHOUT_00 = _lt("Cells with codes whose 00 at the beginning is left out: %(count)s.")


@dataclass(frozen=True)
class DeckReading:
    """What a deck's file says.

    - `rates`: DataFrame with `RATE_COLUMNS`, a row per prefix. Prices are integers in
      1e-8, `max_charge_e8` -1 without one, `tiers` a text of `tiers.tiers_text`, dates
      are `datetime.date` or None; `valid_until` is the first day without the rate.
    - `problems`: list of `Problem`
    - `questions`: list of `choices.Question`; what they are about is not in `rates`
    - `assumptions`: list of `WrongCell`: sentences on what was not said, but worked out
    - `words`: dict word -> (its text, number of rows), statuses that are not known
    - `choices`: `choices.Choices`, with what was worked out
    - `rows`: `rows.DeckRows`
    - `currencies`: frozenset of the codes that the prices may be in; empty for any
    """

    rates: pd.DataFrame
    problems: list
    questions: list
    assumptions: list
    words: dict
    choices: Choices
    rows: DeckRows
    currencies: frozenset = frozenset()

    @property
    def all_problems(self):
        """Return the problems and what is not clear, by line."""
        found = self.problems + [
            Problem(question.line, question.error, question)
            for question in self.questions
        ]
        return sorted(found, key=lambda problem: problem.line)


def parse_deck(deck_rows, date_order=""):
    """Make rates of a deck's rows.

    :param deck_rows: `rows.DeckRows`
    :param date_order: `dmy` or `mdy`, how 03/04/2026 is meant; empty: as the other
        dates of the file show
    :return: (`DeckReading.rates`; list of `Problem`, with what is not clear)
    :raise DeckFileError: as :func:`read_deck`
    """
    choices = deck_rows.choices
    if date_order:
        choices = replace(choices, date_order=date_order)
    reading = read_deck(replace(deck_rows, choices=choices))
    return reading.rates, reading.all_problems


def read_deck(deck_rows):
    """Make rates of a deck's rows, as its choices say.

    :param deck_rows: `rows.DeckRows`
    :return: `DeckReading`
    :raise DeckFileError: the file asks for more rates than are imported at once, or
        far too many of its rows are wrong
    """
    return _Reading(deck_rows).read()


class _Reading:
    """One reading of a deck's rows."""

    def __init__(self, deck_rows):
        self.deck_rows = deck_rows
        self.choices = deck_rows.choices
        self.problems = Problems()
        self.questions = list(deck_rows.questions)
        self.assumptions = list(deck_rows.assumptions)
        self.words = {}
        self.open_lines = set()
        self.currencies = frozenset()
        columns = deck_rows.columns
        texts = pd.DataFrame(
            [texts for _line, texts in deck_rows.rows], dtype=object
        ).rename(columns={place: meaning for meaning, place in columns.items()})
        self.texts = texts[[name for name in columns if name in texts]]
        self.lines = np.array([line for line, _texts in deck_rows.rows], np.int64)

    def read(self):
        """Read all columns; see `DeckReading`."""
        if not {"prefix", "price"} <= set(self.texts):
            return self._reading(empty_rates())
        self._refuse_errors()
        self._settle()
        values = self._values()
        merge_grace(values, self.lines, self.problems)
        values["valid_until"] = [
            before or after
            for before, after in zip(
                values.pop("valid_before"), values.pop("last_day"), strict=True
            )
        ]
        self._close(values)
        check_unsupported(values, self.lines, self.problems)
        self._ask_country_codes(values)
        self._refuse_empty(values)
        frame = self._expanded(values)
        check_twice(frame, self.problems)
        self._ask_north_america(frame)
        bad = {problem.line for problem in self.problems} | self.open_lines
        if any(question.key in ("columns", "sheet") for question in self.questions):
            bad = set(self.lines.tolist())
        frame = frame[~frame["line"].isin(bad)].reset_index(drop=True)
        return self._reading(frame)

    def _reading(self, frame):
        return DeckReading(
            frame,
            sorted(self.problems, key=lambda problem: problem.line),
            self.questions,
            self.assumptions,
            self.words,
            self.choices,
            self.deck_rows,
            self.currencies,
        )

    def _assume(self, text, **values):
        self.assumptions.append(WrongCell(text, **values))

    def _heading(self, name):
        """What the name of a column says, None where it says nothing."""
        place = self.deck_rows.columns.get(name)
        headings = self.deck_rows.headings
        return headings[place] if place is not None and headings else None

    # === THE WHOLE FILE === #

    def _refuse_errors(self):
        """A formula that failed is no text, in whatever column."""
        for name in self.texts:
            texts = self.texts[name]
            failed = texts.isin(_FORMULA_ERRORS).to_numpy()
            if ErrorText in set(map(type, texts)):
                failed |= np.array([isinstance(text, ErrorText) for text in texts])
            for place in np.flatnonzero(failed):
                error = WrongCell(
                    _FORMULA_ERROR, text=str(texts.iloc[place]), column=name
                )
                self.problems.append(Problem(int(self.lines[place]), error))

    def _settle(self):
        """Work out what is one for the whole file: the choices, as far as it tells."""
        found = {}
        order = self.choices.date_order
        if not order:
            order, example = dates.date_order(self.texts)
            if order:
                self._assume(_ORDER_IS[order], example=example)
        found["date_order"] = order
        found["number"] = self.choices.number or self._decimal_sign()
        if not self.choices.divisor:
            heading = self._heading("price")
            if heading and heading.hundredths:
                self._assume(_IN_HUNDREDTHS, column=self._name_of("price"))
        if not self.choices.per_seconds and "per_seconds" not in self.texts:
            heading = self._heading("price")
            if heading and heading.seconds not in (0, amounts.MINUTE):
                self._ask(
                    "per_seconds",
                    WrongCell(
                        _OTHER_SECONDS,
                        column=self._name_of("price"),
                        seconds=heading.seconds,
                    ),
                    range(len(self.lines)),
                    proposal=heading.seconds,
                )
        self.choices = replace(self.choices, **found)

    def _name_of(self, meaning):
        return self.deck_rows.header[self.deck_rows.columns[meaning]]

    def _money_columns(self):
        return [name for name in MONEY if name in self.texts]

    def _decimal_sign(self):
        """The decimal sign that the amounts of the file prove, or assume one."""
        counted = [
            (text, count, name in _RATES)
            for name in self._money_columns()
            for text, count in _counts(self.texts[name])
        ]
        if "tiers" in self.texts:
            counted += [
                (text, count, True)
                for cell, count in _counts(self.texts["tiers"])
                for text in tier_prices(cell)
            ]
        signs = amounts.decimal_signs(counted)
        convention = signs.convention
        if not convention and self.deck_rows.is_own and not signs.shown["comma"]:
            # We write a point, and group nothing.
            if not any("," in text for text in signs.examples.get("", ())):
                convention = amounts.POINT
        if not convention:
            self.signs = signs
        elif signs.shown[convention] and (signs.open or convention == amounts.COMMA):
            self._assume(
                _SIGN_IS[convention],
                example=signs.examples[convention][0],
                count=signs.shown[convention] + signs.open,
            )
        return convention

    def _ask(self, key, error, places, examples=(), proposal=""):
        """Leave rows out until a person has said how they are meant."""
        places = list(places)
        lines = self.lines[places].tolist()
        self.open_lines.update(lines)
        self.questions.append(
            Question(key, error, min(lines), len(lines), tuple(examples), proposal)
        )

    # === CELLS === #

    def _values(self):
        """dict meaning -> list of values, as long as the rows."""
        budget = _rates_budget(self.deck_rows, self.texts["prefix"])
        values = {}
        open_cells = {}
        for name, (reader, default) in self._readers(budget).items():
            values[name] = self._read_column(name, reader, default, open_cells)
        increments = self._read_column("increments", cells.increments, None, open_cells)
        merge_increments(values, increments)
        for key, found in open_cells.items():
            places = sorted({place for place, _error, _text in found})
            _place, error, _text = found[0]
            if key == "number" and all(self.signs.shown.values()):
                error = WrongCell(
                    _BOTH_SIGNS,
                    **{name: self.signs.examples[name][0] for name in self.signs.shown},
                )
            examples = list(dict.fromkeys(text for _p, _e, text in found))[:5]
            self._ask(key, error, places, examples, self._proposal(key, examples))
        self._check_currencies()
        return values

    def _proposal(self, key, examples):
        """What is more likely meant."""
        if key == "number":
            return self.signs.proposal
        if key == "blanks":
            lengths = [{len(part) for part in text.split()} for text in examples]
            return "separate" if all(len(some) == 1 for some in lengths) else "group"
        return {"dashes": "join", "lists": "ending", "date_order": "dmy"}.get(key, "")

    def _readers(self, budget):
        choices = self.choices
        money = amounts.Money(choices.number, choices.divisor or 1)
        price = self._price_reader(money, "price")
        first_price = self._price_reader(money, "first_price")
        per_seconds = choices.per_seconds or 60
        day = dates.date(choices.date_order)

        def fee(name, default):
            reader = self._price_reader(money, name, is_rate=False)
            return cells.optional(reader), default

        national = (
            choices.codes == "national"
            or ("country_code" in self.texts or bool(choices.country_code))
            and choices.codes != "complete"
        )
        self.national = national
        heading = self._heading("prefix")
        self.is_north_american = bool(heading and heading.north_american)
        style = choices.code_style(national or self.is_north_american)

        may_be_empty = not {"country_code", "call_type"}.isdisjoint(self.texts)

        def prefixes(text):
            if not text and may_be_empty:
                return [""]
            return codes.prefixes(text, style, budget)

        return {
            "prefix": (prefixes, None),
            "country_code": (codes.country_code, ""),
            "name": (str, ""),
            "country": (str, ""),
            "call_type": (str, ""),
            "band": (str, ""),
            "price": (cells.optional(price), None),
            "first_price": (cells.optional(first_price), None),
            "per_seconds": (cells.seconds(per_seconds, 1), per_seconds),
            "first_increment": (cells.seconds(None), None),
            "next_increment": (cells.seconds(None), None),
            "connection_fee": fee("connection_fee", 0),
            "minimum": fee("minimum", 0),
            "maximum": fee("maximum", -1),
            "grace_seconds": (cells.seconds(0), 0),
            "free_seconds": (cells.seconds(0), 0),
            "tiers": (lambda text: read_tiers(text, money.reader()), ""),
            "included_seconds": (cells.seconds(0), 0),
            "valid_from": (day, None),
            "valid_before": (day, None),
            "last_day": (dates.after_last_day(choices.date_order), None),
            "change": (words.status(choices.words), False),
            "discontinued": (words.flag(choices.words), False),
            "forbidden": (words.flag(choices.words), False),
        }

    def _price_reader(self, money, name, is_rate=True):
        heading = self._heading(name)
        in_hundredths = bool(heading and heading.hundredths)
        return money.reader(is_rate, in_hundredths and not self.choices.divisor)

    def _read_column(self, name, reader, default, open_cells):
        """Read each different text of a column once; a list as long as the column.

        :param open_cells: dict key of a question -> list of (place, error, text)
        """
        if name not in self.texts:
            return Same(default, len(self.lines))
        numbers, unique = _told_apart(self.texts[name])
        read, wrong = [], {}
        for number, text in enumerate(unique):
            try:
                value = None if _is_formula_error(text) else reader(text)
            except WrongCell as error:
                wrong[number] = error, text
                value = None
            read.append(default if value is None else value)
        if wrong:
            for place in np.flatnonzero(np.isin(numbers, list(wrong))):
                error, text = wrong[numbers[place]]
                if not isinstance(error, cells.TwoWays):
                    self.problems.append(Problem(int(self.lines[place]), error))
                    continue
                open_cells.setdefault(error.key, []).append((int(place), error, text))
                if error.key == "words":
                    word = words.word_of(text)
                    shown, count = self.words.get(word, (text, 0))
                    self.words[word] = shown, count + 1
        return [read[number] for number in numbers]

    def _refuse_empty(self, values):
        """What is for all numbers says so, or of which country or type they are."""
        for place, text in enumerate(self.texts["prefix"]):
            if text or values["country_code"][place] or values["call_type"][place]:
                continue
            if values["prefix"][place]:
                error = WrongCell(codes.EMPTY)
                self.problems.append(Problem(int(self.lines[place]), error))

    def _check_currencies(self):
        """All prices of a file are in one currency; cents and digits are told."""
        known, cents, noise, bare, marked = frozenset(), 0, 0, [], False
        for name in self._money_columns():
            heading = self._heading(name)
            if heading and heading.currencies:
                known = known & heading.currencies or known or heading.currencies
            for text, places in self._places(name):
                try:
                    amount = amounts.understand(text, name in _RATES)
                except WrongCell:
                    continue
                cents += amount.hundredths * len(places)
                noise += amounts.is_float_noise(text) * len(places)
                if not amount.hundredths and not amount.currencies:
                    if name in _RATES and any(amount.values.values()):
                        bare += places
                marked |= amount.hundredths
                if known and amount.currencies and not known & amount.currencies:
                    for place in places:
                        self.problems.append(
                            Problem(
                                int(self.lines[place]),
                                WrongCell(_TWO_CURRENCIES, text=text),
                            )
                        )
                elif amount.currencies:
                    known = known & amount.currencies or amount.currencies
                if amount.per_minute and "per_seconds" in self.texts:
                    self._refuse_other_seconds(text, places)
        if cents:
            self._assume(_CENTS, count=cents)
        if noise:
            self._assume(_NOISE, count=noise)
        if marked and bare and not self.choices.divisor:
            self._ask("divisor", WrongCell(_SOME_CENTS), bare, proposal=100)
        self.currencies = known

    def _places(self, name):
        """Yield (text, places of the rows) of each different text of a column."""
        found = {}
        for place, text in enumerate(self.texts[name]):
            if text:
                found.setdefault((type(text), text), []).append(place)
        for (_kind, text), places in found.items():
            yield text, places

    def _refuse_other_seconds(self, text, places):
        for place in places:
            seconds = self.texts["per_seconds"].iloc[place]
            if seconds and cells.whole(seconds) != amounts.MINUTE:
                self.problems.append(
                    Problem(
                        int(self.lines[place]),
                        WrongCell(_TWO_UNITS, text=text, seconds=str(seconds)),
                    )
                )

    def _close(self, values):
        """Which rates end; those need no price."""
        values["closed"] = [
            a or b or c
            for a, b, c in zip(
                values["change"],
                values["discontinued"],
                values["forbidden"],
                strict=True,
            )
        ]
        prices = values["price"] = list(values["price"])
        texts = self.texts["price"].tolist()
        for place, price in enumerate(prices):
            if price is None:
                prices[place] = 0
                if not texts[place] and not values["closed"][place]:
                    self.problems.append(
                        Problem(int(self.lines[place]), WrongCell(_NO_PRICE))
                    )

    # === COUNTRY CODES === #

    def _ask_country_codes(self, values):
        """Fill a column of country codes down, where the table shows that it is so."""
        choices = self.choices
        if "country_code" not in self.texts:
            code = choices.country_code
            if not code and self.is_north_american:
                code = "1"
                self._assume(_NORTH_AMERICA)
            if code:
                code = codes.country_code(code)
                values["country_code"] = Same(code, len(self.lines))
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
            self._ask(
                "country_fill",
                WrongCell(_BLANK_COUNTRY, count=len(places)),
                places,
                proposal="down",
            )
            return
        for place in open_places:
            self.problems.append(
                Problem(int(self.lines[place]), WrongCell(_NO_COUNTRY_ABOVE))
            )
        values["country_code"] = filled
        self._assume(_FILLED_DOWN, count=len(blank))

    def _belongs(self, values, above, place):
        """Whether a row goes on with the country of a row above, as its names say."""
        if values["country"][place] not in ("", values["country"][above]):
            return False
        if values["country"][place]:
            return True
        first, second = values["name"][above].split(), values["name"][place].split()
        return not first or not second or first[0].lower() == second[0].lower()

    def _expanded(self, values):
        """One row for each prefix of a row without problems."""
        lines, bad = self.lines, {problem.line for problem in self.problems}
        bad |= self.open_lines
        good = [place for place, line in enumerate(lines.tolist()) if line not in bad]
        counts = [len(values["prefix"][place]) for place in good]
        budget = _rates_budget(self.deck_rows, self.texts["prefix"])
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
        mode = self.choices.codes
        given = any(code for code, _prefix, _place in pairs)
        complete = mode == "complete" or (
            mode != "national"
            and all(prefix.startswith(code) for code, prefix, _place in pairs)
        )
        if given and complete and not mode:
            self._assume(_CODES_COMPLETE)
        elif given and not complete:
            self._note_doubled(pairs)
        found = []
        for code, prefix, place in pairs:
            if not prefix.startswith("="):
                try:
                    prefix = self._with_country_code(code, prefix, complete)
                except WrongCell as error:
                    self.problems.append(Problem(int(self.lines[place]), error))
            found.append(prefix)
        count = 0
        if not self.national:
            count = sum(map(codes.starts_with_access_code, self.texts["prefix"]))
        if count:
            self._assume(_WITHOUT_00, count=count)
        return found

    def _with_country_code(self, code, prefix, complete):
        if complete:
            prefix = prefix or code
        elif code:
            return codes.with_country_code(code, prefix)
        elif prefix and self.choices.codes == "national":
            raise WrongCell(_NO_COUNTRY, prefix=prefix)
        if prefix.startswith("0"):
            raise WrongCell(codes.BEGINS_WITH_0, prefix=prefix)
        return prefix

    def _note_doubled(self, pairs):
        """Codes that begin with their country code, and get it nevertheless."""
        doubled = [p for code, p, _place in pairs if code and p.startswith(code)]
        if doubled:
            self._assume(_CODES_DOUBLED, count=len(doubled), example=doubled[0])

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
            self._ask(
                "country_code",
                WrongCell(_NORTH_AMERICAN_CODES, example=plain[0]),
                places,
                plain[:5],
                "1",
            )


def _is_formula_error(text):
    return isinstance(text, ErrorText) or text in _FORMULA_ERRORS


def _told_apart(texts):
    """Number the different texts of a column: a number of a workbook is no text alike.

    :return: (array of their numbers, by row; list of texts)
    """
    if set(map(type, texts)) <= {str}:
        return pd.factorize(texts)
    pairs = np.empty(len(texts), object)
    pairs[:] = [(type(text), text) for text in texts]
    numbers, unique = pd.factorize(pairs)
    return numbers, [text for _kind, text in unique]


def _counts(texts):
    """List of (text, number of cells) of a column, kinds of cells apart."""
    numbers, unique = _told_apart(texts)
    return list(zip(unique, np.bincount(numbers).tolist(), strict=True))


def _all_complete(values, given):
    """Whether all codes begin with their country code where one is given."""
    pairs = [
        (code, prefix)
        for code, prefixes in zip(given, values["prefix"], strict=True)
        for prefix in prefixes or ()
        if code
    ]
    return all(prefix.startswith(code) for code, prefix in pairs)


def _rates_budget(deck_rows, texts):
    """How many rates a file may become.

    As many as are imported at once; of ranges, which take little room, fewer: each
    prefix that is written out is a character at least.
    """
    written = min(deck_rows.most, sum(map(len, texts)))
    return Budget(
        {cells.PREFIXES: min(MAX_RATES, MAX_OF_RANGES + written)},
        lambda _what, most: DeckFileError(
            _lt(
                "The prefixes of the file stand for more than %(most)s rates, which is "
                "more than are imported at once. Write shorter prefixes instead of "
                "ranges, or split the file."
            ),
            most=most,
        ),
    )
