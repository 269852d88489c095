# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The examples of rating/README.md are run, and rating/ exports what it says."""

import datetime
import doctest
import re
from pathlib import Path
from unittest import TestCase

import numpy as np
import pandas as pd

from odoo.addons.metered_billing import rating

README = Path(rating.__file__).with_name("README.md")


class TestReadme(TestCase):
    def test_examples(self):
        text = README.read_text(encoding="utf-8")
        # a fence would be taken for output
        text = re.sub(r"^```.*$", "", text, flags=re.MULTILINE)
        names = {"rating": rating, "np": np, "pd": pd, "datetime": datetime}
        examples = doctest.DocTestParser().get_doctest(
            text, names, "README", str(README), 0
        )
        self.assertGreater(len(examples.examples), 40)
        problems = []
        runner = doctest.DocTestRunner(verbose=False)
        runner.run(examples, out=problems.append)
        self.assertEqual("".join(problems), "")

    def test_names_are_there_and_have_docstrings(self):
        named = set(re.findall(r"rating\.([A-Za-z_]+)", README.read_text("utf-8")))
        self.assertEqual(named - set(rating.__all__), set())
        for name in rating.__all__:
            thing = getattr(rating, name)
            if callable(thing):
                self.assertTrue(thing.__doc__, name)
