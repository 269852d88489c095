# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Words in columns that say whether a rate holds: a status, a change, a flag.

Only whole words that are known count. Others are asked for, once a file and word; a
remark is no status.
"""

import re

from ..connectors.workbook_cells import NumberText
from ..notation.numbers import PLAIN
from ..rating.errors import _lt
from .cells import TwoWays

SELLS, ENDS = "sells", "ends"
MEANINGS = (SELLS, ENDS)
_ENDS = frozenset(
    "closed;close;closing;closure;deleted;delete;deletion;del;discontinued;discontinue;"
    "discontinuation;withdrawn;withdraw;withdrawal;removed;remove;removal;code removal;"
    "code removed;code deleted;code deletion;blocked;block;blocking;inactive;disabled;"
    "ended;terminated;expired;cancelled;canceled;suspended;stopped;obsolete;no longer;"
    "not available;unavailable;no longer available;not active;code closed;"
    "deactivated;end of sale;no service;out of service;barred;"
    "cerrado;cerrada;eliminado;eliminada;eliminar;bloqueado;bloqueada;inactivo;"
    "inactiva;suspendido;suspendida;cancelado;cancelada;retirado;retirada;"
    "geschlossen;gelöscht;geloescht;löschen;gesperrt;inaktiv;eingestellt;entfernt;"
    "entfällt;entfallen;beendet;gekündigt;deaktiviert".split(";")
)
_SELLS = frozenset(
    ";active;open;opened;new;unchanged;no change;no changes;not changed;same;current;"
    "increase;increased;rate increase;price increase;decrease;decreased;rate decrease;"
    "price decrease;up;down;changed;change;modified;updated;update;rate change;"
    "price change;added;add;addition;code addition;code added;new code;new rate;"
    "new destination;available;enabled;valid;effective;ok;reopened;reinstated;"
    "unblocked;existing;n/a;none;"
    "activo;activa;alta;nuevo;nueva;sin cambio;sin cambios;igual;aumento;sube;baja de "
    "precio;subida;bajada;disminución;disponible;vigente;añadido;agregado;"
    "aktiv;neu;unverändert;keine änderung;gleich;erhöhung;erhöht;senkung;gesenkt;"
    "geändert;verfügbar;offen;gültig".split(";")
)
_YES = frozenset("1 y yes true x t si sí ja oui".split())
_NO = frozenset(["", *"0 n no false f nein non - none n/a".split()])
# How much a price changes says nothing of its end.
_AMOUNT = re.compile(r"[+-]?\s*[0-9]+(?:[.,][0-9]+)?\s*%?|[+-]?[.,][0-9]+\s*%?")
_UNKNOWN = _lt(
    "'%(text)s' is not a known status. Choose whether the rate is active or ends."
)


def word_of(text):
    """A cell as it is compared: in lower case, with single blanks."""
    return " ".join(text.translate(PLAIN).lower().rstrip(".! ").split())


def ends(texts):
    """Whether one of some statuses is known to say that a rate ends."""
    return any(word_of(text) in _ENDS for text in texts)


def signs_of(texts, prices, is_rival_empty=False):
    """What + and - mean in a column of actions, dict sign -> `SELLS` or `ENDS`.

    A code that is taken away has no price; where those with - have one, and others
    have a +, nobody knows.

    :param texts: list of the column's cells
    :param prices: list of the cells of prices, as long
    :param is_rival_empty: whether there is another column of prices, without any
    """
    priced = {
        bool(price) for text, price in zip(texts, prices, strict=True) if text == "-"
    }
    has_plus = "+" in texts
    if priced == {True} and not has_plus:
        return {} if is_rival_empty else {"-": SELLS}
    if True in priced:
        return {}
    return {"+": SELLS, "-": ENDS} if priced or has_plus else {}


def status(known, are_flags=False):
    """A reader of a status or change: whether the rate ends.

    :param known: dict word -> `SELLS` or `ENDS`, as a person has said
    :param are_flags: whether the column has nothing but 0 and 1, whose meaning is known
        of no switch
    """

    def read(text):
        word = word_of(text)
        if word in known:
            return known[word] == ENDS
        if word in _ENDS:
            return True
        is_amount = isinstance(text, NumberText) or _AMOUNT.fullmatch(word)
        if word in _SELLS or is_amount and not are_flags:
            return False
        raise TwoWays("words", _UNKNOWN, text=text)

    return read


def flag(known):
    """A reader of a column named discontinued or blocked: whether the rate ends.

    :param known: as of :func:`status`
    """

    def read(text):
        word = word_of(text)
        if word in known:
            return known[word] == ENDS
        if word in _YES or word in _ENDS:
            return True
        if word in _NO or word in _SELLS:
            return False
        raise TwoWays("words", _UNKNOWN, text=text)

    return read
