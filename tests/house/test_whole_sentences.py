# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A template has whole sentences: no words beside a value that is filled in.

`96 <t t-esc="left"/> left` is translated word by word, by whatever else is called
*left* and in the order of English. A sentence with a value is made where the value
is, with a placeholder.
"""

import re
from pathlib import Path
from unittest import TestCase

from lxml import etree

MODULE = Path(__file__).resolve().parents[2]
FILLED = ("t-esc", "t-out")
#: elements that stand within a sentence
INLINE = {"t", "span", "b", "i", "em", "strong", "small", "a"}
WORD = re.compile(r"[^\W\d_]{2,}")


def is_filled(node):
    """Whether an element of a sentence shows a value, itself or in what it holds."""
    return (
        isinstance(node.tag, str)
        and node.tag in INLINE
        and "d-block" not in node.get("class", "")
        and any(
            child.get(name)
            for child in node.iter(etree.Element)
            for name in FILLED
            if child.tag in INLINE
        )
    )


def fragments(root):
    """Yield the texts of a template that stand beside a value."""
    for parent in root.iter(etree.Element):
        children = [child for child in parent if isinstance(child.tag, str)]
        texts = [parent.text, *(child.tail for child in children)]
        if any(map(is_filled, children)):
            yield from (
                " ".join(text.split()) for text in texts if text and WORD.search(text)
            )


class TestWholeSentences(TestCase):
    maxDiff = None

    def test_templates(self):
        paths = sorted((MODULE / "static" / "src").rglob("*.xml"))
        paths += sorted((MODULE / "views").glob("*_templates.xml"))
        self.assertGreater(len(paths), 8)
        found = [
            f"{path.relative_to(MODULE).as_posix()}: {text}"
            for path in paths
            for text in fragments(etree.parse(path).getroot())
        ]
        self.assertEqual(found, [])

    def test_what_is_found(self):
        for arch, expected in (
            ('<p><t t-esc="x"/> left</p>', ["left"]),
            ('<p>of <b t-out="x"/> calls</p>', ["of", "calls"]),
            ('<p>About <a><t t-esc="x"/></a></p>', ["About"]),
            ('<p t-esc="x"/>', []),
            ("<p>No calls</p>", []),
            ('<div>Title<div t-esc="x"/></div>', []),
            ('<p>(<t t-esc="x"/>)</p>', []),
        ):
            with self.subTest(arch):
                self.assertEqual(list(fragments(etree.fromstring(arch))), expected)
