# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The cells of a deck's file while they are read: column by column, once each text."""

import numpy as np
import pandas as pd

from ..connectors.workbook_cells import ErrorText, UnsavedText
from ..rating.errors import _lt
from . import cells, price_bands, words
from .cells import WrongCell
from .choices import Question
from .columns import MONEY, understand_money
from .rate_rows import Problem, Problems, Same

_FORMULA_ERRORS = frozenset(
    "#DIV/0! #N/A #NAME? #NULL! #NUM! #REF! #VALUE! #SPILL! #CALC! Err:502".split()
)
_UNSAVED = _lt(
    "A formula in the column %(column)s has no saved result. Open the file in a "
    "spreadsheet program, save it, and upload it again."
)
_FORMULA_ERROR = _lt(
    "%(text)s in the column %(column)s: a spreadsheet formula returned an error."
)


class FileCells:
    """The texts of a file's columns, and what is found wrong or open in them.

    - `problems`: list of `Problem`; `questions`: list of `choices.Question`;
      `assumptions`: list of `WrongCell`
    - `open_lines`: set of lines that a question is about
    - `texts`: DataFrame, a column per meaning; `lines`: array
    """

    def __init__(self, deck_rows):
        self.deck_rows = deck_rows
        self.choices = deck_rows.choices
        self.problems = Problems()
        for line, error in deck_rows.wrong:
            self.problems.append(Problem(line, error))
        self.questions = list(deck_rows.questions)
        self.assumptions = list(deck_rows.assumptions)
        self.words = {}
        self.open_lines = set()
        self.currencies = frozenset()
        columns = deck_rows.columns
        texts = pd.DataFrame([texts for _line, texts in deck_rows.rows], dtype=object)
        self.lines = np.array([line for line, _texts in deck_rows.rows], np.int64)
        if None not in deck_rows.bands.values() and len(deck_rows.bands) > 0:
            self.texts, places = price_bands.spread(texts, columns, deck_rows.bands)
            self.lines = self.lines[places]
            return
        texts = texts.rename(columns={place: name for name, place in columns.items()})
        self.texts = texts[[name for name in columns if name in texts]]

    def _name_of(self, meaning):
        """The name of the column with a meaning; the meaning where several have it."""
        place = self.deck_rows.columns.get(meaning)
        return meaning if place is None else self.deck_rows.header[place]

    def _heading(self, name):
        """What the name of a column says, None where it says nothing."""
        place = self.deck_rows.columns.get(name)
        if place is not None and name in MONEY:
            return understand_money(self.deck_rows.header[place])
        headings = self.deck_rows.headings
        return headings[place] if place is not None and headings else None

    def _ask(self, key, error, places, examples=(), proposal=""):
        """Leave rows out until a person has said how they are meant."""
        places = list(places)
        lines = list(dict.fromkeys(self.lines[places].tolist()))
        self.open_lines.update(lines)
        self.questions.append(
            Question(key, error, min(lines), len(lines), tuple(examples), proposal)
        )

    def _refuse_errors(self):
        """A formula that failed is no text, in whatever column."""
        for name in self.texts:
            texts = self.texts[name]
            failed = texts.isin(_FORMULA_ERRORS).to_numpy()
            if any(issubclass(kind, ErrorText) for kind in set(map(type, texts))):
                failed |= np.array([isinstance(text, ErrorText) for text in texts])
            for place in np.flatnonzero(failed):
                text = texts.iloc[place]
                error = WrongCell(
                    _UNSAVED if isinstance(text, UnsavedText) else _FORMULA_ERROR,
                    text=str(text),
                    column=self._name_of(name),
                )
                self.problems.append(Problem(int(self.lines[place]), error))

    def _read_column(self, name, reader, default, open_cells):
        """Read each different text of a column once; a list as long as the column.

        :param open_cells: dict key of a question -> list of (place, error, text)
        """
        if name not in self.texts:
            return Same(default, len(self.lines))
        numbers, unique = told_apart(self.texts[name])
        read, wrong = [], {}
        for number, text in enumerate(unique):
            try:
                value = None if is_formula_error(text) else reader(text)
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

    def _places(self, name):
        """Yield (text, places of the rows) of each different text of a column."""
        found = {}
        for place, text in enumerate(self.texts[name]):
            if text:
                found.setdefault((type(text), text), []).append(place)
        for (_kind, text), places in found.items():
            yield text, places


def is_formula_error(text):
    return isinstance(text, ErrorText) or text in _FORMULA_ERRORS


def told_apart(texts):
    """Number the different texts of a column: a number of a workbook is no text alike.

    :return: (array of their numbers, by row; list of texts)
    """
    if set(map(type, texts)) <= {str}:
        return pd.factorize(texts)
    pairs = np.empty(len(texts), object)
    pairs[:] = [(type(text), text) for text in texts]
    numbers, unique = pd.factorize(pairs)
    return numbers, [text for _kind, text in unique]


def counts(texts):
    """List of (text, number of cells) of a column, kinds of cells apart."""
    numbers, unique = told_apart(texts)
    return list(zip(unique, np.bincount(numbers).tolist(), strict=True))
