# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The same id is not yet the same call, and no id is not yet another one."""

from odoo.tests import tagged

from ..support.metered_case import MeteredCase

START = "2026-10-05 10:00:00"
NUMBER = "+14045550100"
CALLEE = "+442079460120"
FIRST = ("7", START, 60, NUMBER, CALLEE)
#: what is other in a call with the id of FIRST
OTHERS = {
    "start": ("7", "2026-10-06 10:00:00", 60, NUMBER, CALLEE),
    "one second later": ("7", "2026-10-05 10:00:01", 60, NUMBER, CALLEE),
    "duration": ("7", START, 95, NUMBER, CALLEE),
    "called number": ("7", START, 60, NUMBER, "+442079460121"),
    "area code": ("7", START, 60, NUMBER, "+441139460120"),
    "calling number": ("7", START, 60, "+14045550101", CALLEE),
    "a call that nobody pays": ("7", START, 60, "+14045559999", CALLEE),
}


class SameIdCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBER, "+14045550101")

    def in_chunks(self, size):
        self.patch(type(self.env["metered.batch"]), "_chunk_records", lambda self: size)

    def waiting(self, source):
        return self.env["metered.exception"].search(
            [("source_id", "=", source.id)], order="id"
        )

    def outcome(self, batch):
        self.assertEqual(batch.balance, "ok")
        return batch.rated, batch.duplicates, batch.exceptions


@tagged("post_install", "-at_install")
class TestImportSameId(SameIdCase):
    def test_another_call_in_the_file_and_in_the_next(self):
        for name, other in OTHERS.items():
            for size in (10, 1):
                with self.subTest(name, size=size):
                    self.in_chunks(size)
                    source = self.make_source()
                    batch = self.import_calls(source, FIRST, other, FIRST, other)
                    self.assertEqual(self.outcome(batch), (1, 2, 1))
                    waiting = self.waiting(source)
                    self.assertEqual(waiting.reason, "same_id")
                    self.assertEqual((waiting.record_id, waiting.line), ("7", 3))
                    again = self.import_calls(source, FIRST, other, other)
                    self.assertEqual(self.outcome(again), (0, 3, 0))
                    two = self.make_source()
                    self.import_calls(two, FIRST)
                    apart = self.import_calls(two, other, FIRST)
                    self.assertEqual(self.outcome(apart), (0, 1, 1))
                    self.assertEqual(
                        self.waiting(two).mapped("call_id"), waiting.mapped("call_id")
                    )

    def test_beside_a_record_that_waits(self):
        nobodys = ("7", START, 60, "+14045559999", CALLEE)
        batch = self.import_calls(self.source, nobodys)
        self.assertEqual(batch.exceptions, 1)
        other = self.import_calls(self.source, FIRST, nobodys)
        self.assertEqual(self.outcome(other), (0, 1, 1))
        first, second = self.waiting(self.source)
        self.assertEqual((first.reason, second.reason), ("unknown_customer", "same_id"))
        # Tried again, it does not go in before the one that was there first.
        second.action_retry()
        self.assertEqual(second.state, "open")
        self.make_identifier(self.customer, "+14045559999")
        self.env.cr.precommit.run()
        self.assertEqual((first.state, second.state), ("resolved", "open"))
        self.assertEqual((second.reason, other.rated), ("same_id", 0))

    def test_both_are_shown(self):
        self.import_calls(self.source, FIRST)
        self.import_calls(self.source, OTHERS["duration"])
        message = self.waiting(self.source).message
        for text in (
            f"7: 2026-10-05 10:00:00 UTC {NUMBER} → {CALLEE} 60 s",
            f"{NUMBER} → {CALLEE} 95 s",
        ):
            self.assertIn(text, message)

    def test_it_is_another_call(self):
        batch = self.import_calls(self.source, FIRST, OTHERS["start"])
        other = self.waiting(self.source)
        other.action_is_other()
        self.assertEqual(other.state, "resolved")
        self.assertEqual(self.outcome(batch), (2, 0, 0))
        self.assertEqual(self.cdrs(batch).mapped("call_id"), ["7", other.call_id])
        self.assertEqual(sum(self.usage(self.customer).mapped("amount")), 0.12)
        again = self.import_calls(self.source, FIRST, OTHERS["start"])
        self.assertEqual(self.outcome(again), (0, 2, 0))
        third = self.import_calls(self.source, OTHERS["duration"])
        self.assertEqual(self.outcome(third), (0, 0, 1))

    def test_a_whole_cause_at_once(self):
        batch = self.import_calls(
            self.source,
            *(
                ("1", f"2026-10-05 10:{at:02}:00", 60, NUMBER, CALLEE)
                for at in range(9)
            ),
        )
        self.assertEqual(self.outcome(batch), (1, 0, 8))
        self.env.flush_all()
        [cause] = self.env["metered.exception.cause"].search(
            [("source_id", "=", self.source.id)]
        )
        self.assertEqual((cause.records, cause.cure), (8, "other"))
        cause.action_is_other()
        self.assertEqual(self.outcome(batch), (9, 0, 0))

    def test_only_what_has_anothers_id_is_told_apart(self):
        batch = self.import_calls(self.source, ("1", START, 60, "+14045559999", CALLEE))
        self.waiting(self.source).action_is_other()
        self.assertFalse(self.waiting(self.source).is_other)
        self.assertEqual(self.outcome(batch), (0, 0, 1))

    def test_dismissed_it_does_not_come_again(self):
        self.import_calls(self.source, FIRST, OTHERS["start"])
        self.env["metered.exception.job"]._start(
            "dismiss", self.waiting(self.source)._target(), {"reason": "Test"}
        )
        again = self.import_calls(self.source, FIRST, OTHERS["start"])
        self.assertEqual(self.outcome(again), (0, 2, 0))
        self.assertEqual(self.waiting(self.source).state, "dismissed")

    def test_the_same_call_read_otherwise_is_a_duplicate(self):
        """Another country of the customer, of the source, another way to write it."""
        text = "020 7946 0120"
        account = self.env["metered.source.account"].create(
            {
                "name": "a",
                "source_id": self.source.id,
                "partner_id": self.customer.id,
                "country_id": self.env.ref("base.uk").id,
            }
        )
        self.import_calls(self.source, ("7", START, 60, NUMBER, text))
        account.country_id = self.usa
        for same in (text, CALLEE, "00442079460120", "+44 (0)20 7946-0120"):
            with self.subTest(same):
                batch = self.import_calls(self.source, ("7", START, 60, NUMBER, same))
                self.assertEqual((batch.duplicates, batch.exceptions), (1, 0))

    def test_a_fraction_of_a_second_is_no_difference(self):
        self.import_calls(self.source, FIRST)
        batch = self.import_calls(
            self.source, ("7", f"{START}.250", 60, NUMBER, CALLEE)
        )
        self.assertEqual(self.outcome(batch), (0, 1, 0))

    def test_other_usage(self):
        meter = self.make_meter("Storage", code="storage")
        source = self.make_source("usage")
        self.make_identifier(self.customer, "m1", "meter")
        head = "id,time,quantity,meter,identifier\n"
        line = f"1,{START},1.50,storage,m1\n"
        first = self.import_text(source, head + line)
        self.assertEqual(first.rated, 1, meter)
        again = self.import_text(source, head + line + line.replace("1.50", "1.5"))
        self.assertEqual(self.outcome(again), (0, 2, 0))
        other = self.import_text(source, head + line.replace("1.50", "2"))
        self.assertEqual(self.outcome(other), (0, 0, 1))
        self.waiting(source).action_is_other()
        self.assertEqual(self.outcome(other), (1, 0, 0))

    def test_undone_the_other_one_takes_its_place(self):
        first = self.import_calls(self.source, FIRST)
        other = self.import_calls(self.source, OTHERS["start"])
        first._undo()
        self.waiting(self.source).action_retry()
        self.assertEqual(self.cdrs(other).mapped("call_id"), ["7"])


@tagged("post_install", "-at_install")
class TestImportWithoutId(SameIdCase):
    HEAD = "start_time,duration,caller,callee"
    LINE = f"{START},60,{NUMBER},{CALLEE}"

    def lines(self, *lines, more=""):
        return "\n".join([self.HEAD + more, *lines]) + "\n"

    def test_the_same_calls_with_one_more_column(self):
        second = self.LINE.replace("60", "61", 1)
        first = self.import_text(self.source, self.lines(self.LINE, second))
        self.assertEqual(self.outcome(first), (2, 0, 0))
        for more, text in (
            (",note", ",x"),
            (",direction", ",outbound"),
            (",account", ",A-7"),
            (",extension", ",105"),
        ):
            with self.subTest(more):
                again = self.import_text(
                    self.source,
                    self.lines(self.LINE + text, second + text, more=more),
                )
                self.assertEqual(self.outcome(again), (0, 2, 0))

    def test_at_once_for_another_customer(self):
        """What says the same and is somebody else's may be a call of its own."""
        self.make_identifier(self.customer, "A-7", kind="account_code")
        other = self.make_customer("Other")
        self.make_identifier(other, "A-8", kind="account_code")
        line = self.LINE.replace(NUMBER, "anonymous")
        for account, outcome in (("A-7", (1, 0, 0)), ("A-8", (0, 0, 1))):
            text = self.lines(f"{line},{account}", more=",account")
            batch = self.import_text(self.source, text)
            self.assertEqual(self.outcome(batch), outcome)
        self.waiting(self.source).action_is_other()
        self.assertEqual(self.outcome(batch), (1, 0, 0))
        self.assertEqual(self.cdrs(batch).partner_id, other)
        self.assertEqual(self.outcome(self.import_text(self.source, text)), (0, 1, 0))

    def test_written_otherwise(self):
        self.import_text(self.source, self.lines(self.LINE))
        again = self.import_text(
            self.source,
            self.lines("2026-10-05T10:00:00Z,0:01:00,404-555-0100,011442079460120"),
        )
        self.assertEqual(self.outcome(again), (0, 1, 0))

    def test_other_columns_in_one_file_are_asked(self):
        for size in (10, 1):
            with self.subTest(size):
                self.in_chunks(size)
                source = self.make_source()
                text = self.lines(
                    *(f"{self.LINE},{note}" for note in "aabb"), more=",note"
                )
                batch = self.import_text(source, text)
                self.assertEqual(self.outcome(batch), (1, 2, 1))
                waiting = self.waiting(source)
                self.assertEqual((waiting.reason, waiting.line), ("same_id", 4))
                again = self.import_text(source, text)
                self.assertEqual(self.outcome(again), (0, 4, 0))
                more = self.import_text(
                    source, text.replace("note", "memo").replace(",a", ",c")
                )
                self.assertEqual(self.outcome(more), (0, 4, 0))
                waiting.action_is_other()
                self.assertEqual(self.outcome(batch), (2, 2, 0))
                self.assertEqual(
                    self.outcome(self.import_text(source, text)), (0, 4, 0)
                )

    def test_while_it_waits(self):
        line = self.LINE.replace(NUMBER, "+14045559999")
        batch = self.import_text(self.source, self.lines(line))
        self.assertEqual(batch.exceptions, 1)
        again = self.import_text(self.source, self.lines(line + ",x", more=",note"))
        self.assertEqual(self.outcome(again), (0, 1, 0))
        self.make_identifier(self.customer, "+14045559999")
        self.env.cr.precommit.run()
        self.assertEqual(batch.rated, 1)
        self.assertTrue(self.cdrs(batch).fingerprint)

    def test_stored_before_there_were_fingerprints(self):
        """By the digest of its content the very same line is still known."""
        batch = self.import_text(self.source, self.lines(self.LINE))
        self.env.cr.execute(
            "UPDATE metered_cdr SET fingerprint = NULL WHERE batch_id = %s", [batch.id]
        )
        again = self.import_text(self.source, self.lines(self.LINE))
        self.assertEqual(self.outcome(again), (0, 1, 0))

    def test_the_same_file_after_the_source_changed(self):
        self.import_text(self.source, self.lines(self.LINE))
        self.source.timezone = "Europe/Vienna"
        self.source.payer_ids.filtered(lambda s: s.kind == "extension").unlink()
        again = self.import_text(self.source, self.lines(self.LINE))
        self.assertEqual(self.outcome(again), (0, 1, 0))

    def test_blanks_are_no_id(self):
        text = "call_id," + self.lines(
            f" ,{self.LINE}", f"  ,{self.LINE.replace('60', '61', 1)}"
        )
        batch = self.import_text(self.source, text)
        self.assertEqual(self.outcome(batch), (2, 0, 0))
