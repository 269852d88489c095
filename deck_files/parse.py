# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From the texts of a deck's file to rates: prefixes, prices, increments, dates.

A cell may hold several prefixes (`44 7400-7409; 447500`); every one is a rate. What
cannot be read is a `Problem` with its line, what may be read in two ways a `Question`
for the whole file, and never a guess.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

import pandas as pd

from ..notation.numbers import COMMA, POINT
from ..rating.errors import _lt
from ..rating.exact import exact, exact_text
from . import amounts, cells, codes, dates, price_bands, words
from .cells import WrongCell
from .choices import Choices, Question
from .code_blanks import likely_joined, likely_lists, likely_separate, shown_blanks
from .columns import MONEY, is_least
from .continued import continue_rows
from .country_codes import CodesOfFile, rates_budget
from .file_cells import counts
from .money_headings import divisor_of, has_unknown_measure, is_per_call
from .rate_rows import (
    RATE_COLUMNS,
    TERMS,
    Problem,
    check_overlaps,
    check_twice,
    check_unsupported,
    empty_rates,
    far_prices,
    merge_grace,
    merge_increments,
)
from .remarks import open_remarks
from .rows import DeckRows
from .tiers import read_tiers, tier_prices
from .unread import is_priced

__all__ = ["RATE_COLUMNS", "TERMS", "DeckReading", "Problem", "parse_deck"]

_RATES = ("price", "first_price")
#: keys of questions without whose answers nothing of a file is clear
OF_THE_WHOLE_FILE = ("columns", "sheet", "bands", "remarks")
_NO_PRICE = _lt("The price is missing.")
_TWO_CURRENCIES = _lt(
    "'%(text)s' is in a different currency than the other prices in the file."
)
_TWO_UNITS = _lt(
    "The price '%(text)s' is per minute, but another column says it is for "
    "%(seconds)s seconds."
)
_IN_HUNDREDTHS = _lt(
    "The column %(column)s is in cents, so its prices are divided by 100."
)
_CENTS = _lt("Prices in cents, divided by 100: %(count)s.")
_SOME_CENTS = _lt(
    "Some prices are in cents, and others have no unit. Choose what to divide the "
    "others by (1, or 100 for cents)."
)
_DIVIDED = _lt(
    "The prices in the column %(column)s seem to be in a different unit. Enter what "
    "to divide them by."
)
_MEASURED = _lt(
    "It is unclear what the name of the column %(column)s means for its prices. Enter "
    "what to divide them by (1 to use them as they are), and the seconds that each "
    "price covers."
)
_PER_CALL = _lt("The column %(column)s contains prices per call, not per minute.")
_CONTINUED = _lt(
    "Rows with only a prefix, read with the price of the destination above them: "
    "%(count)s."
)
_LEAST = _lt(
    "The file only specifies a minimum duration. After it, calls are billed per second."
)
_FAR = _lt(
    "Prices or fees far above all others, starting with %(amount)s in line %(line)s: "
    "%(count)s. Check whether a decimal separator was lost."
)
_REMARKS = _lt(
    "Text outside the rates may contain start dates, rounding, price units, or ended "
    "rates that are not in any column. Check this text, because only the columns are "
    "imported."
)
_NOISE = _lt(
    "Prices with 16 or 17 digits, rounded to 15 digits as displayed in spreadsheets: "
    "%(count)s."
)
_OTHER_SECONDS = _lt(
    "The prices in the column %(column)s seem to be for %(seconds)s seconds. Enter "
    "the number of seconds."
)
_SIGN_IS = {
    POINT: _lt(
        "The decimal separator is a point, as in %(example)s. Prices read this way: "
        "%(count)s."
    ),
    COMMA: _lt(
        "The decimal separator is a comma, as in %(example)s. Prices read this way: "
        "%(count)s."
    ),
}
_BOTH_SIGNS = _lt(
    "Some prices have a decimal point, for example %(point)s, and others a decimal "
    "comma, for example %(comma)s. Choose which one to use; the others will be marked "
    "as wrong."
)
_BLANKS_ARE_CODES = _lt(
    "Spaces after a country code are part of the prefix, as in %(examples)s: no "
    "prefix has two prices."
)
_ORDER_IS = {
    "dmy": _lt("The day comes before the month, as in %(example)s."),
    "mdy": _lt("The month comes before the day, as in %(example)s."),
}


@dataclass(frozen=True)
class DeckReading:
    """What a deck's file says; as a pair, the rates and all that is wrong or open.

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

    def __getitem__(self, place):
        return (self.rates, self.all_problems)[place]

    @property
    def all_problems(self):
        """Return the problems and what is not clear, by line."""
        found = self.problems + [
            Problem(question.line, question.error, question)
            for question in self.questions
        ]
        return sorted(found, key=lambda problem: problem.line)


def parse_deck(deck_rows, date_order=""):
    """Make rates of a deck's rows, as its choices say.

    :param deck_rows: `rows.DeckRows`
    :param date_order: `dmy` or `mdy`, how 03/04/2026 is meant; empty: as the other
        dates of the file show
    :return: `DeckReading`, which is `DeckReading.rates` and what is wrong or not clear
    :raise DeckFileError: the file asks for more rates than are imported at once, or
        far too many of its rows are wrong
    """
    if date_order:
        choices = replace(deck_rows.choices, date_order=date_order)
        deck_rows = replace(deck_rows, choices=choices)
    return _Reading(deck_rows).whole()


class _Reading(CodesOfFile):
    """One reading of a deck's rows."""

    def whole(self):
        """Read all columns; see `DeckReading`."""
        if not {"prefix", "price"} <= set(self.texts):
            return self._reading(empty_rates())
        self._refuse_errors()
        self._ask_remarks()
        self._join_exchanges()
        self.texts, count = continue_rows(self.texts, self.lines)
        if count:
            self.assumptions.append(WrongCell(_CONTINUED, count=count))
        if wrong := self._wrong_heading():
            self.problems.append(Problem(self.deck_rows.line, wrong))
            return self._reading(empty_rates())
        self._work_out()
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
        check_overlaps(frame, self.problems)
        self._ask_north_america(frame)
        bad = {problem.line for problem in self.problems} | self.open_lines
        if any(question.key in OF_THE_WHOLE_FILE for question in self.questions):
            bad = set(self.lines.tolist())
        frame = frame[~frame["line"].isin(bad)].reset_index(drop=True)
        count, line, amount = far_prices(frame)
        if count:
            amount = exact_text(exact(Decimal(amount).scaleb(-cells.PRICE_DECIMALS)))
            self.assumptions.append(
                WrongCell(_FAR, count=count, line=line, amount=amount)
            )
        return self._reading(frame)

    def _wrong_heading(self):
        """What makes prices useless by the names of their columns: a `WrongCell`."""
        if is_per_call(name := self._name_of("price")):
            return WrongCell(_PER_CALL, column=name)
        return price_bands.other_units(self.deck_rows.header, self.deck_rows.bands)

    def _join_exchanges(self):
        """Area code and exchange of North America are one code: 201-200 is 201200."""
        texts = self.texts["prefix"]
        said = self.choices.dashes or self.choices.blanks or "exchange" in self.texts
        if not said and codes.are_exchanges(texts.unique()):
            self.texts["prefix"] = texts.str.replace(r"[ ./-]", "", regex=True)

    def _ask_remarks(self):
        """What stands around the table may say what no column does."""
        rows = self.deck_rows
        headings = [self._name_of("price"), *map(rows.header.__getitem__, rows.bands)]
        last = int(self.lines[-1]) if len(self.lines) else 0
        found = open_remarks(rows.notes, rows.columns, headings, last)
        if found and not self.choices.remarks:
            texts = list(dict.fromkeys(text for _line, text in found))
            line, count = found[0][0], len(found)
            error = WrongCell(_REMARKS)
            self.questions.append(Question("remarks", error, line, count, tuple(texts)))

    def _reading(self, frame):
        return DeckReading(
            frame,
            sorted(_once(self.problems), key=lambda problem: problem.line),
            self.questions,
            self.assumptions,
            self.words,
            self.choices,
            self.deck_rows,
            self.currencies,
        )

    def _work_out(self):
        """Work out what is one for the whole file: the choices, as far as it tells."""
        found = {}
        for name in dates.DAYS:
            if name in self.texts:
                self.texts[name] = dates.spread_digits(self.texts[name])
        order = self.choices.date_order
        if not order:
            order, example = dates.date_order(self.texts)
            headings = {
                dates.order_of_heading(self._name_of(name))
                for name in dates.DAYS
                if name in self.texts
            } - {""}
            if len(headings) == 1 and not order:
                [order] = headings
                example = self._name_of(next(n for n in dates.DAYS if n in self.texts))
            if order:
                self.assumptions.append(WrongCell(_ORDER_IS[order], example=example))
        found["date_order"] = order
        found["number"] = self.choices.number or self._decimal_sign()
        if not self.choices.divisor:
            heading = self._heading("price")
            if divisor := divisor_of(self._name_of("price")):
                error = WrongCell(_DIVIDED, column=self._name_of("price"))
                self._ask("divisor", error, range(len(self.lines)), proposal=divisor)
            elif has_unknown_measure(self._name_of("price")):
                error = WrongCell(_MEASURED, column=self._name_of("price"))
                self._ask("divisor", error, range(len(self.lines)))
            elif heading and heading.hundredths:
                self.assumptions.append(
                    WrongCell(_IN_HUNDREDTHS, column=self._name_of("price"))
                )
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

    def _money_columns(self):
        return [name for name in MONEY if name in self.texts]

    def _decimal_sign(self):
        """The decimal sign that the amounts of the file prove, or assume one."""
        counted = [
            (text, count, name in _RATES)
            for name in self._money_columns()
            for text, count in counts(self.texts[name])
        ]
        if "tiers" in self.texts:
            counted += [
                (text, count, True)
                for cell, count in counts(self.texts["tiers"])
                for text in tier_prices(cell)
            ]
        signs = amounts.decimal_signs(counted)
        convention = signs.convention
        if not convention and self.deck_rows.is_own and not signs.shown["comma"]:
            # We write a point, and group nothing.
            if not any("," in text for text in signs.examples.get("", ())):
                convention = POINT
        if not convention:
            self.signs = signs
        elif signs.shown[convention] and (signs.open or convention == COMMA):
            self.assumptions.append(
                WrongCell(
                    _SIGN_IS[convention],
                    example=signs.examples[convention][0],
                    count=signs.shown[convention] + signs.open,
                )
            )
        return convention

    def _values(self):
        """dict meaning -> list of values, as long as the rows."""
        budget = rates_budget(self.deck_rows, self.texts["prefix"])
        values = {}
        open_cells = {}
        for name, (reader, default) in self._readers(budget).items():
            values[name] = self._read_column(name, reader, default, open_cells)
        increments = self._read_column("increments", cells.increments, None, open_cells)
        least = "first_increment" in self.texts and is_least(
            self._name_of("first_increment")
        )
        merge_increments(values, increments, least)
        if least and {"next_increment", "increments"}.isdisjoint(self.texts):
            self.assumptions.append(WrongCell(_LEAST))
        for key, found in open_cells.items():
            places = sorted({place for place, _error, _text in found})
            _place, error, _text = found[0]
            if key == "number" and all(self.signs.shown.values()):
                error = WrongCell(
                    _BOTH_SIGNS,
                    **{name: self.signs.examples[name][0] for name in self.signs.shown},
                )
            examples = list(dict.fromkeys(text for _p, _e, text in found))
            self._ask(key, error, places, examples[:5], self._proposal(key, examples))
        self._check_currencies(values.pop("currency"))
        self._tell_units()
        if "exchange" in self.texts:
            values["prefix"] = [
                found and [code + end for code in found for end in ends]
                for found, ends in zip(
                    values["prefix"], values["exchange"], strict=True
                )
            ]
        return values

    def _proposal(self, key, examples):
        """What is meant for all that is known; empty where money depends on a guess."""
        if key == "number":
            return self.signs.proposal
        if key == "country_blanks":
            return self.likely_blanks
        if key == "blanks" and not self.national:
            return likely_separate(examples)
        if key == "lists":
            return likely_lists(examples)
        if key == "dashes":
            return likely_joined(self.texts["prefix"].unique())
        return ""

    def _readers(self, budget):
        choices = self.choices
        money = amounts.Money(choices.number, choices.divisor or 1)
        price = self._price_reader(money, "price")
        first_price = self._price_reader(money, "first_price")
        per_seconds = choices.per_seconds or 60
        exchanged = dates.are_exchanged(self.texts)
        day = dates.date(choices.date_order, exchanged)

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
        if not (style.national or style.blanks or style.country_blanks):
            style = self._shown_blanks(style)

        may_be_empty = not {"country_code", "call_type"}.isdisjoint(self.texts)

        def prefixes(text):
            if not text and may_be_empty or self._is_rest(text):
                return [""]
            return codes.prefixes(text, style, budget)

        return {
            "prefix": (prefixes, None),
            "exchange": (cells.optional(codes.exchanges), ("",)),
            "currency": (cells.optional(amounts.currencies_of), frozenset()),
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
            "last_day": (dates.after_last_day(choices.date_order, exchanged), None),
            "change": (words.status(self._known(), self._are_flags("change")), False),
            "discontinued": (words.flag(choices.words), False),
            "forbidden": (words.flag(choices.words), False),
        }

    def _known(self):
        """dict status -> meaning, as a person has said it, or signs show it."""
        if "change" not in self.texts:
            return self.choices.words
        signs = words.signs_of(
            self.texts["change"].tolist(),
            self.texts["price"].tolist(),
            self._has_empty_price_column(),
        )
        return {**signs, **self.choices.words}

    def _has_empty_price_column(self):
        """Whether another column of prices has none."""
        rows = self.deck_rows
        return any(
            is_priced(name)
            and place != rows.columns.get("price")
            and not any(texts[place] for _line, texts in rows.rows)
            for place, name in enumerate(rows.header)
        )

    def _are_flags(self, name):
        """Whether a column has nothing but 0 and 1, of which either may be an end."""
        texts = self.texts[name] if name in self.texts else ()
        return {str(text) for text in texts} - {""} <= {"0", "1"}

    def _is_rest(self, text):
        """Whether a cell means all other codes of the country in another column."""
        return "country_code" in self.texts and codes.are_all_others(text)

    def _shown_blanks(self, style):
        """The style of codes, with what the codes show of blanks behind country codes.

        :param style: `codes.CodeStyle`
        """
        shown, examples, self.likely_blanks = shown_blanks(
            self.texts["prefix"].unique()
        )
        if not shown:
            return style
        self.assumptions.append(
            WrongCell(_BLANKS_ARE_CODES, examples=" · ".join(examples))
        )
        return replace(style, country_blanks=shown)

    def _price_reader(self, money, name, is_rate=True):
        heading = self._heading(name)
        in_hundredths = bool(heading and heading.hundredths)
        return money.reader(is_rate, in_hundredths and not self.choices.divisor)

    @cached_property
    def _amounts(self):
        """The cells of money: list of (meaning, text, places of its rows, `Amount`)."""
        found = []
        for name in self._money_columns():
            for text, places in self._places(name):
                try:
                    amount = amounts.understand(text, name in _RATES)
                except WrongCell:
                    continue
                found.append((name, text, places, amount))
        return found

    def _check_currencies(self, named):
        """All of a file is in one currency.

        :param named: the currencies of a column of them, by row
        """
        said = [
            (line, text, frozenset([amounts.currency_of_note(text)]) - {""})
            for line, text in self.deck_rows.notes
        ]
        for name in self._money_columns():
            heading = self._heading(name)
            if heading:
                line, text = self.deck_rows.line, self._name_of(name)
                said.append((line, text, heading.currencies))
        known = frozenset()
        for line, text, currencies in said:
            if known and currencies and not known & currencies:
                # Of no row is known what its price is in.
                error = WrongCell(_TWO_CURRENCIES, text=text)
                self.problems.append(Problem(line, error))
                self.open_lines.update(self.lines.tolist())
            known = known & currencies or known or currencies
        found = [
            (self.texts["currency"].iloc[place], [place], currencies)
            for place, currencies in enumerate(
                named if "currency" in self.texts else ()
            )
            if currencies
        ] + [
            (text, places, amount.currencies)
            for _name, text, places, amount in self._amounts
            if amount.currencies
        ]
        for text, places, currencies in found:
            if known and not known & currencies:
                error = WrongCell(_TWO_CURRENCIES, text=str(text))
                for place in places:
                    self.problems.append(Problem(int(self.lines[place]), error))
            else:
                known = known & currencies or currencies
        self.currencies = known

    def _tell_units(self):
        """What amounts say of themselves: cents, digits beyond 15, a minute."""
        cents, noise, bare = 0, 0, []
        for name, text, places, amount in self._amounts:
            cents += amount.hundredths * len(places)
            noise += amounts.is_float_noise(text) * len(places)
            is_bare = not amount.hundredths and not amount.currencies
            if is_bare and name in _RATES and any(amount.values.values()):
                bare += places
            if amount.per_minute and "per_seconds" in self.texts:
                self._refuse_other_seconds(text, places)
        if cents:
            self.assumptions.append(WrongCell(_CENTS, count=cents))
        if noise:
            self.assumptions.append(WrongCell(_NOISE, count=noise))
        if cents and bare and not self.choices.divisor:
            self._ask("divisor", WrongCell(_SOME_CENTS), bare)

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


def _once(problems):
    """Problems of a row, which may have a price of each time band, once."""
    return {(one.line, one.text): one for one in problems}.values()
