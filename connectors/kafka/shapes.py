# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Messages that are written alike, read without JSON's parser.

A program writes its messages with the same names in the same order. Of the first one
an expression is made in which each value is a group; whatever it matches as a whole is
that message with other values, and nothing else. What it does not match, such as a
text with an escaped character, is read as JSON. It takes a tenth of the time.
"""

import json
import re

_TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?[0-9][0-9.eE+-]*)"
    r"|(?P<word>true|false|null)"
    r"|(?P<sign>[{}\[\]:,])"
    r"|(?P<blank>[ \t\r\n]+)",
    re.DOTALL,
)
#: values as JSON writes them; texts without any escaped character
_TEXT = r'"([^"\\\x00-\x1f]*)"'
_FILLED = r'"([^"\\\s\x00-\x1f](?:[^"\\\x00-\x1f]*[^"\\\s\x00-\x1f])?)"'
_SOLID = r'"([^"\\\s\x00-\x1f]+)"'
_NUMBER = r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
_WORD = r"(true|false|null)"
#: values of a message from which on it is not worth it
MOST_VALUES = 64
_MARK = re.compile(r"§([0-9]+)§")
#: characters of a message of which an expression is made
MOST_CHARACTERS = 8_192


class Shape:
    """How a message is written.

    :ivar names: columns, in the order of the groups
    :ivar kinds: ``text``, ``number`` or ``word`` of each
    """

    def __init__(self, expression, names, kinds):
        self.match = re.compile(expression).fullmatch
        self.names = names
        self.kinds = kinds


def shape_of(text, columns_of, filled=(), solid=(), literal=()):
    """The shape of a message that was read as JSON.

    :param str text: the message, an object
    :param columns_of: function that makes columns (dict, name -> text) of a document;
        None where it cannot. It must look at nothing but names, and at the values of
        ``literal``
    :param filled: names of columns that are not empty
    :param solid: names of columns without spaces
    :param literal: names at the top whose value is part of the shape
    :return: :class:`Shape`, or None where it has none
    """
    if len(text) > MOST_CHARACTERS:
        return None
    tokens = list(_TOKEN.finditer(text))
    if sum(len(token[0]) for token in tokens) != len(text):
        return None
    parts, kinds = [], []
    for written, kind in _parts(tokens, literal):
        if written is None:
            return None
        parts.append(len(kinds) if kind else written)
        kinds += [kind] if kind else []
    if not kinds or len(kinds) > MOST_VALUES:
        return None
    marked = [f'"§{part}§"' if isinstance(part, int) else part for part in parts]
    columns = columns_of(json.loads("".join(marked)))
    if columns is None:
        return None
    name_of = _names(columns, len(kinds))
    if name_of is None:
        return None
    needed = {*filled, *solid}
    if any(kinds[at] == "word" for at, name in name_of.items() if name in needed):
        return None
    names, expression = [], []
    for part in parts:
        if isinstance(part, int):
            name = name_of.get(part)
            group = _group(kinds[part], name, filled, solid)
            if name is None:
                group = group.replace("(", "(?:", 1)
            names.append((name, kinds[part]))
            expression.append(group)
        else:
            expression.append(re.escape(part))
    kept = [(name, kind) for name, kind in names if name is not None]
    return Shape(
        "".join(expression), [name for name, _k in kept], [kind for _n, kind in kept]
    )


def _parts(tokens, literal):
    """What a message is written of: pairs of a text, and the kind of a value or "".

    A text of None: it has no shape.
    """
    level, name = 0, ""
    for at, token in enumerate(tokens):
        kind, written = token.lastgroup, token[0]
        if kind == "text" and _is_name(tokens, at):
            name, kind = written[1:-1], ""
        elif kind in ("sign", "blank"):
            level += (written == "{") - (written == "}")
            kind = ""
        elif level == 1 and name in literal:
            kind = ""
        # A list may be of any length; a mark must not be taken for another.
        if not kind and (written in ("[", "]") or {"\\", "§"} & set(written)):
            written = None
        yield written, kind


def _is_name(tokens, at):
    """Whether a text is the name of a value: what follows is a colon."""
    for token in tokens[at + 1 :]:
        if token.lastgroup != "blank":
            return token[0] == ":"
    return False


def _names(columns, count):
    """Index of a value -> its column; None where one is not a value as it is."""
    found = {}
    for name, value in columns.items():
        mark = _MARK.fullmatch(value)
        if mark is None:
            return None
        found[int(mark[1])] = name
    return found if found and max(found) < count else None


def _group(kind, name, filled, solid):
    if kind == "number":
        return _NUMBER
    if kind == "word":
        return _WORD
    if name in solid:
        return _SOLID
    return _FILLED if name in filled else _TEXT
