# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The README's way to the first invoice is, word for word, what the tours do.

The tours check that what is bold is what they click and fill in, in its order, and what
it is called on the screen; tests/screen/test_dashboard_tours.py starts them.
"""

import re
import unittest
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2]
README = (MODULE / "README.md").read_text("utf-8")
TOURS = (MODULE / "static/tests/tours/onboarding.js").read_text("utf-8")
#: heading of the list, tour, the tour's limit
WAYS = (
    ("## Your first invoice", "metered_billing_onboarding", "MOST_CLICKS"),
    ("### Other usage", "metered_billing_onboarding_usage", "MOST_CLICKS_OF_USAGE"),
)


def section(heading):
    """What stands below a heading, up to the next one."""
    [text] = re.findall(rf"^{heading}\n(.*?)(?=^#)", README, re.M | re.S)
    return text


def steps_of_readme(heading):
    """The first paragraphs of a numbered list, each on one line."""
    steps = re.findall(r"^\d+\. (.*?)\n(?=\n|\d+\. )", section(heading), re.M | re.S)
    return [" ".join(step.split()) for step in steps]


def steps_of_tour(name):
    """The texts that a tour follows."""
    [tour] = re.findall(rf'\.add\("{name}", \{{(.*?)^\}}\);', TOURS, re.M | re.S)
    return re.findall(r'\[\s*"(\*[^"]*)",', tour)


class TestFirstInvoice(unittest.TestCase):
    def test_the_tour_follows_the_readme(self):
        for heading, tour, _limit in WAYS:
            with self.subTest(heading):
                steps = steps_of_readme(heading)
                self.assertEqual(len(steps), 7)
                self.assertEqual(steps, steps_of_tour(tour))

    def test_every_step_has_something_to_do(self):
        for heading, _tour, _limit in WAYS:
            for step in steps_of_readme(heading):
                with self.subTest(step):
                    self.assertRegex(step, r"^\*[\w ]+\*: .*\*\*[\w ]+\*\*.*\.$")

    def test_clicks(self):
        for heading, _tour, limit in WAYS:
            with self.subTest(heading):
                [said] = re.findall(r"takes (\d+) clicks", section(heading))
                [most] = re.findall(rf"^const {limit} = (\d+);", TOURS, re.M)
                self.assertEqual(said, most)
