# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a record means: rules and payer steps speak of mapped facts, words are asked."""

from odoo import Command
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..support.metered_case import MeteredCase

NUMBER = "+14045550100"
#: a layout whose names are nobody's
FOREIGN = {
    "call_id": "Ref",
    "start_time": "When",
    "seconds": "Talk",
    "caller": "A-Number",
    "callee": "B-Number",
    "direction": "Communication Type",
}


class FactsCase(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", NUMBER)

    def map_columns(self, source, names=None):
        source.column_ids = [
            Command.clear(),
            *(
                Command.create({"target": target, "columns": name})
                for target, name in (names or FOREIGN).items()
            ),
        ]

    def import_foreign(self, source, *rows):
        """Import rows of (direction, caller, callee), each with an id and a time."""
        lines = [",".join(FOREIGN.values())]
        for at, (direction, caller, callee) in enumerate(rows):
            moment = f"2026-10-05 10:{at:02}:00"
            lines.append(f"{at},{moment},60,{caller},{callee},{direction}")
        return self.import_text(source, "\n".join(lines) + "\n")

    def told(self, batch):
        """(direction, charged) of the records of an import."""
        return [
            (cdr.direction, cdr.state == "rated" and round(cdr.charge, 4))
            for cdr in self.cdrs(batch)
        ]


@tagged("post_install", "-at_install")
class TestImportFacts(FactsCase):
    def test_rules_speak_of_the_direction_whatever_the_column_is_called(self):
        self.map_columns(self.source)
        batch = self.import_foreign(
            self.source,
            ("Inbound", "+442079460120", NUMBER),
            ("Internal", NUMBER, "+14045550101"),
            ("Outbound", NUMBER, "+442079460120"),
        )
        self.assertEqual(
            self.told(batch),
            [("inbound", False), ("internal", False), ("outbound", 0.06)],
        )
        self.assertEqual(
            self.cdrs(batch)[:2].rule_id.mapped("name"), ["Inbound", "Internal"]
        )

    def test_rules_that_were_made_before_on_the_column_hold_too(self):
        """Of a file without such a column, they speak of what is mapped."""
        self.map_columns(self.source)
        rule = self.source.rule_ids.filtered(lambda r: r.name == "Inbound")
        rule.condition_ids.write({"fact": False, "column": "direction"})
        batch = self.import_foreign(self.source, ("Inbound", "+442079460120", NUMBER))
        self.assertEqual(self.told(batch), [("inbound", False)])

    def test_the_former_rules_of_the_preset_are_made_rules_on_the_direction(self):
        model = self.env["metered.source.rule.condition"]
        condition = self.source.rule_ids[0].condition_ids
        condition.write(
            {
                "fact": False,
                "column": "direction",
                "operator": "matches",
                "value": r"(?i)^\s*(?:inbound|in|incoming|term|terminating)\s*$",
            }
        )
        own = model.create(
            {
                "rule_id": condition.rule_id.id,
                "column": "direction",
                "operator": "matches",
                "value": "^x$",
            }
        )
        self.env.flush_all()
        model.init()
        self.env.invalidate_all()
        self.assertEqual(
            (condition.fact, condition.column, condition.operator, condition.value),
            ("direction", False, "is", "inbound"),
        )
        self.assertEqual((own.fact, own.column), (False, "direction"))

    def test_rules_on_seconds_and_numbers(self):
        self.map_columns(self.source)
        self.source.rule_ids = [
            Command.create(
                {
                    "name": "Short",
                    "sequence": -1,
                    "condition_ids": [
                        Command.create(
                            {"fact": "seconds", "operator": "below", "value": "61"}
                        ),
                        Command.create(
                            {"fact": "callee", "operator": "like", "value": "+44*"}
                        ),
                    ],
                }
            )
        ]
        batch = self.import_foreign(
            self.source,
            ("", NUMBER, "+442079460120"),
            ("", NUMBER, "+14045550199"),
        )
        self.assertEqual(self.told(batch), [("outbound", False), ("outbound", 0.06)])

    def test_a_mapped_number_identifies_the_customer(self):
        """The generic preset, and nothing but the columns of the dialog changed."""
        self.map_columns(self.source)
        batch = self.import_foreign(
            self.source,
            ("Outbound", " 404 555 0100 ", "+442079460120"),
            ("Outbound", "+14045559999", "+442079460120"),
        )
        self.assertEqual(self.cdrs(batch).partner_id, self.customer)
        [lost] = self.exceptions(batch)
        self.assertEqual(
            (lost.reason, lost.detail), ("unknown_customer", "number +14045559999")
        )

    def test_steps_on_a_column_that_is_called_otherwise(self):
        self.map_columns(self.source)
        self.source.payer_ids = [
            Command.clear(),
            Command.create({"column": "caller", "kind": "number"}),
        ]
        batch = self.import_foreign(self.source, ("", NUMBER, "+442079460120"))
        self.assertEqual(self.cdrs(batch).partner_id, self.customer)

    def test_something_has_to_be_named(self):
        for record in (self.source.payer_ids[2], self.source.rule_ids[0].condition_ids):
            with self.subTest(record._name), self.assertRaises(ValidationError):
                record.write({"fact": False, "column": False})

    def test_blanks_around_identifiers_and_words(self):
        partner = self.make_customer("Spaces")
        self.make_identifier(partner, "5300", "account_code")
        text = (
            "call_id,start_time,duration,caller,callee,direction,account\n"
            "1,2026-10-05 10:00:00,60, +14045550100,+442079460120 , Outbound , 5300\n"
            "2,2026-10-05 10:00:01,60,x,+442079460120,outbound,5300 \n"
            '3,2026-10-05 10:00:02,60,x,+442079460120,"\toutbound","\t5300"\n'
        )
        batch = self.import_text(self.source, text)
        self.assertEqual(batch.exceptions, 0)
        self.assertEqual(self.cdrs(batch).partner_id, partner)


@tagged("post_install", "-at_install")
class TestDirectionWords(FactsCase):
    def test_an_unknown_word_is_an_exception_until_it_is_known(self):
        self.map_columns(self.source)
        batch = self.import_foreign(
            self.source,
            ("Kommend", "+442079460120", NUMBER),
            ("gehend ", NUMBER, "+442079460120"),
            ("Outbound", NUMBER, "+442079460120"),
            ("out", NUMBER, "+442079460120"),
        )
        self.assertEqual(self.told(batch), [("outbound", 0.06)] * 2)
        waiting = self.exceptions(batch)
        self.assertEqual(
            [(e.reason, e.detail, e.state) for e in waiting],
            [
                ("unknown_direction", "Kommend", "open"),
                ("unknown_direction", "gehend", "open"),
            ],
        )
        self.assertIn("Kommend", waiting[0].message)
        self.source._remember_words({"KOMMEND": "inbound"})
        self.env.cr.precommit.run()
        self.assertEqual(waiting.mapped("state"), ["resolved", "open"])
        self.source.word_ids = [
            Command.create({"word": "Gehend", "direction": "outbound"})
        ]
        self.env.cr.precommit.run()
        self.assertEqual(waiting.mapped("state"), ["resolved", "resolved"])
        self.assertEqual(self.told(batch)[:2], [("inbound", False), ("outbound", 0.06)])
        self.assertEqual(batch.balance, "ok")
        self.assertIn("Gehend", "".join(self.source.message_ids.mapped("body")))

    def test_a_rule_that_tells_the_direction_or_does_not_charge_is_enough(self):
        self.map_columns(self.source)
        self.source.rule_ids = [
            Command.create(
                {
                    "name": name,
                    "sequence": -1,
                    "outcome": outcome,
                    "direction": direction,
                    "condition_ids": [
                        Command.create(
                            {"fact": "callee", "operator": "is", "value": callee}
                        )
                    ],
                }
            )
            for name, outcome, direction, callee in (
                ("Told", "billable", "outbound", "+442079460120"),
                ("Free", "not_billable", False, "+442079460121"),
                ("Charged", "billable", False, "+442079460122"),
            )
        ]
        batch = self.import_foreign(
            self.source,
            ("?", NUMBER, "+442079460120"),
            ("?", NUMBER, "+442079460121"),
            ("?", NUMBER, "+442079460122"),
        )
        self.assertEqual(self.told(batch), [("outbound", 0.06), ("outbound", False)])
        self.assertEqual(self.exceptions(batch).mapped("line"), [4])

    def test_not_charged_because_of_the_direction_is_no_reason(self):
        self.map_columns(self.source)
        self.source.rule_ids[0].condition_ids.write(
            {"operator": "is not", "value": "outbound"}
        )
        batch = self.import_foreign(self.source, ("?", NUMBER, "+442079460120"))
        self.assertEqual(self.exceptions(batch).mapped("reason"), ["unknown_direction"])

    def test_a_cell_that_says_nothing_among_others_waits(self):
        self.map_columns(self.source)
        alone = self.make_source()
        self.map_columns(alone)
        nothing = self.import_foreign(
            alone, ("", NUMBER, "+442079460120"), (" ", NUMBER, "+442079460121")
        )
        self.assertEqual(self.told(nothing), [("outbound", 0.06)] * 2)
        batch = self.import_foreign(
            self.source,
            ("missed", NUMBER, "+442079460122"),
            ("out", NUMBER, "+442079460123"),
            (" ", NUMBER, "+442079460124"),
        )
        [waiting] = self.exceptions(batch)
        self.assertEqual(
            (waiting.reason, waiting.detail), ("unknown_direction", "(empty)")
        )
        # Alone it is no clearer.
        waiting.action_retry()
        self.assertEqual(waiting.state, "open")
        self.source._remember_words({"(empty)": "inbound"})
        self.env.cr.precommit.run()
        self.assertEqual(waiting.state, "resolved")
        self.assertEqual(
            self.told(batch),
            [("inbound", False), ("outbound", 0.06), ("inbound", False)],
        )

    def test_a_rule_that_tells_the_direction_is_enough_for_an_empty_one(self):
        self.map_columns(self.source)
        self.source.rule_ids = [
            Command.create({"name": "All", "sequence": -1, "direction": "outbound"})
        ]
        batch = self.import_foreign(
            self.source, ("in", NUMBER, "+44207946012"), ("", NUMBER, "+44207946013")
        )
        self.assertEqual(batch.exceptions, 0)

    def test_words_of_a_source_are_its_own_and_once_each(self):
        self.source._remember_words({"Uit": "outbound"})
        self.source._remember_words({" uit": "internal"})
        self.assertEqual(
            self.source.word_ids.mapped(lambda w: (w.word, w.direction)),
            [("Uit", "internal")],
        )
        self.assertFalse(self.make_source().word_ids)
        self.assertEqual(self.make_source("fusionpbx").word_ids.word, "local")
        self.assertEqual(self.source.copy().word_ids.word, "Uit")
        with self.assertRaises(ValidationError):
            self.source.word_ids.word = " "


@tagged("post_install", "-at_install")
class TestInternalCalls(FactsCase):
    def extensions(self, partner, *values):
        for value in values:
            self.make_identifier(partner, str(value), "extension")

    def import_extensions(self, source, *rows):
        """Import rows of (account, caller, callee, direction)."""
        lines = ["call_id,start_time,duration,caller,callee,account,direction"]
        for at, (account, caller, callee, direction) in enumerate(rows):
            lines.append(
                f"{at},2026-10-05 10:{at // 60:02}:{at % 60:02},60,"
                f"{caller},{callee},{account},{direction}"
            )
        return self.import_text(source, "\n".join(lines) + "\n")

    def test_extensions_that_call_each_other(self):
        """101 is the British police, 112 the emergency call, 114 freephone in France:
        not between extensions of one customer."""
        self.make_identifier(self.customer, "acme", "account_code")
        self.extensions(self.customer, *range(101, 200))
        batch = self.import_extensions(
            self.source,
            *(("acme", 101, callee, "outbound") for callee in range(101, 200)),
        )
        self.assertEqual(set(self.told(batch)), {("internal", False)})
        self.assertEqual((batch.not_billable, batch.exceptions), (99, 0))
        self.assertEqual(set(self.cdrs(batch).rule_id.mapped("name")), {"Internal"})

    def test_as_short_as_the_extension_that_calls(self):
        self.make_identifier(self.customer, "acme", "account_code")
        batch = self.import_extensions(
            self.source,
            ("acme", 150, 101, "outbound"),
            ("acme", 150, 114, "outbound"),
            ("acme", 150, 911, "outbound"),
            ("acme", 150, 411, "outbound"),
            ("acme", 150, 2001, "outbound"),
            ("acme", NUMBER, 101, "outbound"),
        )
        self.assertEqual(
            self.told(batch),
            [("internal", False)] * 2 + [("outbound", 0.06)] * 2,
        )
        self.assertEqual(
            [(e.reason, e.detail) for e in self.exceptions(batch)],
            [("no_destination", "2001"), ("no_destination", "101")],
        )

    def test_as_short_as_the_extensions_of_the_source(self):
        self.extensions(self.make_customer("Other"), 201)
        batch = self.import_extensions(
            self.source, ("", NUMBER, 101, ""), ("", NUMBER, 911, "")
        )
        self.assertEqual(self.told(batch), [("internal", False), ("outbound", 0.06)])

    def test_an_extension_of_somebody_else_is_not_the_customers_own(self):
        self.extensions(self.make_customer("Other"), 911)
        batch = self.import_extensions(self.source, ("", NUMBER, 911, ""))
        self.assertEqual(self.told(batch), [("outbound", 0.06)])
        self.extensions(self.customer, 411)
        batch = self.import_extensions(self.make_source(), ("", NUMBER, 411, ""))
        self.assertEqual(self.told(batch), [("internal", False)])

    def test_short_codes_count_at_home(self):
        home = self.make_source(country_id=self.env.ref("base.uk").id)
        batch = self.import_extensions(home, ("", NUMBER, 101, ""))
        self.assertEqual(
            self.cdrs(batch).destination_id.name, "United Kingdom - Toll-free"
        )

    def test_inbound_from_an_extension(self):
        self.make_identifier(self.customer, "acme", "account_code")
        self.extensions(self.customer, 102)
        self.source.rule_ids.filtered(lambda r: r.name == "Inbound").unlink()
        batch = self.import_extensions(
            self.source, ("acme", 102, 150, "inbound"), ("acme", NUMBER, 150, "inbound")
        )
        self.assertEqual(
            [direction for direction, _charge in self.told(batch)],
            ["internal", "inbound"],
        )


@tagged("post_install", "-at_install")
class TestIdsThatContainTheTime(FactsCase):
    def checks(self, source):
        return [
            (check.ok, check.detail)
            for check in source._checks()
            if check.name == "Clock"
        ]

    def test_a_time_zone_that_the_ids_contradict(self):
        """Asterisk's uniqueid is the epoch second at which the channel began."""
        for zone, count, words in (
            ("UTC", 0, ""),
            ("Europe/Vienna", 1, "start times 2 hours later than the times read in Eu"),
            (
                "America/New_York",
                1,
                "start times 4 hours earlier than the times read in Am",
            ),
        ):
            with self.subTest(zone):
                source = self.make_source(timezone=zone)
                # 2026-10-05 10:00:00 UTC
                self.import_text(
                    source,
                    "call_id,start_time,duration,caller,callee\n"
                    + "".join(
                        f"{1_791_194_400 + at}.{at},2026-10-05 10:00:{at:02},60,"
                        f"{NUMBER},+442079460120\n"
                        for at in range(20)
                    ),
                )
                found = self.checks(source)
                self.assertEqual(len(found), count)
                self.assertIn(words, "".join(text for _ok, text in found))
