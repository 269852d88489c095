# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who changed what decides where records come from and what they cost: from, to."""

from lxml import html

from odoo import fields
from odoo.tests import new_test_user, tagged

from ..metered_case import MeteredCase

#: everything that inherits it, or whose fields are tracked
PARTS = ("metered.price.tier", "metered.rate", "metered.rate.tier")


@tagged("post_install", "-at_install")
class TestAudit(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = new_test_user(
            cls.env,
            "auditor",
            "metered_billing.group_metered_administrator,base.group_system,"
            "base.group_partner_manager",
        )
        cls.other_deck = cls.env["metered.rate.deck"].create(
            {"name": "Other Deck", "timezone": "UTC"}
        )
        cls.group = cls.env["metered.customer.group"].create(
            {"name": "Resellers", "deck_id": cls.deck.id}
        )
        cls.price = cls.env["metered.price"].create(
            {
                "name": "Data",
                "meter_id": cls.env["metered.meter"]
                .create({"name": "Data", "code": "data", "kind": "event"})
                .id,
                "charge_model": "graduated",
                "tier_ids": [
                    fields.Command.create({"first": 0, "up_to": 100}),
                    fields.Command.create({"first": 100, "unit_price": 0.5}),
                ],
            }
        )
        cls.rate = cls.deck.rate_ids[0]

    def records(self):
        """(record whose settings are changed, whose chatter tells)."""
        rate_tier = self.env["metered.rate.tier"].create(
            {
                "rate_id": self.rate.id,
                "from_second": 60,
                "price": 0.01,
                "per_seconds": 60,
                "increment": 1,
            }
        )
        return (
            (self.make_source(), None),
            (self.deck, None),
            (self.group, None),
            (self.price, None),
            (self.price.tier_ids[1], self.price),
            (self.rate, self.deck),
            (rate_tier, self.deck),
        )

    def said(self, record):
        """The chatter as text, tracked values included."""
        self.env.flush_all()
        self.env.cr.precommit.run()
        self.env.invalidate_all()
        lines = []
        for message in record.sudo().message_ids:
            if message.body:
                lines.append(html.fromstring(str(message.body)).text_content())
            lines += [
                f"{line.field_id.field_description}: {old} → {new}"
                for line in message.tracking_value_ids
                for old, new in [self.shown(line)]
            ]
        return "\n".join(lines)

    def shown(self, line):
        [values] = line._tracking_value_format()
        return values["oldValue"], values["newValue"]

    def other_value(self, record, name):
        """Another value of a field that can be stored; None where there is none."""
        field, value = record._fields[name], record[name]
        if field.type == "selection":
            values = [v for v in field.get_values(self.env) if v != value]
            return values[-1] if values else None
        if field.type in ("many2one", "many2many"):
            other = self.env[field.comodel_name].search(
                [("id", "not in", value.ids)], limit=1
            )
            if not other:
                return None
            return (
                other.id
                if field.type == "many2one"
                else [fields.Command.link(other.id)]
            )
        number = value if field.type in ("integer", "float", "monetary") else 0
        return {
            "boolean": not value,
            "integer": number + 1,
            "float": number + 1,
            "monetary": number + 1,
            "date": "2031-05-06",
            "datetime": "2031-05-06 07:08:09",
        }.get(field.type, "31" if name in ("prefix", "idd_prefixes") else "changed")

    def change(self, record, name, value, **context):
        record.with_user(self.chief).with_context(**context).write({name: value})

    def test_every_setting_a_person_can_enter(self):
        """From the registry: also those that will be added next month."""
        changed = 0
        for record, home in self.records():
            names = record._audit_names()
            self.assertTrue(names, record)
            for name in sorted(names):
                value = self.other_value(record, name)
                if value is None:
                    continue
                with self.subTest(model=record._name, field=name):
                    told = home or record
                    savepoint = self.env.cr.savepoint()
                    before = self.said(told)
                    old = record._audit_text(name)
                    try:
                        self.change(record, name, value, tracking_disable=True)
                        self.env.flush_all()
                    except Exception as error:  # noqa: BLE001
                        # What other rules refuse is not changed, and not told.
                        self.assertNotIsInstance(error, AttributeError | KeyError)
                        savepoint.rollback()
                        self.env.invalidate_all()
                        self.env.cr.precommit.clear()
                        continue
                    said = self.said(told)[: -len(before) or None]
                    new = record._audit_text(name)
                    self.assertNotEqual(old, new)
                    label = record._fields[name]._description_string(self.env)
                    self.assertIn(label, said)
                    for text in (old, new):
                        if record._fields[name].type not in ("boolean", "datetime"):
                            if text != "none":
                                self.assertIn(text.split(", ")[0], said)
                    changed += 1
                    savepoint.rollback()
                    self.env.invalidate_all()
                    self.env.cr.precommit.clear()
        self.assertGreater(changed, 100)

    def test_the_settings_of_the_issue_are_among_them(self):
        for model, names in {
            "metered.source": "address host port source_type allowed_networks username"
            " unreachable_policy store_folder http_token_address company_id active",
            "metered.rate.deck": "rounding decimals crossing timezone currency_id"
            " holiday_ids active purpose",
            "metered.rate": "price prefix connection_fee increment date_from date_to",
            "metered.price": "unit_price minimum maximum charge_model free_units",
            "metered.price.tier": "first up_to unit_price rate flat_fee",
            "metered.customer.group": "deck_id active",
        }.items():
            self.assertLessEqual(set(names.split()), self.env[model]._audit_names())
        tracked = self.env["res.partner"]._track_get_fields()
        self.assertLessEqual({"metered_deck_id", "metered_group_id"}, tracked)

    def test_the_deck_and_group_of_a_customer(self):
        customer = self.make_customer("Acme", "+14045550100")
        for context in ({}, {"tracking_disable": True}, {"mail_notrack": True}):
            ours = customer.with_user(self.chief).with_context(**context)
            ours.write(
                {"metered_deck_id": self.deck.id, "metered_group_id": self.group.id}
            )
            self.said(customer)
            ours.write({"metered_deck_id": self.other_deck.id})
            ours.write({"metered_group_id": False})
            said = self.said(customer)
            self.assertIn(f"{self.deck.name} → Other Deck", said)
            self.assertIn("Resellers → ", said)
            customer.write({"metered_deck_id": False})
            self.said(customer)
            customer.message_ids.unlink()

    def test_the_deck_of_a_company(self):
        company = self.env.company
        company.metered_deck_id = self.deck
        self.said(company)
        company.with_context(tracking_disable=True).metered_deck_id = self.other_deck
        self.assertIn(f"{self.deck.name} → Other Deck", self.said(company))

    def test_parts_that_come_and_go(self):
        self.deck.with_user(self.chief).write(
            {"rate_ids": [fields.Command.create({"prefix": "4479", "price": 0.25})]}
        )
        self.assertIn("Price: none → 0.25", self.said(self.deck))
        self.deck.rate_ids.filtered(lambda r: r.prefix == "4479").unlink()
        self.assertIn("Price: 0.25 → none", self.said(self.deck))
        rates = self.env["metered.rate"].create(
            [
                {"deck_id": self.deck.id, "prefix": f"99{at:03}", "price": 0.1}
                for at in range(50)
            ]
        )
        self.assertIn("and 30 more", self.said(self.deck))
        message = self.deck.message_ids[0]
        self.assertEqual(message.author_id, self.env.user.partner_id)
        rates.unlink()

    def test_secrets_are_told_without_their_values(self):
        source = self.make_source(source_type="http_json", api_key="first-of-all")
        source.with_user(self.chief).api_key = "second-of-all"
        source.with_user(self.chief).api_key = "env:METERED_HOME"
        source.with_user(self.chief).api_key = False
        said = self.said(source)
        self.assertEqual(said.count("API Key: "), 4)
        self.assertIn("API Key: •••••••• → ••••••••", said)
        for secret in ("of-all", "METERED_HOME"):
            self.assertNotIn(secret, said)
        self.assertIn(self.chief.partner_id, source.message_ids.mapped("author_id"))
