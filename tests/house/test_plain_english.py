# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What people read is plain American English: no pattern of the list below.

The rules and their words are in CONTRIBUTING.md, under *Texts*. What was found once in
a text and does not read as if written by a native speaker is refused here for all.
"""

import ast
import re
from pathlib import Path
from unittest import TestCase

from lxml import etree

MODULE = Path(__file__).resolve().parents[2]

#: what is refused in texts of screens and messages, and what is written instead
SCREENS = {
    r"\b(no|any) more\b(?! \w+ than| than)": "no longer, anymore",
    r"\b(an)?other than\b.*\bbeside\b|\bbesides?\b": "in addition to, next to",
    r"\bso (many|much)\b(?! \w+ that)": "the number of, at most",
    r"\bhow it was meant\b|\bis (to be )?meant\b": "how to read it",
    r"\bwhat is kept\b": "what it is: call to watch, original values",
    r"\b(stands?|stood) (here|there|above|below|in|on|at|with)\b": "is shown, see",
    r"\bholds\b|\bhold (at|for|from|only|until)\b": "applies, is valid, contains",
    r"\bof it\b(?! to\b)": "its, of the (name the thing)",
    r"\b(that|a|which) day on\b": "from a date on, from then on",
    r"\b(nothing|what)\b.{0,25}\bis lost\b": "say what was kept or saved",
    r"\bsuch an? (?!\w+ that)": "name the thing",
    r"(?<!there )\b(is|are|was|were) no (?!longer\b|more\b)": "is not a",
    r"\b(mend|mends|mended)\b": "fix, correct",
    r"\b(take|takes|taken|took) back\b": "reverse",
    r"\bas (it|they) (came|comes?)\b": "original",
    r"\b(re)?press(es)?\b (?!release)": "click",
    r"\brests? (up)?on\b": "use",
    r"\b(is|are|was|were|be) told\b": "is shown, is notified",
    r"(^|\. )(Empty|0): ": "Leave empty to …, 0 means …",
    r"\b(rates?|prices?|plans?|balance) of (today|now|the day)\b": "current",
    r"\b(un)?tick(ed)?\b": "select, clear",
    r"\bas one act\b|\bsame act\b": "in one step",
    r"\bcould(n't| not)? be asked\b|\bbe asked for\b": "could not be reached",
    r"\bdefect\b": "error",
    r"\b(must|may|can) not be (?=\w+ed already)": "has already been",
    r"\b(billed|invoiced|rated|imported|known|begun) already\b": "already billed …",
    r"\bit is not known\b": "say what is unknown or missing",
    r"\bunder way\b": "in progress",
    r"\b(beyond|out of) all measure\b": "unreasonably large",
    r"\bat this moment\b": "right now",
    r"\bin the way\b": "name what blocks it",
    r"(?<![.])\bSimulations?\b(?![.])": "What If",
    r"\be-mail": "email",
    r"\bnames no\b|\bof no (?!more)": "has no, without",
    r"\bat least so\b|\bat most so\b": "minimum, maximum",
}
#: words of files, which are in the languages and spellings of those who wrote them
WORDS_OF_FILES = {
    "connectors/layouts.py",
    "connectors/switch_layouts.py",
    "deck_files/columns.py",
    "deck_files/words.py",
    "ingest/answered.py",
    "ingest/directions.py",
}
#: fields of records of data that nobody sees
TECHNICAL_FIELDS = {"domain", "domain_force", "model", "model_id", "res_model"}
TECHNICAL_RECORDS = {"ir.rule", "ir.ui.view"}
#: refused in pages, too
EVERYWHERE = {
    r"\b(colour|behaviour|favour|honour|labour|neighbour)": "-or",
    r"\b[a-z]*(cancel|dial|label|model|travel|total|fuel|signal)l(ed|ing)\b": "one l",
    r"\b[a-z]*(recogni|organi|normali|summari|initiali|authori|categori)s\w*": "-ize",
    r"\b(centre|metre|litre|fibre|theatre)s?\b": "-er",
    r"\benquir(y|ies)\b": "inquiry",
    r"\blicence\b": "license",
    r"\bcatalogues?\b|\banalogue\b|\bdialogues?\b": "-og",
    r"\bprogrammes?\b": "program",
    r"\b(whilst|amongst|hitherto|whereof)\b": "while, among, so far",
    r"\bcheques?\b": "check",
    r"\bgrey\b": "gray",
    r"\bnobody's\b": "not assigned to a customer",
    r"\bcounts? not\b": "is ignored",
    r"\bthat day on\b": "from then on",
    r"\bby (itself|themselves)\b": "automatically",
    r"\bdearer\b|\bcheaper\b|\bdearest\b": "increase, decrease, most expensive",
    r"\b(some|every)body\b": "someone, everyone, or the role",
    r"\bby hand\b": "manually",
    r"\banew\b|\bhence\b|\bthereof\b|\bwherein\b|\bthither\b": "again, therefore",
    r"\b(two|several) ways\b": "is ambiguous, can be read as",
    r"\bpassed over\b": "skipped",
    r"\bpayers?\b": "customer; customer lookup",
    r"\btelephones?\b": "phone",
    r"\b(come|comes|came|coming) in\b": "arrive, is imported",
    r"\bfor ever\b|\bforever\b": "keep all, no limit",
}
#: labels with one word for one thing
LABELS = {
    r"^State$": "Status",
    r"^(Begins?|Valid To|To Date)$": "From, Until, Start",
    r"^Payers?$|^Partner$": "Customer",
    r"^(Dialled|Dialed At)$": "Dialed On",
    r"^Deck$": "Rate Deck",
}
SQL = re.compile(
    r"\b(SELECT|UPDATE|INSERT|DELETE|CREATE|WHERE|FROM|JOIN|ORDER BY|NULLS?|ALTER)\b"
)
PYTHON = (
    "connectors",
    "controllers",
    "deck_files",
    "ingest",
    "models",
    "rating",
    "stored",
    "wizards",
)
XML = ("data", "security", "static/src", "views", "wizards")
ATTRIBUTES = {
    "add-label",
    "alt",
    "aria-label",
    "avg",
    "confirm",
    "data-tooltip",
    "help",
    "label",
    "name",
    "placeholder",
    "string",
    "sum",
    "title",
}
IN_JS = re.compile(r"_t\(\s*((?:\"(?:\\.|[^\"])*\"\s*\+?\s*)+)")
PLACEHOLDER = re.compile(r"%\(\w+\)s")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def is_said(text):
    """Whether a constant of code is said to people: words, and no SQL."""
    return " " in text.strip() and re.search(r"[a-z]{2}", text) and not SQL.search(text)


def texts_of_python(source):
    """Yield line and text of the constants of a file that are no docstrings."""
    tree = ast.parse(source)
    statements = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
    }
    labels = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg in ("string", "help")
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in statements
            and (id(node) in labels or is_said(node.value))
        ):
            yield node.lineno, " ".join(node.value.split())


def is_technical(node):
    """Whether an element of a record is nothing that people see."""
    record = node.getparent()
    return node.tag == "field" and (
        node.get("name") in TECHNICAL_FIELDS
        or (node.get("name") == "name" and record.get("model") in TECHNICAL_RECORDS)
    )


def texts_of_xml(source):
    """Yield line and text of what a view, a template or a record shows."""
    for node in etree.fromstring(source.encode()).iter(etree.Element):
        if is_technical(node):
            continue
        for name, value in node.attrib.items():
            if name in ATTRIBUTES and (name != "name" or node.tag == "menuitem"):
                yield node.sourceline, " ".join(value.split())
        for text in (node.text, *(child.tail for child in node)):
            if text and re.search(r"[A-Za-z]{2}", text):
                yield node.sourceline, " ".join(text.split())


def texts_of_js(source):
    """Yield line and text of what a script has translated."""
    for match in IN_JS.finditer(source):
        parts = re.findall(r'"((?:\\.|[^"])*)"', match[1])
        yield source[: match.start()].count("\n") + 1, "".join(parts)


def texts_of_page(source):
    """Yield line and text of a page, without what is code in it."""
    source = FENCE.sub(lambda match: "\n" * match[0].count("\n"), source)
    for number, line in enumerate(source.splitlines(), 1):
        yield number, re.sub(r"`[^`]*`", "", line)


def refused(text, *lists):
    """What the lists refuse of a text: (what was found, what is written instead)."""
    text = PLACEHOLDER.sub("…", text)
    return [
        (match[0], instead)
        for patterns in lists
        for pattern, instead in patterns.items()
        if (match := re.search(pattern, text, re.IGNORECASE))
    ]


def on_screens():
    """Yield (path, line, text) of all that people see of the module."""
    for folders, suffix, collect in (
        (PYTHON, ".py", texts_of_python),
        (XML, ".xml", texts_of_xml),
        (("static/src",), ".js", texts_of_js),
    ):
        for folder in folders:
            for path in sorted((MODULE / folder).rglob(f"*{suffix}")):
                name = path.relative_to(MODULE).as_posix()
                if name not in WORDS_OF_FILES:
                    for line, text in collect(path.read_text()):
                        yield name, line, text


def pages():
    """Yield (path, line, text) of README and the folders' pages."""
    for path in sorted(MODULE.rglob("*.md")):
        for line, text in texts_of_page(path.read_text()):
            yield path.relative_to(MODULE).as_posix(), line, text


class TestPlainEnglish(TestCase):
    maxDiff = None

    def told(self, texts, *lists):
        """Fail with each text that is refused, and what to write instead."""
        found = [
            f"{path}:{line}: “{what}” → {instead}: {text[:200]}"
            for path, line, text in texts
            for what, instead in refused(text, *lists)
        ]
        if found:
            self.fail(
                "Not plain American English (CONTRIBUTING.md, Texts):\n"
                + "\n".join(found)
            )

    def test_screens(self):
        texts = list(on_screens())
        self.assertGreater(len(texts), 5000)
        self.told(texts, SCREENS, EVERYWHERE, LABELS)

    def test_pages(self):
        texts = list(pages())
        self.assertGreater(len(texts), 500)
        self.told(texts, EVERYWHERE)
