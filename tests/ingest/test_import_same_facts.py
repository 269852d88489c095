# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The same calls once more, under other ids or without: never charged twice unasked."""

from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.tests import tagged

from odoo.addons.metered_billing.ingest import same_facts

from ..support.metered_case import MeteredCase

NUMBER, CALLEE = "+14045550100", "+442079460120"
HEADER = "start_time,duration,caller,callee"
STARTS = tuple(f"2026-10-05 14:0{at}:0{at}" for at in range(4))


@tagged("post_install", "-at_install")
class TestImportSameFacts(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.make_customer("Acme", NUMBER, "+14045550101")

    def file(self, source, *ids, starts=STARTS, seconds=60, caller=NUMBER):
        """Import calls, a second column of ids first where there are any."""
        rows = [
            ",".join([*([text] if ids else []), start, str(seconds), caller, CALLEE])
            for text, start in zip(ids or starts, starts, strict=False)
        ]
        names = f"call_id,{HEADER}" if ids else HEADER
        return self.import_text(source, "\n".join([names, *rows, ""]))

    def outcome(self, batch):
        self.assertEqual(batch.balance, "ok")
        return batch.rated, batch.duplicates, batch.exceptions

    def test_ids_that_a_spreadsheet_wrote_anew(self):
        for first, second in (
            ("00000077", "77"),
            ("77", "77.0"),
            ("77", '" 77 "'),
            ("5f1c-ab", "{5F1C-AB}"),
            ("0", "0.0"),
        ):
            with self.subTest(second):
                source = self.make_source()
                self.file(source, first)
                self.assertEqual(self.outcome(self.file(source, second)), (0, 1, 0))

    def test_once_with_id_and_once_without(self):
        for ids in ((("77",), ()), ((), ("77",))):
            source = self.make_source()
            first = self.file(source, *ids[0], starts=STARTS[:1])
            self.assertEqual(self.outcome(first), (1, 0, 0))
            second = self.file(source, *ids[1], starts=STARTS[:1])
            self.assertEqual(self.outcome(second), (0, 0, 1))
            waiting = self.exceptions(second)
            self.assertEqual(waiting.reason, "same_id")
            self.assertIn("imported before", waiting.message)
            waiting.action_retry()
            self.assertEqual(waiting.state, "open")
            # The file again: what waits is known.
            again = self.file(source, *ids[1], starts=STARTS[:1])
            self.assertEqual(self.outcome(again), (0, 1, 0))
            waiting.action_is_other()
            self.assertEqual((waiting.state, second.rated), ("resolved", 1))
            again = self.file(source, *ids[1], starts=STARTS[:1])
            self.assertEqual(self.outcome(again), (0, 1, 0))

    def test_another_id_is_asked(self):
        source = self.make_source()
        self.file(source, *"1234")
        found = self.file(source, *"5678")
        self.assertEqual(self.outcome(found), (0, 0, 4))
        # One of them alone, or among others that are new, is one more call.
        again = self.make_source()
        self.file(again, *"1234")
        self.assertEqual(self.outcome(self.file(again, "5")), (1, 0, 0))
        # Unless its id has another form.
        self.assertEqual(self.outcome(self.file(again, "a-5")), (0, 0, 1))

    def test_without_id_and_with_more_or_fewer_digits_of_the_time(self):
        whole = ("2026-10-05 14:01:00",)
        for first, second, outcome in (
            (whole, ("2026-10-05 14:01:00.532",), (0, 1, 0)),
            (("2026-10-05 14:01:00.532",), whole, (0, 1, 0)),
            (("2026-10-05 14:01:23",), ("2026-10-05 14:01",), (0, 0, 1)),
            (("2026-10-05 14:01",), ("2026-10-05 14:01:23",), (0, 0, 1)),
            (("2026-10-05 14:01:00.1",), ("2026-10-05 14:01:00.9",), (1, 0, 0)),
            (("2026-10-05 14:01:10",), ("2026-10-05 14:01:23",), (1, 0, 0)),
        ):
            with self.subTest(first=first, second=second):
                source = self.make_source()
                self.file(source, starts=first)
                batch = self.file(source, starts=second)
                self.assertEqual(self.outcome(batch), outcome)

    def test_only_calls_of_the_same_customers_are_looked_at(self):
        """However many others there are at the times that they are shifted to."""
        self.make_customer("Beta", "+14045550199")
        first = datetime.fromisoformat(STARTS[0])
        starts = [
            str(first + timedelta(minutes=15 * quarter)) for quarter in range(-56, 57)
        ]
        others = self.file(self.make_source(), starts=starts, caller="+14045550199")
        self.assertEqual(others.rated, len(starts))
        source = self.make_source()
        self.file(source, starts=STARTS[:1])
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        read, original = [], same_facts.shifted_calls

        def shifted_calls(*given):
            before = self.records_read()
            found = original(*given)
            read.append(self.records_read() - before)
            return found

        with patch.object(same_facts, "shifted_calls", shifted_calls):
            self.file(source, starts=[STARTS[0].replace(" 14:", " 12:")])
        self.assertEqual(read, [1])

    def records_read(self):
        """How many stored records this transaction has looked at."""
        self.env.cr.execute(
            "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables"
            " WHERE relname = 'metered_cdr'"
        )
        return self.env.cr.fetchone()[0]

    def test_the_same_calls_in_another_time_zone(self):
        """Shifted by whole quarter hours, without ids: they wait, also tried again."""
        source = self.make_source()
        self.assertEqual(self.outcome(self.file(source)), (4, 0, 0))
        for hours in ("12", "15"):
            starts = [start.replace(" 14:", f" {hours}:") for start in STARTS]
            with self.subTest(hours):
                batch = self.file(source, starts=starts)
                self.assertEqual(self.outcome(batch), (0, 0, 4))
                waiting = self.exceptions(batch)
                self.assertEqual({*waiting.mapped("reason")}, {"same_id"})
                self.assertIn("another time zone", waiting[0].message)
                waiting[0].action_retry()
                self.assertEqual(waiting[0].state, "open")
        waiting[0].action_is_other()
        self.assertEqual((waiting[0].state, batch.rated), ("resolved", 1))
        again = self.file(source, starts=starts)
        self.assertEqual(self.outcome(again), (0, 4, 0))
        # By other times, by a day, or only a few of them: calls of their own.
        for starts in (
            [start.replace(":0", ":1") for start in STARTS],
            [start.replace("-05 ", "-06 ") for start in STARTS],
            [
                STARTS[0].replace(" 14:", " 18:"),
                *(f"2026-10-05 09:5{n}:07" for n in range(3)),
            ],
        ):
            with self.subTest(starts):
                self.assertEqual(
                    self.outcome(self.file(source, starts=starts)), (4, 0, 0)
                )

    def test_other_calls_are_not_asked(self):
        source = self.make_source()
        # Several at once on one trunk, in one file.
        both = self.file(source, "1", "2", starts=[STARTS[1]] * 2)
        self.assertEqual(self.outcome(both), (2, 0, 0))
        for name, values in {
            "longer": {"seconds": 61},
            "of another number": {"caller": "+14045550101"},
            "a second later": {"starts": ("2026-10-05 14:01:02",)},
            "in the same minute": {"starts": ("2026-10-05 14:01:00",)},
        }.items():
            with self.subTest(name):
                values = {"starts": STARTS[1:2], **values}
                batch = self.file(source, name, **values)
                self.assertEqual(self.outcome(batch), (1, 0, 0))

    def test_another_source_has_the_calls(self):
        one, other = self.make_source(), self.make_source(name="Carrier")
        first = self.file(one, *"1234")
        second = self.file(other, *"1235")
        self.assertEqual(self.outcome(second), (4, 0, 0))
        self.assertEqual((first.elsewhere, second.elsewhere), (0, 4))
        self.assertEqual(second.elsewhere_batch_id, first)
        self.assertTrue(second.is_charged_twice)
        said = [check.detail for check in other._checks() if not check.ok]
        self.assertIn("charged twice", "".join(said))
        first.action_undo()
        second.invalidate_recordset()
        self.assertFalse(second.is_charged_twice)
        said = [check.detail for check in other._checks() if not check.ok]
        self.assertNotIn("charged twice", "".join(said))

    def test_what_is_not_clear_is_asked_before_it_is_compared(self):
        source = self.make_source()
        self.file(source, "1", starts=STARTS[:1])
        batch = self.file(source, "1", starts=STARTS[:1], seconds="60.0")
        waiting = self.exceptions(batch)
        self.assertEqual(waiting.reason, "unclear_duration")
        column = source.column_ids.filtered(lambda c: c.target == "seconds")
        column.unit = "s"
        self.env.flush_all()
        self.env["metered.cure"]._cure_what_waits()
        self.assertEqual(waiting.state, "resolved")
        self.assertEqual(self.outcome(batch), (0, 1, 0))

    def test_an_import_that_was_undone_does_not_count(self):
        source = self.make_source()
        first = self.file(source, *"1234")
        self.assertEqual(f"{first.first_start:%M} {first.last_start:%M}", "00 03")
        first.action_undo()
        self.assertEqual(first.state, "undone")
        self.assertEqual(self.outcome(self.file(source, *"5678"))[0], 4)
