# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Called numbers that can be two: asked, remembered, and what waits is cured."""

import base64

from odoo.tests import tagged

from ..support.metered_case import MeteredCase, generic_csv

CALLER, BERLIN = "+4930111222", "4930111222"
#: in Switzerland with its country code, or in Germany without its 0
OPEN = "41441234567"


@tagged("post_install", "-at_install")
class TestUnclearNumbers(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source(country_id=cls.env.ref("base.de").id)
        cls.customer = cls.make_customer("Acme", CALLER)
        for prefix, price in (("41", 0.3), ("49", 0.5)):
            cls.make_rate(cls.deck, prefix, price)

    def calls(self, *numbers):
        return [
            (f"n{at}", f"2026-10-05 10:00:{at:02}", 60, *pair)
            for at, pair in enumerate(numbers)
        ]

    def test_it_waits_until_the_source_tells(self):
        batch = self.import_calls(
            self.source, *self.calls((CALLER, OPEN), (CALLER, "030123456"))
        )
        self.assertEqual((batch.rated, batch.exceptions), (1, 1))
        waiting = self.exceptions(batch)
        self.assertEqual((waiting.reason, waiting.detail), ("unclear_number", OPEN))
        self.assertIn(OPEN, waiting.message)
        [cause] = self.env["metered.exception.cause"].search(
            [("source_id", "=", self.source.id)]
        )
        self.assertIn(OPEN, cause.display_name)
        column = self.source.column_ids.filtered(lambda c: c.target == "callee")
        column.style = "international"
        self.env.flush_all()
        self.env["metered.cure"]._cure_what_waits()
        self.assertEqual(waiting.state, "resolved")
        call = self.cdrs(batch).filtered(lambda cdr: cdr.line == waiting.line)
        self.assertEqual((call.callee, call.charge), (f"+{OPEN}", 0.3))
        # Read otherwise it is the same call.
        column.style = "national"
        again = self.import_calls(self.source, *self.calls((CALLER, OPEN)))
        self.assertEqual((again.duplicates, again.exceptions), (1, 0))

    def test_the_other_numbers_tell(self):
        batch = self.import_calls(self.source, *self.calls((BERLIN, OPEN)))
        self.assertEqual(self.cdrs(batch).mapped("callee"), [f"+{OPEN}"])

    def test_it_is_asked_once(self):
        def wizard(*numbers):
            wizard = self.env["metered.import"].create(
                {
                    "source_id": self.source.id,
                    "file": base64.b64encode(
                        generic_csv(self.calls(*numbers)).encode()
                    ),
                    "file_name": "calls.csv",
                }
            )
            wizard.action_preview()
            return wizard

        clear = wizard((CALLER, "030123456"), (CALLER, "0041441234567"))
        self.assertFalse(clear.questions)
        shown = wizard((BERLIN, OPEN))
        self.assertFalse(shown.questions)
        self.assertIn(OPEN, shown.assumptions)
        asked = wizard((CALLER, OPEN))
        self.assertIn(OPEN, asked.questions)
        self.assertFalse(asked.number_form)
        asked.number_form = "international"
        asked.action_refresh()
        self.assertFalse(asked.questions)
        batch = self.env["metered.batch"].browse(asked.action_import()["res_id"])
        batch._process()
        self.assertEqual(self.cdrs(batch).mapped("callee"), [f"+{OPEN}"])
        self.assertFalse(wizard((CALLER, OPEN)).questions)
