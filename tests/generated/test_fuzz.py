# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Changed files and answers through all that reads them; ``./dev fuzz`` goes on."""

import random
import tempfile
from unittest import TestCase

from odoo.addons.metered_billing.connectors.files import SourceFileError
from odoo.addons.metered_billing.connectors.interface import CONNECTORS, HttpConnector
from odoo.addons.metered_billing.tests.support.fuzzing import (
    Target,
    attempt,
    changed,
    fuzz,
    smallest,
    targets,
)

INPUTS = 3000
MOST_SECONDS = 60  # of the processor
#: connectors that no JSON is answered to, and what of theirs is tried instead
OTHERS = {
    "file_store": "its files are read as all are",
    "asterisk_sql": "a database answers it",
    "kafka": "its messages are made by hypothesis: connectors/test_kafka_messages.py",
}


class TestFuzz(TestCase):
    def test_results_or_own_errors(self):
        number, failures = fuzz("ci", INPUTS, MOST_SECONDS)
        self.assertFalse(failures, "\n\n".join(map(str, failures)))
        # On a slow machine there are fewer, and of each reader some.
        self.assertGreater(number, 500)

    def test_all_that_reads_is_tried(self):
        with tempfile.TemporaryDirectory() as folder:
            found = targets(folder)
        for key, kind in CONNECTORS.items():
            if issubclass(kind, HttpConnector):
                self.assertIn(f"answers to {key}", found)
            else:
                self.assertIn(key, OTHERS, "say how it is tried")

    def test_samples_are_right(self):
        """What is changed is what can be read: each target has such a sample."""
        with tempfile.TemporaryDirectory() as folder:
            for name, target in targets(folder).items():
                with self.subTest(name):
                    for sample in target.samples:
                        self.assertIsNone(attempt(target, sample, "0"))

    def test_a_fault_is_found_and_made_small(self):
        def read(data, _chance):
            if b"\xff" in data:
                raise IndexError(data)
            if b"a" in data:
                raise SourceFileError("The file is of no kind that is known.")

        target = Target([b"abc" * 100], read)
        chance = random.Random(1)
        for number in range(2000):
            data = changed(target.samples[0], target.samples, chance)
            if attempt(target, data, number):
                break
        self.assertIn("IndexError", attempt(target, data, number))
        self.assertEqual(smallest(target, data, number), b"\xff")

    def test_an_error_of_ours_has_a_sentence(self):
        def read(data, _chance):
            raise SourceFileError(data.decode())

        target = Target([], read)
        self.assertIsNone(attempt(target, b"The file is empty.", 0))
        for text in (b"", b"oops", b"a <class 'int'> instead of a text", b"a" * 5000):
            self.assertIn("no sentence for people", attempt(target, text, 0))

    def test_memory_and_time_are_counted(self):
        def read(data, _chance):
            return (b"b" * (100 * 2**20)).count(b"a")

        self.assertIn("TooMuch", attempt(Target([], read), b"", 0))
