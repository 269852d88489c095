# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Changed files and answers through everything that reads them; see ``./dev fuzz``.

What reads is found where it is registered: each layout of files, each connector that
asks over HTTP. An input gives a result or one of our own errors with a sentence for
people, and takes little memory and time; anything else is a failure, which is made as
small as it can be and printed.
"""

import argparse
import functools
import gzip
import io
import json
import random
import resource
import sys
import tempfile
import time
import traceback
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter

from odoo.addons.metered_billing.connectors import sources  # noqa: F401 registers
from odoo.addons.metered_billing.connectors.errors import SourceError, SourceFileError
from odoo.addons.metered_billing.connectors.freeswitch_json import (
    document_record,
    read_body,
)
from odoo.addons.metered_billing.connectors.interface import (
    CONNECTORS,
    HttpConnector,
    make_connector,
)
from odoo.addons.metered_billing.connectors.layouts import LAYOUTS
from odoo.addons.metered_billing.deck_files import DeckFileError, write_template
from odoo.addons.metered_billing.tests.support import hostile_files
from odoo.addons.metered_billing.tests.support.reading_cost import (
    assert_readable,
    bounded,
    calls,
    deck,
)

DATA = Path(__file__).parents[1] / "data"
OWN_ERRORS = (SourceError, SourceFileError, DeckFileError)
DAY = datetime(2026, 10, 1, tzinfo=UTC)
MOST_BYTES = 256 * 2**10  # of an input
#: what stands where something else is expected
ODD = tuple(
    text.encode()
    for text in (
        *("", "\0", '"', '""', "'", "\\", "\n", "\r", "\r\n", "\t", ",", ";", "|", "="),
        *("²", "٤٤", "१२", "Ⅷ", "\ufeff", "\u2028", "\u202e", "𝟜", "é", "ß", "\x1a"),
        *("9" * 5000, "0" * 5000, "1e999999999", "-1e-999999999", "0e999999999"),
        *("NaN", "Infinity", "-1", "0", "1_000", "0x10", "1.0", ".", "2147483648"),
        *("99999999999999999999", "60/3000000000", "60/99999999999999999999", "9-1"),
        *("9999-12-31", "0001-01-01", "31/12/9999", "0000-00-00", "2026-02-30"),
        *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1-9999", "*"),
        *("1000-9999", "=1", "=HYPERLINK(1)", "%00", "%zz", "&", "{}", "[]", "null"),
        *(r"\ud800", r"\udc00\ud800", r"\u0000", '"\\ud800"', "true", "{", "[", "<"),
        *(
            "<!DOCTYPE x>",
            "<![CDATA[",
            "&#0;",
            "&x;",
            "<row>",
            "<c r='XFD1'/>",
            "a" * 99,
        ),
        *("http://[::1", "http://a:999999/", "//other/", "cdr=", "60: 0.1/60 6;"),
    )
) + (b"\xff", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3", b"\x1f\x8b", b"PK\3\4")
OVERRIDES = {
    "encoding": (
        *("utf-8", "cp1252", "utf-16", "latin-1", "idna", "\0", "rot13", "zlib_codec"),
        *(
            "utf-7",
            "punycode",
            "undefined",
            "unicode_escape",
            "hex",
            "../x",
            "",
            7,
            b"",
        ),
        *([], {}, "a" * 99_999, "\ud800", "mbcs", "shift_jis", "cp037", "raw_unicode"),
    ),
    "delimiter": (
        ",",
        ";",
        "\t",
        "",
        ",,",
        '"',
        "\n",
        "²",
        "\0",
        1,
        [],
        None,
        "\ud800",
    ),
    "has_header": (True, False, 1, None, "yes", [], {}, 2, "", -1, 0.5),
    "skip_records": (0, 1, 5, -1, 10**9, True, "1", [], 1.5, None),
    "quote": ('"', "'", "none", "", "q", 7, None, [], "\ud800"),
    "skip_lines": (0, 1, 3, -1, 10**6, 10**9, True, "1", [], 1.5, None),
    "positions": ("1, 5, 9", [1, 2, 3], (4, 90), "", "0", [3, 1], [True], {}, 7, None),
    "layout": (*LAYOUTS, "no", "", 5, [], {}, "\0", "\ud800"),
}
#: settings of connectors that are no connector's own
SETTINGS = {
    "address": "http://switch.example/api",
    "api_key": "key",
    "records_path": "calls",
    "accounts_path": "accounts",
    "numbers_path": "numbers",
    "count_path": "count",
    "max_pages": "3",
    "page_parameter": "page",
}


@dataclass
class Target:
    """Something that reads.

    ``samples``: inputs that are right; ``read``: function of bytes and a random source
    """

    samples: list
    read: object


# ---- what reads


def targets(folder):
    """All that reads.

    :param folder: for files
    :return: dict, name -> :class:`Target`
    """
    path = Path(folder, "input")
    texts = [
        file.read_bytes()
        for file in sorted((DATA / "cdr").iterdir())
        if file.suffix in (".csv", ".txt")
    ]
    decks = [file.read_bytes() for file in sorted((DATA / "decks").glob("*.csv"))]
    document = json.loads((DATA / "cdr/freeswitch_json_cdr.json").read_bytes())
    documents = document if isinstance(document, list) else [document]
    found = {
        "calls": Target(texts, lambda data, chance: _read_calls(path, data, chance)),
        "a deck": Target(decks, lambda data, _chance: _read_deck(path, data)),
        "mod_json_cdr": Target(
            [json.dumps(one).encode() for one in documents], _read_post
        ),
        **{
            f"{part} of a workbook": Target(
                [content],
                lambda data, chance, part=part: _read_book(path, part, data, chance),
            )
            for part, content in _workbook_parts().items()
        },
        "a workbook": Target(
            [hostile_files.book(hostile_files.good_rows(9)), write_template()],
            lambda data, chance: _read_both(path, data, chance),
        ),
    }
    for key, kind in CONNECTORS.items():
        if issubclass(kind, HttpConnector):
            found[f"answers to {key}"] = Target(
                _answers(),
                lambda data, chance, key=key: _read_answers(key, data, chance),
            )
    return found


def _read_calls(path, data, chance):
    path.write_bytes(data)
    override = {
        name: chance.choice(values)
        for name, values in OVERRIDES.items()
        if chance.random() < 0.15
    }
    try:
        records = calls(path, override, chance.choice((1, 7, 100_000)))
    except OWN_ERRORS as error:
        assert_readable(str(error))
        return
    if records != calls(path, override):
        raise AssertionError("the number of records depends on the chunks")


def _read_deck(path, data):
    path.write_bytes(data)
    deck(path)


def _read_both(path, data, chance):
    _read_calls(path, data, chance)
    _read_deck(path, data)


@functools.cache
def _workbook_parts():
    content = hostile_files.book(
        hostile_files.good_rows(9) + hostile_files.shared_rows(3),
        strings="<si><t>a</t></si><si><r><t>b</t></r><rPh><t>c</t></rPh></si>",
        styles='<numFmts><numFmt numFmtId="170" formatCode="[h]:mm"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs>',
    )
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _read_book(path, part, data, chance):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**_workbook_parts(), part: data}.items():
            archive.writestr(name, content)
    _read_both(path, out.getvalue(), chance)


def _read_post(data, chance):
    kind = chance.choice(("application/json", "x-www-form-urlencoded", "form-base64"))
    document_record(read_body(data, kind))


# ---- answers of servers


def _answers():
    files = ("netsapiens_v1_cdr2_read.json", "netsapiens_v2_domain_cdrs.json")
    rows = [
        {
            "id": "7",
            "start": "2026-10-01T09:00:00Z",
            "seconds": 61,
            "legs": [{"to": 1}],
        },
        {"id": "8", "start": None, "caller": {"number": "12025550101", "name": "é"}},
    ]
    return [
        *((DATA / "netsapiens" / name).read_bytes() for name in files),
        json.dumps(rows).encode(),
        json.dumps({"data": rows, "next": "http://switch.example/api/2"}).encode(),
        json.dumps({"total": 2, "access_token": "t", "expires_in": 60}).encode(),
    ]


class _Answering(HTTPAdapter):
    """Answers each request with what it was given."""

    def __init__(self, body, chance):
        super().__init__()
        self.answer = body
        self.chance = chance

    def send(self, request, **_options):
        chance = self.chance
        status = chance.choice((200,) * 12 + (404, 403, 429, 500, 302, 301, 204))
        headers = {
            "Content-Type": chance.choice(
                ("application/json",) * 9 + ("", "text/html", "\xff")
            )
        }
        if status in (301, 302):
            odd = _header(chance)
            where = ("http://switch.example/api/", "http://", "//", "http://[", "")
            headers["Location"] = chance.choice(where) + odd
        if chance.random() < 0.1:
            headers["Retry-After"] = _header(chance)
        if chance.random() < 0.1:
            headers["Link"] = f'<{_header(chance)}>; rel="next"'
        body = self.answer
        if chance.random() < 0.1:
            headers["Content-Encoding"] = chance.choice(("gzip", "br", "identity"))
            body = chance.choice((gzip.compress(body), body))
        response = urllib3.HTTPResponse(
            io.BytesIO(body), headers, status, preload_content=False
        )
        return self.build_response(request, response)


def _header(chance):
    """As `http.client` reads it: each byte is a character."""
    return chance.choice(ODD).decode("latin-1")


def settings_of(key, chance):
    """Settings with which a connector begins to ask."""
    paging = chance.choice(("none", "page", "offset", "cursor", "link"))
    return {
        **SETTINGS,
        "paging": paging,
        "cursor_field": chance.choice(("next", "data[0].id", "[1].start", "")),
        "records_items": chance.choice(("", "data", "data[0].legs", "a.b")),
        "fields": {"callee": "legs[0].to", "start_time": "start"},
        "timezone": chance.choice(("", "UTC", "America/New_York")),
        "record_time_format": chance.choice(("", "%Y-%m-%dT%H:%M:%SZ", "%Y")),
        **({"authentication": "bearer"} if key == "http_json" else {}),
    }


def _read_answers(key, data, chance):
    with make_connector(
        key, settings_of(key, chance), sleep=lambda _seconds: None
    ) as connector:
        adapter = _Answering(data, chance)
        for scheme in ("http://", "https://"):
            connector.client._session.mount(scheme, adapter)
        end = DAY + timedelta(days=1)
        for ask in (
            lambda: connector.check("a"),
            lambda: list(_first(connector.accounts())),
            lambda: list(_first(connector.identifiers("a"))),
            lambda: connector.count("a", DAY, end),
            lambda: [page.frame for page in _first(connector.fetch("a", DAY, end), 3)],
            lambda: getattr(connector, "tryout", lambda *_: None)("a", DAY, end),
        ):
            try:
                ask()
            except OWN_ERRORS as error:
                assert_readable(str(error))


def _first(found, most=1000):
    for _place, item in zip(range(most), found, strict=False):
        yield item


# ---- changing


def changed(data, samples, chance):
    """An input that is like a right one, and is not."""
    for _change in range(chance.choice((1, 1, 1, 2, 3, 8))):
        data = chance.choice(CHANGES)(data, samples, chance)[:MOST_BYTES]
    return chance.choice(WRAPS)(data, chance)


def _place(data, chance):
    start = chance.randrange(len(data) + 1)
    return start, min(len(data), start + chance.choice((0, 1, 2, 5, 20, 200)))


def _put(data, _samples, chance):
    start, end = _place(data, chance)
    return data[:start] + chance.choice(ODD) + data[end:]


def _cut(data, _samples, chance):
    start, end = _place(data, chance)
    return data[:start] + data[end:]


def _end(data, _samples, chance):
    return data[: chance.randrange(len(data) + 1)]


def _flip(data, _samples, chance):
    if not data:
        return data
    place = chance.randrange(len(data))
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def _again(data, _samples, chance):
    start, end = _place(data, chance)
    return data[:end] + data[start:end] * chance.choice((1, 2, 50, 2000)) + data[end:]


def _mixed(data, samples, chance):
    other = chance.choice(samples)
    return data[: _place(data, chance)[0]] + other[_place(other, chance)[0] :]


def _field(data, _samples, chance):
    """Another value where one stands."""
    for delimiter in chance.sample((b",", b";", b"\t", b'"', b">"), 5):
        parts = data.split(delimiter)
        if len(parts) > 2:
            parts[chance.randrange(len(parts))] = chance.choice(ODD)
            return delimiter.join(parts)
    return data


def _node(data, _samples, chance):
    """Another value in JSON; of another kind, or much deeper."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return data
    inner, holders = [document], []
    while inner:
        one = inner.pop()
        keys = range(len(one)) if isinstance(one, list) else ()
        keys = list(one) if isinstance(one, dict) else keys
        holders += [(one, key) for key in keys]
        inner += [one[key] for key in keys]
    if not holders:
        return data
    holder, key = chance.choice(holders)
    deep = "[" * chance.choice((5, 90, 110)) + "1"
    holder[key] = chance.choice(
        (None, True, 0, -1, 1.5, 10**40, "", "x" * 999, "\ud800", [], {}, [[]], deep)
    )
    text = json.dumps(document).encode()
    return text.replace(
        json.dumps(deep).encode(), deep.encode() + b"]" * len(deep[:-1])
    )


CHANGES = (_put, _put, _cut, _end, _flip, _again, _mixed, _field, _field, _node)


def _recoded(encoding):
    return lambda data, _chance: data.decode(errors="replace").encode(
        encoding, errors="replace"
    )


def _packed_and_cut(data, chance):
    packed = gzip.compress(data)
    return _flip(packed[: chance.randrange(len(packed) + 1)] or b"\x1f", (), chance)


WRAPS = (
    *(lambda data, _chance: data,) * 8,
    lambda data, _chance: gzip.compress(data),
    lambda data, _chance: data.replace(b",", b"\t"),
    *map(_recoded, ("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp1252")),
    _packed_and_cut,
)


# ---- running


@dataclass
class Failure:
    """An input that breaks what is promised."""

    target: str
    seed: str
    data: bytes
    error: str

    def __str__(self):
        data = repr(self.data)
        shown = data if len(data) < 3000 else f"{data[:3000]}… ({len(self.data)} bytes)"
        return f"{self.target}, {self.seed}: {self.error}\nsmallest input: {shown}"


def attempt(target, data, seed):
    """Read an input.

    :return: None, or what is wrong with what came of it
    """
    try:
        with bounded():
            target.read(data, random.Random(seed))
    except OWN_ERRORS as error:
        try:
            assert_readable(str(error))
        except (AssertionError, UnicodeError) as problem:
            return str(problem)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        return f"{error.__class__.__name__} at {place}: {str(error)[:200]}"
    return None


def smallest(target, data, seed, most_tries=400):
    """The least of an input that fails in the same place."""

    def kind(error):
        return error and error.partition(": ")[0]

    wanted = kind(attempt(target, data, seed))
    size, tries = len(data) // 2, 0
    while size and tries < most_tries:
        start = 0
        while start < len(data) and tries < most_tries:
            less = data[:start] + data[start + size :]
            tries += 1
            if kind(attempt(target, less, seed)) == wanted:
                data = less
            else:
                start += size
        size //= 2
    return data


def fuzz(seed, count=None, seconds=None):
    """Try changed inputs on all that reads, in turn.

    :param seed: the same gives the same inputs
    :param count: inputs; None: as many as the time is enough for
    :param seconds: of the processor; None: as long as it takes
    :return: (inputs tried, list of :class:`Failure`)
    """
    begun = time.process_time()
    failures, kinds = [], set()
    with tempfile.TemporaryDirectory() as folder:
        found = targets(folder)
        names = list(found)
        for target in found.values():
            for sample in target.samples:  # what is loaded once is no input's cost
                attempt(target, sample, 0)
        number = 0
        while (count is None or number < count) and len(failures) < 20:
            if seconds is not None and time.process_time() - begun > seconds:
                break
            name = names[number % len(names)]
            target = found[name]
            own_seed = f"{seed}-{number}"
            chance = random.Random(own_seed)
            data = changed(chance.choice(target.samples), target.samples, chance)
            error = attempt(target, data, own_seed)
            kind = error and (name, error.partition(": ")[0])
            if error and kind not in kinds:
                kinds.add(kind)
                data = smallest(target, data, own_seed)
                failures.append(Failure(name, own_seed, data, error))
            number += 1
    return number, failures


def main(arguments):
    """``./dev fuzz``."""
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=600)
    parser.add_argument("--seed", default=str(random.SystemRandom().randrange(10**6)))
    parser.add_argument("--count", type=int)
    given = parser.parse_args(arguments)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    requests.packages.urllib3.disable_warnings()
    sys.stdout.write(f"seed {given.seed}\n")
    number, failures = fuzz(given.seed, given.count, given.seconds)
    for failure in failures:
        sys.stdout.write(f"{failure}\n\n")
    sys.stdout.write(f"{number:,} inputs, {len(failures)} kinds of failure\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
