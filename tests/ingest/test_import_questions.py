# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a file leaves open is asked in the dialog, once, and remembered."""

import base64

from odoo.tests import Form, new_test_user, tagged

from ..support.metered_case import MeteredCase, generic_csv

NUMBERS = ("+14045550100", "+12125550199")
START = "2026-10-05 10:00:00"


@tagged("post_install", "-at_install")
class TestImportQuestions(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBERS[0])

    def wizard(self, content, source=None, name="calls.csv", user=None):
        wizard = self.env["metered.import"].with_user(user or self.env.user)
        wizard = wizard.create(
            {
                "source_id": (source or self.source).id,
                "file": base64.b64encode(content.encode()),
                "file_name": name,
            }
        )
        wizard.action_preview()
        return wizard

    def calls(self, *rows, first=0):
        """A file of calls.

        :param rows: (start, duration)
        """
        return generic_csv(
            (f"c{first + rank}", start, duration, *NUMBERS)
            for rank, (start, duration) in enumerate(rows)
        )

    def run_import(self, wizard):
        action = wizard.action_import()
        self.assertEqual(action["res_model"], "metered.batch", wizard.questions)
        batch = self.env["metered.batch"].browse(action["res_id"])
        batch._process()
        return batch

    def seconds(self, wizard):
        return [row["seconds"] for row in wizard.preview["rows"]]

    def mean(self, wizard, **meanings):
        for name, target in meanings.items():
            wizard.column_ids.filtered(lambda c, n=name: c.name == n).target = target

    def style(self, target, source=None):
        columns = (source or self.source).column_ids
        return columns.filtered(lambda c: c.target == target)[:1].style

    def test_a_clear_file_is_not_asked(self):
        wizard = self.wizard(self.calls((START, 60), (START, "0:01:30")))
        self.assertFalse(wizard.questions or wizard.assumptions or wizard.warnings)
        self.assertFalse(wizard.asked)
        self.assertIn("was found for 2 of those", wizard.customers)
        self.assertEqual(wizard.preview["proposed"], [])
        before = self.source.read()
        self.assertEqual(self.run_import(wizard).rated, 2)
        self.assertEqual(set(self.source.column_ids.mapped("style")), {""})
        self.assertEqual(self.source.file_reading, before[0]["file_reading"])

    def test_the_unit_is_asked_once(self):
        wizard = self.wizard(self.calls((START, "4:10"), (START, "0:12")))
        self.assertIn("4:10 · 0:12", wizard.questions)
        self.assertIn("Records: 2", wizard.questions)
        self.assertIn("Proposed answer: Minutes:seconds", wizard.questions)
        self.assertEqual(wizard.unit, "mm:ss")
        self.assertEqual(wizard.preview["proposed"], ["seconds"])
        self.assertEqual(self.seconds(wizard), [250, 12])
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(wizard.preview["proposed"], [])
        self.assertEqual(self.seconds(wizard), [250, 12])
        batch = self.run_import(wizard)
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [250, 12])
        self.assertEqual(self.style("seconds"), "mm:ss")
        again = self.wizard(self.calls((START, "0:05"), first=2))
        self.assertFalse(again.questions)
        self.assertEqual(self.seconds(again), [5])

    def test_nothing_is_proposed_of_what_nobody_can_tell(self):
        """Read Again leaves it open, and its records wait."""
        wizard = self.wizard(self.calls((START, "0:04"), (START, "0:12")))
        self.assertNotIn("Proposed", wizard.questions)
        wizard.action_refresh()
        self.assertIn("0:04 · 0:12", wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(
            self.exceptions(batch).mapped("reason"), ["unclear_duration"] * 2
        )
        again = self.wizard(self.calls((START, "0:04"), (START, "0:12"), first=2))
        again.unit = "h:mm"
        self.assertEqual(
            self.cdrs(self.run_import(again)).mapped("quantity"), [240, 720]
        )

    def test_another_answer_than_the_proposed_one(self):
        wizard = self.wizard(self.calls((START, "0:04")))
        with Form(wizard) as form:
            form.unit = "mm:ss"
            self.assertEqual([row["seconds"] for row in form.preview["rows"]], [4])
        self.assertEqual(self.cdrs(self.run_import(wizard)).mapped("quantity"), [4])
        self.assertEqual(self.style("seconds"), "mm:ss")

    def test_without_answers_what_is_unclear_waits(self):
        wizard = self.wizard(
            self.calls((START, "0:04"), (START, "60"), ("03/04/2026 10:00", "60"))
        )
        self.assertEqual(len(wizard.questions.split("\n")), 2)
        batch = self.run_import(wizard)
        self.assertEqual((batch.rated, batch.exceptions), (1, 2))
        self.assertEqual(
            self.exceptions(batch).mapped("reason"),
            ["unclear_duration", "unclear_time"],
        )
        self.assertFalse(self.style("seconds") or self.style("start_time"))

    def test_what_the_file_shows_is_not_asked(self):
        wizard = self.wizard(
            self.calls(("03/04/2026 10:00", 60), ("25/04/2026 10:00", 60))
        )
        self.assertFalse(wizard.questions)
        self.assertIn("25/04/2026", wizard.assumptions)
        batch = self.run_import(wizard)
        days = [f"{call.start_time:%m-%d}" for call in self.cdrs(batch)]
        self.assertEqual(days, ["04-03", "04-25"])
        self.assertEqual(self.style("start_time"), "dmy")

    def test_the_order_of_days_is_asked(self):
        wizard = self.wizard(self.calls(("03/04/2026 10:00", 60)))
        self.assertIn("03/04/2026", wizard.questions)
        wizard.date_order = "mdy"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        [call] = self.cdrs(self.run_import(wizard))
        self.assertEqual(f"{call.start_time:%m-%d}", "03-04")

    def test_a_format_is_proposed(self):
        wizard = self.wizard(self.calls(("10232026 100000", 60)))
        self.assertEqual(wizard.time_format, "%m%d%Y %H%M%S")
        wizard.action_refresh()
        self.assertEqual(self.run_import(wizard).rated, 1)

    def test_what_the_source_says_and_the_file_contradicts(self):
        self.source.column_ids.filtered(lambda c: c.target == "seconds").unit = "s"
        wizard = self.wizard(self.calls((START, "0:04")))
        self.assertIn("source setting Seconds", wizard.questions)
        wizard.unit = "s"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertIn("source setting Seconds", wizard.warnings)
        wizard.unit = "h:mm"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertEqual(self.run_import(wizard).rated, 1)

    def test_day_and_clock_in_two_columns(self):
        text = (
            "call_id,clock,date,duration,caller,callee\n"
            f"1,10:00:00,05.10.2026,60,{','.join(NUMBERS)}\n"
            f"2,10:00:00,25.10.2026,60,{','.join(NUMBERS)}\n"
        )
        wizard = self.wizard(text)
        self.mean(wizard, date="start_time", clock="start_time")
        batch = self.run_import(wizard)
        self.assertEqual(batch.rated, 2)
        columns = self.source.column_ids.filtered(lambda c: c.target == "start_time")
        self.assertEqual((columns.columns, columns.style), ("date+clock", "dmy"))
        self.assertEqual(f"{self.cdrs(batch)[0].start_time:%d.%m}", "05.10")

    def test_what_other_columns_leave_open_is_asked_before_the_import(self):
        text = f"call_id,when,Dauer,caller,callee\n1,{START},5:04,{','.join(NUMBERS)}\n"
        wizard = self.wizard(text)
        self.assertFalse(wizard.questions)
        self.mean(wizard, when="start_time", Dauer="seconds")
        self.assertEqual(wizard.action_import()["res_model"], "metered.import")
        self.assertIn("5:04", wizard.questions)
        self.assertEqual(
            wizard.column_ids.filtered(lambda c: c.name == "Dauer").target, "seconds"
        )
        wizard.action_refresh()
        batch = self.run_import(wizard)
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [304])

    def test_duration_of_two_times(self):
        text = (
            "call_id,start_time,ended,caller,callee\n"
            f"1,{START},2026-10-05 10:01:30,{','.join(NUMBERS)}\n"
        )
        wizard = self.wizard(text)
        self.mean(wizard, ended="end_time")
        self.assertEqual(self.seconds(wizard), [90])
        self.assertEqual(self.run_import(wizard).rated, 1)

    def test_who_pays_is_asked(self):
        self.source.payer_ids.unlink()
        wizard = self.wizard(self.calls((START, 60)))
        self.assertIn("Who pays for this usage?", wizard.questions)
        self.assertEqual(
            (wizard.payer_column_id.name, wizard.payer_kind), ("caller", "number")
        )
        self.assertIn("was found for 0 of those", wizard.customers)
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.assertIn("was found for 1 of those", wizard.customers)
        self.assertEqual(self.run_import(wizard).rated, 1)
        self.assertEqual(len(self.source.payer_ids), 1)

    def test_nobody_is_named(self):
        calls = [(f"n{n}", START, 60, "+14045559999", NUMBERS[1]) for n in range(3)]
        wizard = self.wizard(generic_csv(calls))
        self.assertFalse(wizard.questions)
        self.assertIn("+14045559999 (Phone number) ×3", wizard.customers)

    def test_direction_words(self):
        rows = "".join(
            f"{n},{START},60,{','.join(NUMBERS)},{word}\n"
            for n, word in enumerate(("ausgehend", "Ausgehend", "in", "quer"))
        )
        wizard = self.wizard(
            "call_id,start_time,duration,caller,callee,direction\n" + rows
        )
        self.assertIn("ausgehend", wizard.questions)
        self.assertEqual(
            wizard.word_ids.mapped(lambda w: (w.word, w.count, w.direction)),
            [("ausgehend", 2, "outbound"), ("quer", 1, False)],
        )
        wizard.word_ids[1].direction = "internal"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        self.run_import(wizard)
        self.assertEqual(
            self.source._remembered_words(),
            {"ausgehend": "outbound", "quer": "internal"},
        )

    def test_records_without_direction_among_others(self):
        header = "call_id,start_time,duration,caller,callee,direction\n"
        numbers = ",".join(NUMBERS)

        def rows(first, *words):
            return header + "".join(
                f"{first}{n},{START},{60 + n},{numbers},{word}\n"
                for n, word in enumerate(words)
            )

        self.assertFalse(self.wizard(rows("a", "", "")).questions)
        wizard = self.wizard(rows("b", "Local", "out", ""))
        self.assertEqual(
            wizard.word_ids.mapped(lambda w: (w.word, w.count, w.direction)),
            [("Local", 1, False), ("(empty)", 1, False)],
        )
        self.assertIn("(empty)", wizard.questions)
        wizard.word_ids[0].direction = "internal"
        wizard.word_ids[1].direction = "outbound"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual((batch.rated, batch.not_billable), (2, 1))
        self.assertFalse(self.wizard(rows("c", "", "out", "local")).questions)

    def test_warnings(self):
        calls = [("same", START, n, *NUMBERS) for n in range(6)]
        wizard = self.wizard(generic_csv(calls))
        self.assertIn("are not unique: 5 of 6", wizard.warnings)
        calls = [
            (f"1791187200.{n}", "2026-10-05 10:00:00", 60, *NUMBERS) for n in range(6)
        ]
        wizard = self.wizard(generic_csv(calls))
        self.assertIn("start times 2 hours earlier", wizard.warnings)

    def test_quantities(self):
        meter = self.env["metered.meter"].create(
            {"name": "Energy", "code": "kwh", "kind": "event"}
        )
        source = self.make_source("usage", name="Meters", meter_id=meter.id)
        self.make_identifier(self.customer, "key-1", kind="key")
        header = "id;time;identifier;quantity\n"
        wizard = self.wizard(f"{header}1;{START};key-1;1,234\n", source)
        self.assertIn("1,234", wizard.questions)
        self.assertEqual(wizard.preview["proposed"], [])
        wizard.decimal_sign = "comma"
        wizard.action_refresh()
        self.assertFalse(wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(self.cdrs(batch).mapped("quantity"), [1.234])
        self.assertEqual(self.style("quantity", source), "comma")
        source.column_ids.filtered(lambda c: c.target == "quantity").style = False
        shown = self.wizard(
            f"{header}2;{START};key-1;1,234\n3;{START};key-1;0,5\n", source
        )
        self.assertFalse(shown.questions)
        self.assertIn("Comma", shown.assumptions)

    def test_how_the_file_is_written_is_remembered(self):
        text = "a,b,c,d,e\n" + self.calls((START, 60))
        text = text.replace(",", "~").replace("+", "")
        wizard = self.wizard(text)
        self.assertEqual(wizard.records, 2)
        with Form(wizard) as form:
            form.delimiter = "other"
            form.other_delimiter = "~"
            form.skip_lines = 1
            form.has_header = True
        wizard.action_refresh()
        self.assertEqual(wizard.records, 1)
        self.assertEqual(self.run_import(wizard).records, 1)
        self.assertEqual(
            (self.source.file_reading, self.source.file_delimiter), ("set", "~")
        )
        again = self.wizard(text.replace("c0", "c9"))
        self.assertEqual((again.delimiter, again.other_delimiter), ("other", "~"))

    def test_who_may_not_change_the_source(self):
        user = new_test_user(
            self.env, login="op", groups="metered_billing.group_metered_user"
        )
        wizard = self.wizard(
            self.calls(
                (START, "0:04"), ("03/04/2026 10:00", 60), ("25/04/2026 10:00", 9)
            ),
            user=user,
        )
        self.assertFalse(wizard.can_answer)
        self.assertEqual(len(wizard.questions.split("\n")), 1)
        self.assertIn("25/04/2026", wizard.assumptions)
        wizard.action_refresh()
        self.assertTrue(wizard.questions)
        batch = self.run_import(wizard)
        self.assertEqual(batch.exceptions, 1)
        self.assertFalse(self.style("seconds") or self.style("start_time"))
