# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Dialled numbers and caller IDs in one form, a column at a time.

The form: `+` and 5 to 15 digits (ITU-T E.164); or, for short codes and extensions,
the digits as dialled; or null for what is no number (`anonymous`, `*97`, ``).

First a number is reduced to an optional `+` and digits: `tel:`, `sip:` and `sips:`
before it, a name before `<` and `>`, the codes `*31#` and `#31#` that show or hide the
caller, everything from `@`, `;` or `,` on, an extension after `ext.` or `x`, spaces and
the signs `- . ( ) /` are dropped, and so is `(0)` behind an international prefix. Then
the first reading that fits decides. *National* means: of a length of the country, and
without a leading 0 that is not part of its numbers. *Likely* means: national, and as
the country's `national_pattern` has it. *Known* means: a calling code that exists,
followed by as many digits as its numbers have.

==  ==============================================  ===================  ==============
n   reading                                         as dialled           becomes
==  ==============================================  ===================  ==============
1   `+` and 5 to 15 digits, not 0 first             +44 20 7946 0120     +442079460120
2   up to `short_code_max` digits and no likely     911, 118500, 2001    as dialled
    national number as the country dials it
3   own international prefix, known number          011 44 20 7946 0120  +442079460120
4   national prefix, likely number                  (GB) 0113 496 0120   +441134960120
5   foreign international prefix, known number      (GB) 011 1 404 605.. +1404605...
6   own international prefix                        (US) 011 677 9785    +6779785
7   national prefix, national number                1 404 605 8270       +14046058270
8   foreign international prefix                    (US) 00 677 9959     +6779959
9   country code, likely number (in a country       (GB) 442079460120    +442079460120
    without national prefix after 10)
10  likely number                                   404 605 8270         +14046058270
11  8 to 15 digits, not 0 first; of up to 9 digits  (US) 442079460120    +442079460120
    only a number that exists
12  anything else                                   5550123              null
==  ==============================================  ===================  ==============

Of several prefixes in one reading the longest one goes first. *Exists* means: a number
as the pattern of a country with its calling code has them. A 0 after the calling code
of countries that dial it before national numbers is dropped, where the number does not
exist with it and does without.

What this decides of the ambiguous: in GB 0113 496 0120 is Leeds, not a call to +349;
ten digits in North America are a number of North America (10), not Denmark's (11); in
Italy 391 234 5678 is a mobile (10), 39 06 1234 5678 has the country code (9). In
countries whose numbers have many lengths, such as Germany, an international number
without any prefix can look like a national one and is taken for it (10); set
`national_lengths` there when the switch writes such numbers. Numbers without area code
cannot be told and are null (12), or an extension when short (2).

Some numbers without any prefix are *open*: they can be two numbers, and `read_bare`
says which they are. In a country where a 0 is dialled before national numbers, nobody
leaves it out who dials, so 41441234567 in Germany is a number of Switzerland from a
switch that writes no `+`, or 041441234567 from a spreadsheet that lost the 0. In North
America 912125551234 is one of India, or 1 212 555 1234 after the 9 for a line. `bare`
of the dial plan decides: *international* reads 11 before 10 and believes 11 where
nothing tells that such a number exists.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .dial_plans import (
    BARE_FORMS,
    TRUNK_ZERO,
    DialPlan,
    dial_plan,
    international_lengths,
    national_patterns,
    trunk_zero_codes,
)
from .text_columns import as_text

__all__ = [
    "DialPlan",
    "dial_plan",
    "exist",
    "normalise_numbers",
    "read_bare",
    "shown_form",
    "with_form",
    "without_doubtful",
]

LEAST_DIGITS = 5
E164_DIGITS = 15
LEAST_BARE_DIGITS = 8
"""Fewer digits without any prefix are not taken for an international number."""

MOST_LOCAL = 9
"""So many digits may be a number without its area code."""

CODE_DIGITS = 3
"""Most digits of a calling code."""

OUTSIDE_LINE = "9"
"""Dialled before a number to leave an exchange, in North America and elsewhere."""

MARKS = r"[:@;,<#xX]"
NAME = r"^[^<]*<([^>]*)>.*$"
SCHEME = r"(?i)^\s*(?:tel|sips?):"
# What begins with a digit behind a semicolon is another number, and no parameter.
PARAMETERS = r"(?:[@,]|; *(?:[^0-9+ ]|$)).*$"
EXTENSION = r"(?i)(?:\s*ext\.?|\s*extension|\s+x|x)\s*[0-9]+\s*$"
CLIR = r"^\s*[*#]31#"
FLOAT = r"^(\+?[0-9]{5,})\.0$"
OPTIONAL_ZERO = r"^(\+|00|011)([^(]*)\(0\)"
SEPARATORS = r"[\s\x{00a0}\x{2007}\x{202f}\x{2010}-\x{2015}.()/-]+"


def normalise_numbers(numbers, dialling):
    """Return numbers in the form that rating and lookup use.

    :param numbers: Series, pyarrow Array or ChunkedArray, or list; shape (n,)
    :param dialling: DialPlan of the switch that wrote them
    :return: pa.StringArray, shape (n,)
    """
    return _readings(numbers, dialling).normalised()


def read_bare(numbers, dialling):
    """Return numbers, and which of them can be two without a prefix that tells.

    :param numbers: as `normalise_numbers` takes them
    :param dialling: DialPlan of the switch that wrote them
    :return: (pa.StringArray, the numbers; bool array, the open ones among them; dict
        of BARE_FORMS -> how many other numbers without prefix can only be that)
    """
    readings = _readings(numbers, dialling)
    return readings.normalised(), readings.is_open, readings.shown


def shown_form(shown):
    """Return the form that numbers show; empty where they show none, or both.

    :param shown: iterable of dicts as of `read_bare`
    """
    forms = {form for each in shown for form, count in each.items() if count}
    return forms.pop() if len(forms) == 1 else ""


def with_form(dialling, form):
    """Return a dial plan that reads numbers without prefix in a form.

    :param form: one of BARE_FORMS, or empty: as the plan says
    """
    return replace(dialling, bare=form) if form else dialling


def _readings(numbers, dialling):
    text = as_text(numbers)
    digits, has_plus, usable = _split_plus(text)
    if not usable.all():
        rows = np.flatnonzero(~usable)
        cleaned = _cleaned(text.take(pa.array(rows)))
        cleaned, has_plus[rows], usable[rows] = _split_plus(cleaned)
        replaced = np.zeros(len(digits), dtype=bool)
        replaced[rows] = True
        digits = pc.replace_with_mask(digits, pa.array(replaced), cleaned)
    return _Readings(digits, has_plus, usable, dialling)


def exist(numbers):
    """Return which international numbers can be somebody's.

    :param numbers: as `normalise_numbers` returns them, shape (n,)
    :return: bool, shape (n,): a calling code that there is, and after it a number as
        one of its countries has them; False for short codes and for null
    """
    text = as_text(numbers)
    has_plus = pc.starts_with(text, "+").fill_null(False)
    length = pc.binary_length(text).fill_null(0)
    fits = pc.and_(has_plus, pc.and_(pc.greater(length, 5), pc.less(length, 17)))
    rows = np.flatnonzero(_to_numpy(fits))
    found = np.zeros(len(text), dtype=bool)
    digits = pc.utf8_slice_codeunits(text.take(pa.array(rows)), 1)
    usable = pc.and_(
        pc.ascii_is_decimal(digits), pc.invert(pc.starts_with(digits, "0"))
    )
    rows, digits = rows[_to_numpy(usable)], digits.filter(usable)
    known = _is_known(digits)
    rows, digits = rows[known], digits.filter(pa.array(known))
    codes, code_of_head = _codes()
    code_of = code_of_head[_heads(digits)]
    for number in np.unique(code_of):
        code = codes[number]
        of_code = code_of == number
        among = rows[of_code]
        pattern = national_patterns()[code]
        if pattern:
            whole = pc.match_substring_regex(
                digits.filter(pa.array(of_code)), f"^{code}(?:{pattern})$"
            )
            among = among[_to_numpy(whole)]
        found[among] = True
    return found


def without_doubtful(numbers, otherwise):
    """Return numbers with null for those that are not to be guessed.

    :param numbers: as `normalise_numbers` read them with a likely dial plan
    :param otherwise: the same, read with the dial plan of the switch
    :return: pa.StringArray; null where the number cannot be anybody's, and could be
        if it was dialled as the switch's country dials
    """
    rows = np.flatnonzero(_to_numpy(pc.not_equal(numbers, otherwise).fill_null(False)))
    some = numbers.take(pa.array(rows))
    doubtful = _to_numpy(pc.starts_with(some, "+")) & ~exist(some)
    doubtful &= exist(otherwise.take(pa.array(rows)))
    mask = np.zeros(len(numbers), dtype=bool)
    mask[rows[doubtful]] = True
    return pc.if_else(pa.array(mask), None, numbers)


def _split_plus(text):
    """Return the text without its `+`, whether it had one, whether digits are left."""
    has_plus = pc.starts_with(text, "+").fill_null(False)
    if pc.any(has_plus).as_py():
        text = pc.if_else(has_plus, pc.utf8_slice_codeunits(text, 1), text)
    # true for ASCII digits only, and false for the empty text
    usable = pc.ascii_is_decimal(text).fill_null(False)
    return text, _to_numpy(has_plus), _to_numpy(usable)


def _to_numpy(booleans):
    return booleans.to_numpy(zero_copy_only=False).copy()


def _cleaned(text):
    if pc.any(pc.match_substring_regex(text, MARKS)).as_py():
        for pattern, by in (
            (NAME, r"\1"),
            (SCHEME, ""),
            (CLIR, ""),
            (PARAMETERS, ""),
            (EXTENSION, ""),
        ):
            text = pc.replace_substring_regex(text, pattern, by)
    text = pc.replace_substring_regex(text, FLOAT, r"\1")
    if pc.any(pc.match_substring(text, "(0)")).as_py():
        text = pc.replace_substring_regex(text, OPTIONAL_ZERO, r"\1\2")
    return pc.replace_substring_regex(text, SEPARATORS, "")


class _Readings:
    """The rules of the module's docstring, applied to the rows still undecided."""

    def __init__(self, digits, has_plus, usable, dialling):
        """
        :param digits: pa.StringArray, shape (n,)
        :param has_plus: bool, shape (n,): a `+` stood before
        :param usable: bool, shape (n,): there are digits and nothing else
        """
        self.dialling = dialling
        self.digits = digits
        self.has_plus = has_plus
        self.open = usable
        self.length = pc.binary_length(digits).fill_null(0).to_numpy()
        self.first = self._first_digits()
        self.texts, self.rows = [], []
        most = max(int(self.length.max(initial=0)), E164_DIGITS)
        self.is_national_length = np.zeros(most + 1, dtype=bool)
        national = [n for n in dialling.national_lengths if n <= most]
        self.is_national_length[national] = True
        # A leading 0 is the national prefix and no part of a number, except where it
        # is kept or where there is no prefix that it could be.
        self.has_trunk = bool(dialling.national_prefix)
        self.has_trunk &= not dialling.keep_national_prefix
        #: bool, shape (n,): which can be two numbers
        self.is_open = np.zeros(len(digits), dtype=bool)
        #: form -> how many of the others without prefix can only be that
        self.shown = dict.fromkeys(BARE_FORMS, 0)

    def _first_digits(self):
        """Return the first byte of each number, 0 where there is none."""
        _validity, offsets, data = self.digits.buffers()
        if data is None or not len(data):
            return np.zeros(len(self.digits), dtype=np.uint8)
        start = np.frombuffer(offsets, dtype=np.int32)[
            self.digits.offset : self.digits.offset + len(self.digits)
        ]
        data = np.frombuffer(data, dtype=np.uint8)
        first = data[np.minimum(start, len(data) - 1)]
        return np.where(self.open, first, 0)

    def normalised(self):
        """Return the whole column in normal form."""
        self._with_plus()
        self._short_codes()
        self._international(self.dialling.idd_prefixes, known=True)
        self._with_national_prefix(likely=True)
        self._international(self.dialling.foreign_idd_prefixes, known=True)
        self._international(self.dialling.idd_prefixes)
        self._with_national_prefix(likely=False)
        self._international(self.dialling.foreign_idd_prefixes)
        if self.has_trunk:
            self._with_country_code()
            self._with_code_and_zero()
            self._bare_national()
        else:
            self._bare_national()
            self._with_country_code()
        self._bare_international()
        return self._result()

    def _decide(self, rows, drop, head):
        """Normalise rows: `head` in place of the first `drop` digits."""
        if len(rows):
            text = self.digits.take(pa.array(rows))
            if drop or head:
                text = pc.binary_replace_slice(text, 0, drop, head)
            self.texts.append(text)
            self.rows.append(rows)
            self.open[rows] = False

    def _result(self):
        rows = np.concatenate([*self.rows, np.empty(0, dtype=np.int64)])
        texts = pa.concat_arrays([*self.texts, pa.array([], pa.string())])
        position = np.zeros(len(self.digits), dtype=np.int64)
        position[rows] = np.arange(len(rows))
        undecided = np.ones(len(self.digits), dtype=bool)
        undecided[rows] = False
        return _without_trunk_zero(texts.take(pa.array(position, mask=undecided)))

    def _undecided(self, least, most, head=""):
        """Return the undecided rows of least to most digits that begin with head."""
        among = self.open & (self.length >= least) & (self.length <= most)
        if head:
            among &= self.first == ord(head[0])
        rows = np.flatnonzero(among)
        if len(head) > 1 and len(rows):
            text = self.digits.take(pa.array(rows))
            rows = rows[pc.starts_with(text, head).to_numpy(zero_copy_only=False)]
        return rows

    def _rest(self, rows, drop):
        """Return the digits of rows without the first `drop` ones."""
        text = self.digits.take(pa.array(rows))
        return pc.utf8_slice_codeunits(text, drop) if drop else text

    def _begins_number(self, rows, drop):
        """Return where digit `drop` (counted from 0) is not 0."""
        if not drop:
            return self.first[rows] != ord("0")
        leading = pc.starts_with(self._rest(rows, drop), "0")
        return ~leading.to_numpy(zero_copy_only=False)

    def _national(self, rows, drop, likely):
        """Keep the rows whose digits after `drop` are a national (likely) number."""
        rows = rows[self.is_national_length[self.length[rows] - drop]]
        if self.has_trunk and len(rows):
            rows = rows[self._begins_number(rows, drop)]
        if likely and self.dialling.national_pattern and len(rows):
            pattern = f"^(?:{self.dialling.national_pattern})$"
            matches = pc.match_substring_regex(self._rest(rows, drop), pattern)
            rows = rows[matches.to_numpy(zero_copy_only=False)]
        return rows

    def _with_plus(self):
        rows = self._undecided(LEAST_DIGITS, E164_DIGITS)
        rows = rows[self.has_plus[rows] & (self.first[rows] != ord("0"))]
        self._decide(rows, 0, "+")
        self.open &= ~self.has_plus

    def _short_codes(self):
        """Numbers too short for anything else; see reading 2."""
        dialling = self.dialling
        rows = self._undecided(1, dialling.short_code_max)
        if not len(rows):
            return
        if self.has_trunk:
            drop = len(dialling.national_prefix)
            dialled = self._undecided(
                drop + 1, dialling.short_code_max, dialling.national_prefix
            )
        else:
            drop, dialled = 0, rows
        national = self._national(dialled, drop, likely=True)
        self._decide(np.setdiff1d(rows, national, assume_unique=True), 0, "")

    def _international(self, prefixes, known=False):
        for prefix in sorted(prefixes, key=len, reverse=True):
            drop = len(prefix)
            rows = self._undecided(drop + LEAST_DIGITS, drop + E164_DIGITS, prefix)
            if len(rows):
                rows = rows[self._begins_number(rows, drop)]
            if known and len(rows):
                rows = rows[_is_known(self._rest(rows, drop))]
            self._decide(rows, drop, "+")

    def _with_national_prefix(self, likely):
        dialling = self.dialling
        if dialling.keep_national_prefix:
            rows = self._undecided(1, E164_DIGITS, dialling.national_prefix)
            rows = self._national(rows, 0, likely)
            self._decide(rows, 0, "+" + dialling.country_code)
            return
        others = dialling.other_national_prefixes * likely
        prefixes = (dialling.national_prefix, *others)
        for prefix in filter(None, prefixes):
            drop = len(prefix)
            rows = self._undecided(drop + 1, drop + E164_DIGITS, prefix)
            rows = self._national(rows, drop, likely)
            self._decide(rows, drop, "+" + dialling.country_code)

    def _with_country_code(self):
        code = self.dialling.country_code
        rows = self._undecided(len(code) + 1, E164_DIGITS, code)
        rows = self._national(rows, len(code), likely=True)
        if self.dialling.has_trunk_zero:
            self.shown["international"] += len(rows)
        self._decide(rows, 0, "+")

    def _with_code_and_zero(self):
        """The own country code, and after it the 0 that is dialled at home."""
        if not self.dialling.has_trunk_zero:
            return
        code = self.dialling.country_code
        rows = self._undecided(len(code) + 2, E164_DIGITS + 1, code + TRUNK_ZERO)
        rows = self._national(rows, len(code) + 1, likely=True)
        both = np.intersect1d(rows, self._national(rows, 0, likely=True))
        self._tell_apart(both)
        if self.dialling.bare != "international":
            rows = np.setdiff1d(rows, both)
        self._decide(rows, len(code) + 1, "+" + code)

    def _bare_national(self):
        dialling = self.dialling
        rows = self._national(self._undecided(1, E164_DIGITS), 0, likely=True)
        if dialling.has_trunk_zero and len(rows):
            among = rows[~self.is_open[rows] & (self.length[rows] >= LEAST_BARE_DIGITS)]
            both = among[self._exist(among)]
            self._tell_apart(both)
            self.shown["national"] += len(among) - len(both)
            if dialling.bare == "international":
                rows = np.setdiff1d(rows, both)
        self._decide(rows, 0, "+" + dialling.country_code)

    def _bare_international(self):
        rows = self._undecided(LEAST_BARE_DIGITS, E164_DIGITS)
        rows = rows[self._begins_number(rows, 0)]
        is_told = self.dialling.bare == "international"
        if not is_told and len(rows):
            rows = rows[self._may_be_whole(rows) | self._exist(rows)]
        both = self._after_outside_line(rows)
        self._tell_apart(both)
        self.shown["international"] += len(rows) - len(both)
        if self.dialling.bare == "national":
            rows = np.setdiff1d(rows, both)
        self._decide(rows, 0, "+")

    def _may_be_whole(self, rows):
        """Where digits are too many for a local number, and not for the country's."""
        dialling = self.dialling
        most = len(dialling.country_code) + max(dialling.national_lengths)
        too_long = np.intersect1d(
            rows, self._undecided(most + 1, E164_DIGITS, dialling.country_code)
        )
        return (self.length[rows] > MOST_LOCAL) & ~np.isin(rows, too_long)

    def _after_outside_line(self, rows):
        """Keep the rows that may be a national number after the digit for a line."""
        prefix = OUTSIDE_LINE + self.dialling.national_prefix
        if not self.has_trunk or not len(rows):
            return rows[:0]
        rows = np.intersect1d(rows, self._undecided(1, E164_DIGITS, prefix))
        return self._national(rows, len(prefix), likely=True)

    def _tell_apart(self, rows):
        """Note that rows can be two numbers, unless it is said which."""
        if not self.dialling.bare:
            self.is_open[rows] = True

    def _exist(self, rows):
        """Where the digits of rows are an international number."""
        if not len(rows):
            return np.zeros(0, dtype=bool)
        encoded = pc.dictionary_encode(self.digits.take(pa.array(rows)))
        there = exist(pc.binary_join_element_wise("+", encoded.dictionary, ""))
        return there[encoded.indices.to_numpy()]


def _without_trunk_zero(numbers):
    """Return numbers without the 0 that is dialled at home, after the calling code.

    :param numbers: pa.StringArray, in normal form apart from that
    """
    _validity, offsets, data = numbers.buffers()
    if data is None or len(data) < CODE_DIGITS + 2:
        return numbers
    start = np.frombuffer(offsets, dtype=np.int32)[numbers.offset :][: len(numbers) + 1]
    data = np.frombuffer(data, dtype=np.uint8)
    rows = np.flatnonzero(np.diff(start) > CODE_DIGITS + 2)
    first = start[rows]
    is_plus = data[first] == ord("+")
    rows, first = rows[is_plus], first[is_plus]
    heads = np.zeros(len(rows), dtype=np.int64)
    for place in range(1, CODE_DIGITS + 1):
        heads = heads * 10 + (data[first + place] - ord("0"))
    drop = _trunk_zero_places()[heads]
    has_zero = (drop > 0) & (data[first + drop] == ord(TRUNK_ZERO))
    if not has_zero.any():
        return numbers
    rows, drop = rows[has_zero], drop[has_zero]
    found = numbers.take(pa.array(rows))
    shorter = found
    for place in np.unique(drop).tolist():
        without = pc.binary_replace_slice(found, place, place + 1, "")
        shorter = pc.if_else(pa.array(drop == place), without, shorter)
    changed = ~exist(found) & exist(shorter)
    mask = np.zeros(len(numbers), dtype=bool)
    mask[rows[changed]] = True
    return pc.replace_with_mask(
        numbers, pa.array(mask), shorter.filter(pa.array(changed))
    )


@cache
def _trunk_zero_places():
    """Return where a 0 after the calling code stands, by the first digits; 0: none."""
    places = np.zeros(10**CODE_DIGITS, dtype=np.int64)
    for code in trunk_zero_codes():
        missing = 10 ** (CODE_DIGITS - len(code))
        places[int(code) * missing : (int(code) + 1) * missing] = len(code) + 1
    return places


def _is_known(numbers):
    """Return where a calling code is followed by as many digits as its numbers have.

    :param numbers: pa.StringArray of at least CODE_DIGITS digits, not 0 first
    """
    fits = np.zeros((10**CODE_DIGITS, E164_DIGITS + 1), dtype=bool)
    for code, lengths in international_lengths().items():
        missing = 10 ** (CODE_DIGITS - len(code))
        whole = [len(code) + length for length in lengths]
        fits[int(code) * missing : (int(code) + 1) * missing, whole] = True
    return fits[_heads(numbers), pc.binary_length(numbers).to_numpy()]


def _heads(numbers):
    """Return the first digits of numbers, as many as a calling code has at most."""
    head = pc.utf8_slice_codeunits(numbers, 0, CODE_DIGITS)
    return head.cast(pa.int16()).to_numpy()


@cache
def _codes():
    """Return (the calling codes, position of the code that begins with each head)."""
    codes = sorted(national_patterns())
    code_of_head = np.zeros(10**CODE_DIGITS, dtype=np.int64)
    for position, code in enumerate(codes):
        missing = 10 ** (CODE_DIGITS - len(code))
        code_of_head[int(code) * missing : (int(code) + 1) * missing] = position
    return codes, code_of_head
