# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the guide writes in italics is what a screen calls it."""

import ast
import re
import unittest
from pathlib import Path

from lxml import etree

from odoo.addons.metered_billing.connectors.kinds import KINDS
from odoo.addons.metered_billing.connectors.sources import CONNECTORS
from odoo.addons.metered_billing.ingest.presets import PRESETS

MODULE = Path(__file__).resolve().parents[2]
#: presets of no switch
PLAIN = {"generic", "usage", "events", "usage_lines", "chargeover"}
FOLDERS = ("models", "wizards", "ingest", "connectors")
#: between single stars, maybe over the end of a line
ITALIC = re.compile(r"(?<![*\w])\*(?![*\s])([^*]+?)(?<![*\s])\*(?![*\w])")
CODE = re.compile(r"^```.*?^```", re.M | re.S)
#: a menu below a menu, a group of a privilege
PATH = re.compile(r", | / ")
#: words of Odoo and of subscription_oca
OF_ODOO = {
    *("Apps", "Settings", "Users", "Contact", "Creation", "Sales", "Invoicing"),
    *("Invoicing mode", "Create Invoice"),
}
#: words that are said with stress, or belong to switches
NO_WORDS = {
    *("With an addons path.", "With pip.", "source", "facts", "allowances", "register"),
    *("usage", "exception", "rate deck", "calling plan", "meter", "metered price"),
    *("control totals", "example", "Anruferliste", "Call Logs", "recorded late"),
    *("Panasonic SMDR (pattern A)", "Mitel", "ct", "per minute", "Pausado"),
}


def words_of_code(path):
    """Texts of a Python file, and the labels that Odoo gives its fields."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield re.sub("_ids?$", "", node.targets[0].id).replace("_", " ").title()


def words_of_screens():
    """Every text that some screen may show."""
    found = set()
    for folder in FOLDERS:
        for path in (MODULE / folder).rglob("*.py"):
            found.update(words_of_code(path))
    for path in [*MODULE.glob("views/*.xml"), *MODULE.glob("[dsw]*/**/*.xml")]:
        for node in etree.parse(path).iter(etree.Element):
            found.update([*node.attrib.values(), node.text or "", node.tail or ""])
    for path in (MODULE / "static/src").rglob("*.js"):
        found.update(re.findall(r'"([^"\n]+)"', path.read_text("utf-8")))
    return {" ".join(text.split()) for text in found}


def table_of(page, heading):
    """The first cells of the rows of a table."""
    text = (MODULE / page).read_text("utf-8").split(f"\n## {heading}\n")[1]
    cells = re.findall(r"^\| ([^|]*) \|", text.split("\n## ")[0], re.M)
    return cells[1:]


class TestScreenWords(unittest.TestCase):
    def test_presets_for_switches(self):
        makers = table_of("docs/sources.md", "Presets for switches")
        names = {preset.name for preset in PRESETS.values() if preset.key not in PLAIN}
        for name in names:
            with self.subTest(name):
                self.assertTrue(name.startswith(tuple(makers)))
        for maker in makers:
            with self.subTest(maker):
                self.assertTrue(any(name.startswith(maker) for name in names))
        self.assertEqual(len({*makers}), 16)
        for page in ("README.md", "static/description/index.html"):
            text = " ".join((MODULE / page).read_text("utf-8").split())
            self.assertIn("presets for sixteen kinds of switches", text)

    def test_types_of_sources(self):
        types = table_of("docs/sources.md", "How records arrive")
        self.assertEqual(len(types), len({*KINDS, *CONNECTORS}))

    def test_italics_are_on_a_screen(self):
        known = words_of_screens() | OF_ODOO
        seen = set()
        for page in [MODULE / "README.md", *sorted(MODULE.glob("docs/*.md"))]:
            text = re.sub(
                r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S
            )
            for italic in ITALIC.findall(text):
                phrase = " ".join(italic.split())
                for word in [phrase] if phrase in known else PATH.split(phrase):
                    seen.add(word)
                    with self.subTest(page=page.name, word=ascii(word)):
                        # Not assertIn, which would print all of them.
                        self.assertTrue(word in known or word in NO_WORDS)
        self.assertGreater(len(seen & known), 100)
        self.assertEqual((NO_WORDS | OF_ODOO) - seen, set())
