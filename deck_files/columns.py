# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the columns of a rate deck mean, told from their names.

The names are those that carriers and switches use, in English, German and Spanish; our
own export uses the first of each. Of two columns with one meaning the earlier name of
its list is the better one. Case, accents, blanks and punctuation do not count, and
neither do currencies and units of a column of money: they are kept as what it says of
its cells.
"""

import re
from dataclasses import dataclass

from .money_headings import money_name, plain

#: meaning -> names, compared without anything but letters and digits
COLUMNS = {
    "prefix": (
        "prefix",
        "dial prefix",
        "dialed prefix",
        "full code",
        "complete code",
        "dst prefix",
        "destination prefix",
        "dial codes",
        "dial code",
        "dialcode",
        "dialing code",
        "dialling code",
        "code",
        "codes",
        "destination code",
        "area code",
        "breakout",
        "breakouts",
        "npa nxx",
        "npanxx",
        "npa nxx x",
        "npa",
        "lerg",
        "e 164",
        "digits",
        "breakout code",
        "prefijo",
        "prefijos",
        "código",
        "códigos",
        "código de destino",
        "código de marcación",
        "código de área",
        "indicativo",
        "indicatif",
        "préfixe",
        "Vorwahl",
        "Vorwahlen",
        "Präfix",
        "Praefix",
        "Rufnummernpräfix",
        "Zielvorwahl",
        "Kennzahl",
        "Ortsvorwahl",
        "Rufnummer",
        "Nummernkreis",
    ),
    # What follows an area code of North America in a column of its own.
    "exchange": ("nxx", "exchange code", "central office code"),
    "currency": ("currency", "currency code", "ccy", "moneda", "Währung", "devise"),
    "country_code": (
        "country code",
        "cc",
        "ctry code",
        "country prefix",
        "int code",
        "indicatif pays",
        "código de país",
        "código país",
        "prefijo de país",
        "prefijo país",
        "Ländercode",
        "Laendercode",
        "Landesvorwahl",
        "Ländervorwahl",
        "Laendervorwahl",
        "Landeskennzahl",
        "Länderkennzahl",
    ),
    "name": (
        "name",
        "destination",
        "description",
        "destination name",
        "network",
        "location",
        "zone",
        "area",
        "region",
        "destinos",
        "destino",
        "descripción",
        "nombre",
        "zona",
        "red",
        "Ziel",
        "Zielname",
        "Bezeichnung",
        "Beschreibung",
        "Zielnetz",
        "Netz",
        "Tarifzone",
    ),
    "country": (
        "country",
        "pays",
        "país",
        "Land",
        "Zielland",
    ),
    "call_type": (
        "call type",
        "type of call",
        "service",
        "tipo de llamada",
        "Gesprächsart",
        "Verbindungsart",
    ),
    "band": (
        "time band",
        "band",
        "timing",
        "time class",
        "banda horaria",
        "franja horaria",
        "Zeitfenster",
        "Tarifzeit",
    ),
    "price": (
        "price",
        "new rate",
        "new price",
        "rate per minute",
        "price per minute",
        "cost per minute",
        "rate per min",
        "price per min",
        "cost per min",
        "rate min",
        "price min",
        "price n",
        "rate",
        "rates",
        "prices",
        "next rate",
        "rate usd",
        "rate eur",
        "usd min",
        "eur min",
        "sell rate",
        "tariff",
        "call rate",
        "charge per minute",
        "cost",
        "rate cost",
        "nuevo precio",
        "nueva tarifa",
        "precio por minuto",
        "precio minuto",
        "precio",
        "precio min",
        "tarifa por minuto",
        "tarifa",
        "coste por minuto",
        "costo por minuto",
        "coste",
        "costo",
        "neuer Preis",
        "Preis neu",
        "Preis pro Minute",
        "Preis je Minute",
        "Preis Minute",
        "Minutenpreis",
        "Preis",
        "Preis Min",
        "Kosten pro Minute",
        "Kosten",
        "Tarif",
        "Entgelt",
        "Verkaufspreis",
        "prix",
        "nouveau prix",
        "prix par minute",
    ),
    "first_price": ("price 1", "first price", "initial rate"),
    "per_seconds": ("per seconds", "price per seconds", "rate unit", "per s"),
    "first_increment": (
        "first increment",
        "first",
        "first s",
        "interval 1",
        "initial increment",
        "initial interval",
        "min duration",
        "minimum duration",
        "min time",
        "initial period",
        "first period",
        "min",
        "min seconds",
        "minimum seconds",
        "incremento inicial",
        "primer incremento",
        "mínimo de segundos",
        "Mindestdauer",
        "Ersttakt",
        "erster Takt",
    ),
    "next_increment": (
        "next increment",
        "next",
        "then",
        "then s",
        "interval n",
        "subsequent increment",
        "next interval",
        "increment seconds",
        "recurring interval",
        "incr",
        "next period",
        "additional increment",
        "subsequent interval",
        "incremento siguiente",
        "incremento adicional",
        "Folgetakt",
        "weiterer Takt",
    ),
    "increments": (
        "billing",
        "billing increment",
        "billing increments",
        "increments",
        "increment",
        "billing terms",
        "pulse",
        "interval",
        "rounding rules",
        "incremento",
        "incrementos",
        "facturación",
        "tarificación",
        "Taktung",
        "Takt",
        "Abrechnungstakt",
        "Abrechnung",
    ),
    "connection_fee": (
        "connection fee",
        "connect fee",
        "connect cost",
        "connect charge",
        "setup fee",
        "connection charge",
        "connection",
        "setup",
        "setup charge",
        "call setup",
        "rate surcharge",
        "cargo de conexión",
        "coste de conexión",
        "establecimiento",
        "establecimiento de llamada",
        "cargo por establecimiento",
        "Verbindungsentgelt",
        "Verbindungsgebühr",
        "Verbindungspreis",
        "Einrichtungsgebühr je Anruf",
        "Setup Gebühr",
    ),
    "minimum": (
        "minimum charge",
        "min charge",
        "cargo mínimo",
        "Mindestpreis",
        "Mindestentgelt",
    ),
    "maximum": (
        "maximum charge",
        "max charge",
        "max cost",
        "cargo máximo",
        "Höchstpreis",
        "Höchstentgelt",
    ),
    "grace_seconds": ("grace seconds", "grace period", "free below"),
    # The last length that is free.
    "free_seconds": ("free up to and including", "free up to", "free seconds"),
    "tiers": ("tiers", "tiers within the call", "tiered rate", "tiered price"),
    "included_seconds": ("included seconds",),
    "valid_from": (
        "valid from",
        "effective date",
        "eff date",
        "effective from",
        "effective",
        "date effective",
        "activation date",
        "start date",
        "date from",
        "from date",
        "new rate date",
        "effective as of",
        "effective on",
        "effective date time",
        "eff",
        "as of",
        "rate date",
        "implementation date",
        "in force from",
        "with effect from",
        "applicable from",
        "vigencia desde",
        "vigencia",
        "válido desde",
        "vigente desde",
        "fecha efectiva",
        "fecha de vigencia",
        "fecha de inicio",
        "fecha inicio",
        "desde",
        "gültig ab",
        "gueltig ab",
        "gültig von",
        "gueltig von",
        "wirksam ab",
        "Startdatum",
        "ab Datum",
        "ab",
        "date d'effet",
        "date",
        "fecha",
        "Datum",
    ),
    # The first day without the rate; our own export's.
    "valid_before": ("valid before",),
    # Carriers mean the last day of the rate, or a moment late on it.
    "last_day": (
        "valid until",
        "valid to",
        "effective to",
        "end date",
        "effective till",
        "effective until",
        "valid till",
        "last day",
        "expiry date",
        "date to",
        "expiration date",
        "expires",
        "expiry",
        "expiration",
        "until",
        "valid through",
        "valid thru",
        "stop date",
        "close date",
        "discontinue date",
        "válido hasta",
        "vigente hasta",
        "fecha de fin",
        "fecha fin",
        "fecha final",
        "hasta",
        "gültig bis",
        "gueltig bis",
        "Enddatum",
        "bis",
    ),
    "change": (
        "status",
        "rate status",
        "code status",
        "change",
        "changes",
        "rate change",
        "change type",
        "type of change",
        "change flag",
        "flag",
        "action",
        "active",
        "enabled",
        "activo",
        "aktiv",
        "estado",
        "cambio",
        "Änderung",
        "Aenderung",
        "Änderungsart",
        "Zustand",
    ),
    "discontinued": (
        "discontinued",
        "closed",
        "deleted",
        "eliminado",
        "gelöscht",
        "eingestellt",
    ),
    "forbidden": (
        "forbidden",
        "blocked",
        "bloqueado",
        "gesperrt",
    ),
}

#: columns of money, whose names may say a currency and a unit
MONEY = ("price", "first_price", "connection_fee", "minimum", "maximum")
#: columns of which a second one changes no price
HARMLESS = ("name", "country")
#: prices of other times of the day: which one is meant, the name does not say
_BANDS = (
    r"(?:off ?peak|peak|week ?ends?|nights?|evenings?|day ?time|economy|standard"
    r"|(?:business|working|office) hours|holidays?|sundays?|saturdays?"
    r"|haupt ?zeit|neben ?zeit|wochenende|nachts?|abends?|feiertage?"
    r"|punta|valle|llano|fin de semana|noche|nocturn[oa]|festivos?)"
)
_PRICES = (
    r"(?:rates?|prices?|tariff|cost|charge|preis|tarif|precio|tarifa)"
    r"(?: (?:per|pro|por|je) min\w*)?"
)
_OF_BAND = re.compile(rf"{_BANDS} ?(?:{_PRICES})?|{_PRICES} ?{_BANDS}|day {_PRICES}")
_SECONDS = re.compile(
    r"[\s,(\[]+(?:in )?(?:s|secs?|seconds?|sek|sekunden|seg|segundos)\.?\s*[)\]]?\s*$",
    re.IGNORECASE,
)
_OF_SECONDS = frozenset(
    "first_increment next_increment increments per_seconds grace_seconds".split()
)
#: what stands in parentheses behind a name, and changes nothing of its meaning
_ASIDE = re.compile(
    r"\s*[(\[]\s*(?:gmt|utc|cet|cest|mez|est|edt|pst|pdt|inclusive|incl\.?"
    r"|[dmyjta]{1,4}([./ -])[dmyjta]{1,4}\1[dmyjta]{1,4}(?: hh:mm(?::ss)?)?"
    r"|(?:gmt|utc) ?[+-] ?[0-9:]+)\s*[)\]]\s*$",
    re.IGNORECASE,
)


def _key(text):
    return re.sub(r"[^a-z0-9]", "", plain(text))


_NAMES = {}
for _meaning, _names in COLUMNS.items():
    for _rank, _name in enumerate(_names):
        _is_new = _name.startswith(("new ", "nuev", "neuer ", "nouv"))
        _NAMES.setdefault(_key(_name), (_meaning, -1 if _is_new else _rank))
#: from this one on, the names of `valid_from` say only that it is a day
_KEYS_OF_DATES = COLUMNS["valid_from"].index("date")
#: without these there is no deck
NEEDED = ("prefix", "price")
_NORTH_AMERICAN = {_key(name) for name in ("npa nxx", "npa nxx x", "npa", "lerg")}


@dataclass(frozen=True)
class Heading:
    """What a column's name says.

    - `meaning`: of `COLUMNS`
    - `rank`: the lower, the better the name
    - `seconds`: that a price is for; 0 where it says nothing
    - `hundredths`: whether amounts are in cents and the like
    - `currencies`: frozenset of codes that its mark stands for
    - `north_american`: whether codes are without the 1 of North America
    - `of_band`: whether a price is that of a time of the day
    """

    meaning: str
    rank: int
    seconds: int = 0
    hundredths: bool = False
    currencies: frozenset = frozenset()
    north_american: bool = False
    of_band: bool = False


def understand_name(text):
    """What a column's name says, None where it says nothing that is known."""
    key = _key(_ASIDE.sub("", text))
    known = _NAMES.get(key)
    if known is None:
        known = _NAMES.get(_key(_SECONDS.sub("", text)))
        known = known if known and known[0] in _OF_SECONDS else None
    rest, seconds, hundredths, currencies = money_name(text)
    if known is None:
        known = _NAMES.get(_key(rest))
        if known and known[0] not in MONEY:
            known = None
        if not _key(rest) and seconds and (hundredths or currencies):
            known = _NAMES["price"]
    of_band = known is None and bool(
        _OF_BAND.fullmatch(re.sub(r"[^a-z]+", " ", plain(rest)).strip())
    )
    if of_band:
        known = "price", len(COLUMNS["price"])
    if known is None:
        return None
    meaning, rank = known
    if meaning not in MONEY:
        return Heading(meaning, rank, north_american=key in _NORTH_AMERICAN)
    return Heading(meaning, rank, seconds, hundredths, currencies, of_band=of_band)


def understand_money(text):
    """What the name of a column of money says of its amounts, whatever it is called."""
    _rest, seconds, hundredths, currencies = money_name(text)
    return Heading("", 0, seconds, hundredths, currencies)


def candidates(header):
    """The columns that may have each meaning, the better-named first.

    :param header: texts of a row
    :return: (dict meaning -> list of positions, list of `Heading` or None)
    """
    headings = [understand_name(text) for text in header]
    found = {}
    for place, heading in enumerate(headings):
        if heading:
            found.setdefault(heading.meaning, []).append(place)
    for places in found.values():
        places.sort(key=lambda place: (headings[place].rank, place))
    if "prefix" not in found and "price" in found and "country_code" in found:
        # The only codes that there are.
        found["prefix"] = found.pop("country_code")
    return found, headings


def is_least(text):
    """Whether a column of first increments is named as one of least durations."""
    return plain(text).startswith(("min", "mindest"))


def is_country_code(headings, place):
    """Whether a column is named as one of country codes alone.

    :param place: its position, None without one
    """
    heading = headings[place] if place is not None and place < len(headings) else None
    return bool(heading) and heading.meaning == "country_code"


def is_better(headings, places):
    """Whether the first of columns with one meaning is surely the one that is meant.

    A new price is; so are a prefix and a status that are named so, and any named day
    beside a mere date. Of a cost and a rate nobody knows.

    :param headings: list of `Heading`
    :param places: the better-named first
    """
    first, second = (headings[place] for place in places[:2])
    if first.rank == second.rank:
        return False
    if first.meaning in ("prefix", "change"):
        return first.rank == 0
    if first.meaning == "valid_from":
        return second.rank >= _KEYS_OF_DATES
    return first.rank < 0


def is_header(row):
    """Whether a row names the columns of a deck."""
    found = candidates(row)[0].keys()
    return set(NEEDED) <= found
