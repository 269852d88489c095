# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Amounts of money in a deck's cells: numbers in one convention, currencies, units.

A cell is an amount when all of it is understood: one number, a currency or hundredths
of one, and what it is for. Which of `.` and `,` is the decimal sign is a matter of the
whole file: cells that fit one convention only prove it, and where none does a person
says it.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal

from ..connectors.workbook_cells import MarkedText, NumberText, TypedText
from ..notation.numbers import (
    COMMA,
    CONVENTIONS,
    PLAIN,
    POINT,
    Signs,
    is_open,
    number_values,
)
from ..rating.errors import _lt
from .cells import MAX_PRICE, PRICE_DECIMALS, TwoWays, WrongCell

MINUTE, HOUR = 60, 3600
#: as a spreadsheet shows a number, and what a binary one has at most
_SHOWN_DIGITS, _FLOAT_DIGITS = 15, 17
_MAX_BESIDE = 60  # characters beside a number

_CORE = re.compile(r"[.,]?[0-9][0-9.,' ]*(?:[eE][+-]?[0-9]+)?")
_DOTTED = re.compile(r"[^\W\d_]\s*")

_CODES = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL "
    "BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP "
    "ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR "
    "IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL "
    "LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR "
    "NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG".split()
)
_DOLLARS = frozenset(
    "USD CAD AUD NZD SGD HKD MXN ARS CLP COP BSD BBD BZD TTD JMD TWD BRL UYU XCD FJD "
    "GYD LRD NAD SRD SBD BND BMD KYD DOP NIO PAB".split()
)
_POUNDS = frozenset("GBP EGP GIP FKP SHP SSP SYP LBP".split())
_CROWNS = frozenset("SEK NOK DKK ISK CZK".split())
_RUPEES = frozenset("INR PKR LKR NPR MUR SCR".split())
#: mark -> currencies that have it; empty for any
_MARKS = {
    **{code.lower(): frozenset([code]) for code in _CODES},
    **dict.fromkeys(("€", "euro", "euros"), frozenset(["EUR"])),
    **dict.fromkeys(("$", "dollar", "dollars"), _DOLLARS),
    **dict.fromkeys(("us$", "$us", "usdollar", "usdollars"), frozenset(["USD"])),
    **dict.fromkeys(("c$", "ca$", "can$"), frozenset(["CAD"])),
    **dict.fromkeys(("a$", "au$"), frozenset(["AUD"])),
    **dict.fromkeys(("£", "pound", "pounds", "gbp£"), _POUNDS),
    **dict.fromkeys(("kr", "skr", "nkr", "dkr", "ikr", "kronor", "kroner"), _CROWNS),
    **dict.fromkeys(("rs", "rupee", "rupees"), _RUPEES),
    **dict.fromkeys(("fr", "sfr", "franken"), frozenset(["CHF", "XAF", "XOF"])),
    "r$": frozenset(["BRL"]),
    "kč": frozenset(["CZK"]),
    "zł": frozenset(["PLN"]),
    "ft": frozenset(["HUF"]),
    "lei": frozenset(["RON", "MDL"]),
    "¥": frozenset(["JPY", "CNY"]),
}
_HUNDREDTHS = frozenset(
    "¢ c ct cts cent cents p pence penny eurocent eurocents euroct eurcent eurct "
    "€cent €cents €ct uscent uscents usct usc centavo centavos centime centimes "
    "centimo centimos céntimo céntimos öre øre".split()
)
_PER = r"(?:/|(?:per|pro|je|por|par|a|à)\s)"
_UNIT = re.compile(
    rf"{_PER}\s*(?P<count>[0-9]{{1,6}})?\s*(?:"
    r"(?P<minutes>min|mins|minute|minutes|minuten|minuto|minutos|mn)"
    r"|(?P<hours>h|hr|hrs|hour|hours|std|stunde|stunden|hora|horas|heure|heures)"
    r"|(?P<seconds>s|sec|secs|second|seconds|sek|sekunde|sekunden|seg|segundo|segundos)"
    r")\.?"
)
_PER_CALL = re.compile(rf"{_PER}\s*(?:call|anruf|llamada|appel)s?\.?")
_NOTED = re.compile(
    r"(?:currency|moneda|währung|devise)\W{1,5}([a-z]{3})\b", re.IGNORECASE
)
_AFTER = re.compile(rf"(?P<mark>.*?)\s*(?P<unit>{_PER}.*)?")

_NO_PRICE = _lt("'%(text)s' is not a price.")
_NOT_WHOLE = _lt(
    "'%(text)s' is not a price: it contains more than a number, a currency and per "
    "minute."
)
_NEGATIVE = _lt("The price %(text)s is negative or unreasonably large.")
_OTHER_UNIT = _lt(
    "The price '%(text)s' is for %(seconds)s seconds. Enter the price per minute, or "
    "add a column named per seconds."
)
_PER_CALL_TEXT = _lt("'%(text)s' is a price per call, not per minute.")
_OF_SPREADSHEET = _lt(
    "'%(text)s' is not a price: the spreadsheet cell does not contain a number."
)
_OTHER_SIGN = {
    POINT: _lt("'%(text)s' is not a price in this file, which uses a decimal point."),
    COMMA: _lt("'%(text)s' is not a price in this file, which uses a decimal comma."),
}
_TWO_SIGNS = _lt(
    "%(text)s is ambiguous. Choose whether the decimal separator is a point or a comma."
)


@dataclass(frozen=True)
class Amount:
    """What a cell says, before its convention is known.

    - `values`: dict convention -> Decimal, of those that it fits
    - `hundredths`: whether it is in cents or the like
    - `currencies`: frozenset of codes that its mark stands for; empty: it has none
    - `per_minute`: whether it says so
    """

    values: dict
    hundredths: bool = False
    currencies: frozenset = frozenset()
    per_minute: bool = False


def understand(text, is_rate=True):
    """Take a cell of money apart.

    :param is_rate: whether it may be per minute, else per call
    :return: `Amount`
    :raise WrongCell: not all of it is understood, or it is below 0
    """
    if isinstance(text, TypedText) and not isinstance(text, MarkedText):
        if not isinstance(text, NumberText):
            raise WrongCell(_OF_SPREADSHEET, text=text)
        value = _limited(Decimal(text), text)
        return Amount(dict.fromkeys(CONVENTIONS, value))
    plain = text.translate(PLAIN).strip()
    found = {}
    for before, core, after in _splits(plain):
        amount = _amount(text, before, core, after, is_rate)
        if amount:
            found[tuple(sorted(amount.values.items()))] = amount
    if len(found) != 1:
        has_digit = any("0" <= sign <= "9" for sign in plain)
        raise WrongCell(_NOT_WHOLE if has_digit else _NO_PRICE, text=text)
    [amount] = found.values()
    if isinstance(text, MarkedText):
        # A number of a workbook has a point.
        if POINT not in amount.values:
            raise WrongCell(_NOT_WHOLE, text=text)
        values = dict.fromkeys(CONVENTIONS, amount.values[POINT])
        amount = replace(amount, values=values)
    return amount


def _splits(text):
    """Yield (what is before the number, the number, what is after it)."""
    negative = text.startswith("(") and text.endswith(")")
    if negative:
        text = "-" + text[1:-1]
    match = _CORE.search(text)
    if not match:
        return
    before, core, after = text[: match.start()], match[0], text[match.end() :]
    if max(len(before), len(after)) > _MAX_BESIDE:
        return
    yield before, core.strip(), after
    # The point of "kr.25" may belong to either.
    if core[0] == "." and _DOTTED.search(before):
        yield before + ".", core[1:].strip(), after


def _amount(text, before, core, after, is_rate):
    before, below = _without_sign(before.strip().lower())
    after = after.strip().lower()
    if after in ("-", "- "):
        below, after = True, ""
    elif after.startswith("-"):
        below, after = True, after[1:].strip()
    match = _AFTER.fullmatch(after)
    unit = match["unit"] or ""
    marks = [mark for mark in (before, match["mark"]) if mark]
    currencies, hundredths = frozenset(), False
    for mark in marks:
        known = mark_of(mark)
        if known is None:
            return None
        of_mark, is_hundredths = known
        hundredths |= is_hundredths
        if currencies and of_mark and not currencies & of_mark:
            return None
        currencies = (currencies & of_mark) or currencies | of_mark
    values = number_values(core)
    if not values:
        return None
    if below and any(values.values()):
        raise WrongCell(_NEGATIVE, text=text)
    if unit and not _check_unit(text, unit, is_rate):
        return None
    values = {name: _limited(value, text) for name, value in values.items()}
    return Amount(values, hundredths, currencies, bool(unit) and is_rate)


def _without_sign(text):
    """What is before a number without its sign, and whether that is a minus."""
    for sign in "+-":
        if text.startswith(sign) or text.endswith(sign):
            return text.strip(sign).strip() if text.count(sign) == 1 else text, (
                sign == "-"
            )
    return text, False


def mark_of(text):
    """What a mark beside a number says.

    :param text: in lower case
    :return: (frozenset of currencies that it may be, whether it is hundredths); None
        when it is no such mark
    """
    key = re.sub(r"[\s.\-]", "", text)
    if key in _HUNDREDTHS:
        return frozenset(), True
    if key in _MARKS:
        return _MARKS[key], False
    if len(key) == 1 and unicodedata.category(key) == "Sc":
        return frozenset(), False
    return None


def currencies_of(text):
    """The currencies that a cell of a column of currencies names.

    :return: frozenset of codes
    """
    found = mark_of(text.strip().lower())
    if not found or found[1]:
        raise WrongCell(_lt("'%(text)s' is not a currency."), text=text)
    return found[0]


def currency_of_note(text):
    """The code of a currency that a note above a table names; empty without one."""
    found = _NOTED.search(text)
    return found[1].upper() if found and found[1].upper() in _CODES else ""


def unit_seconds(text):
    """The seconds that `/min`, `per 60 seconds` and the like say; 0 for other texts."""
    match = _UNIT.fullmatch(text.lower().strip())
    if not match:
        return 0
    unit = MINUTE if match["minutes"] else HOUR if match["hours"] else 1
    return int(match["count"] or 1) * unit


def _check_unit(text, unit, is_rate):
    """Whether a unit is understood: a minute of a rate, a call of a fee."""
    per_call = bool(_PER_CALL.fullmatch(unit))
    if not is_rate:
        return per_call
    if per_call:
        raise WrongCell(_PER_CALL_TEXT, text=text)
    seconds = unit_seconds(unit)
    if seconds and seconds != MINUTE:
        raise WrongCell(_OTHER_UNIT, text=text, seconds=seconds)
    return bool(seconds)


def _limited(value, text):
    if not value.is_finite() or value < 0 or value > MAX_PRICE:
        raise WrongCell(_NEGATIVE, text=text)
    return value


def price_e8(value, text, divisor=1):
    """An amount in 1e-8.

    Beyond 15 digits a number of at most 17 is what a binary one became; a spreadsheet
    shows 15 of them.

    :param Decimal value: not below 0
    :param divisor: what it is divided by, a power of ten for cents and the like
    :raise WrongCell: it has more decimals than a price
    """
    if not value:
        return 0
    # Arithmetic of Decimal rounds, and takes what is small enough for nothing.
    digits, exponent = _digits(value)
    if exponent < -PRICE_DECIMALS and _SHOWN_DIGITS < len(digits) <= _FLOAT_DIGITS:
        shown = Context(prec=_SHOWN_DIGITS, rounding=ROUND_HALF_EVEN).plus(value)
        digits, exponent = _digits(shown)
    if exponent >= -PRICE_DECIMALS - 12:
        scaled = int(digits) * 10 ** (exponent + PRICE_DECIMALS + 12)
        whole, rest = divmod(scaled, 10**12 * divisor)
        if not rest:
            return whole
    raise WrongCell(
        _lt("The price %(text)s has more than %(most)s decimals."),
        text=text,
        most=PRICE_DECIMALS,
    )


def is_float_noise(text):
    """Whether a text has so many digits as only a binary number becomes."""
    digits = re.sub(r"[eE].*|[^0-9]", "", text).lstrip("0")
    return _SHOWN_DIGITS < len(digits) <= _FLOAT_DIGITS


def _digits(value):
    """The digits of a Decimal without zeros at the end, and their exponent."""
    _sign, places, exponent = value.as_tuple()
    digits = "".join(map(str, places))
    plain = digits.rstrip("0")
    return plain, exponent + len(digits) - len(plain)


class Money:
    """Reads the cells of money of one file.

    :param convention: `POINT`, `COMMA`; empty where nothing tells
    :param divisor: what amounts without a mark of their own are divided by
    """

    def __init__(self, convention, divisor=1):
        self.convention = convention
        self.divisor = divisor

    def reader(self, is_rate=True, hundredths=False):
        """A reader of the cells of a column: amounts in 1e-8.

        :param hundredths: whether the column's name says that they are
        """

        def read(text):
            amount = understand(text, is_rate)
            if hundredths and amount.currencies:
                raise WrongCell(_NOT_WHOLE, text=text)
            value = self._value(amount, text)
            divisor = 100 if amount.hundredths or hundredths else self.divisor
            return price_e8(value, text, divisor)

        return read

    def _value(self, amount, text):
        values = amount.values
        if len(values) == 2 and not is_open(values):
            return values[POINT]
        if not self.convention:
            raise TwoWays("number", _TWO_SIGNS, text=text)
        if self.convention not in values:
            raise WrongCell(_OTHER_SIGN[self.convention], text=text)
        return values[self.convention]


def decimal_signs(counted):
    """Look at all amounts of a file together.

    :param counted: iterable of (text, number of cells, is_rate)
    :return: `Signs`
    """
    signs = Signs()
    for text, count, is_rate in counted:
        if not text or isinstance(text, TypedText):
            continue
        try:
            amount = understand(text, is_rate)
        except WrongCell:
            continue
        signs.add(text, count, amount.values)
    return signs
