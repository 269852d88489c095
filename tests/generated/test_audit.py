# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who changed what decides where records come from and what they cost: from, to."""

from lxml import html

from odoo import Command, fields
from odoo.models import MAGIC_COLUMNS
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tools.discuss import Store
from odoo.addons.metered_billing.models.guard.metered_audit import BY_SWITCH

from ..support.metered_case import MeteredCase
from ..support.record_factory import MODULE, RecordFactory

#: models with fields that a person sets, and that are not told, with the reason
NOT_TOLD = {
    "metered.dispute": "its own log tells, which nobody can change",
    "metered.dispute.line": "the same",
    "metered.inbox": "records that were posted",
    "metered.source.secret": "the source says that a credential changed, and no value",
    "metered.statement.password": "the customer says that there is a new one, no value",
    "metered.sync.line": "the log of a sync",
    "metered.webhook.secret": "the webhook says that there is a new one, and no value",
    "metered.wrong.token": "counted by the endpoint",
}
#: fields of told models that are not told, with the reason
FIELDS_NOT_TOLD = {
    "metered.dispute": "its own log tells, which nobody can change",
    "metered.dispute.line": "the same",
    ("res.company", "metered_statement_font"): "a file, which decides no amount",
    ("res.partner", "metered_declaration"): "a file: its date and name are told",
    ("sale.subscription", "recurring_next_date"): "set by each renewal",
    ("metered.source", "event_sample"): "an event that is tried",
    ("metered.source", "next_sync"): "set by each sync",
    ("metered.source", "sequence"): "dragged in the list; it decides nothing",
}


@tagged("post_install", "-at_install")
class TestAudit(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.chief = new_test_user(
            cls.env,
            "auditor",
            "metered_billing.group_metered_administrator,base.group_system,"
            "base.group_partner_manager,base.group_erp_manager,"
            "product.group_product_manager,sales_team.group_sale_manager,"
            "account.group_account_manager",
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

    def audited(self):
        """Names of the models whose changes are told."""
        audit = self.env.registry["metered.audit"]
        return sorted(
            name
            for name, model in self.env.registry.items()
            if issubclass(model, audit) and not model._abstract
        )

    def records(self):
        """(record whose settings are changed, those whose chatters tell)."""
        factory = RecordFactory(self.env, self.env.company)
        deck = factory.record("metered.rate.deck")
        deck.holiday_ids = factory.record("metered.holiday")
        for name in self.audited():
            record = factory.record(name).with_env(self.env)
            yield record, record._audit_home() or record

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
        quiet = []
        for record, home in self.records():
            before_it = changed
            names = record._audit_names()
            self.assertTrue(names, record)
            for name in sorted(names):
                value = self.other_value(record, name)
                if value is None:
                    continue
                with self.subTest(model=record._name, field=name):
                    told = home[0]
                    savepoint = self.env.cr.savepoint()
                    before = self.said(told)
                    old = record._audit_text(name)
                    try:
                        with mute_logger("odoo.sql_db"):
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
            if changed == before_it:
                quiet.append(record._name)
        self.assertFalse(quiet)
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

    def test_what_depends_on_the_company_is_for_its_users(self):
        """A customer, and so its chatter, may be shared by several companies."""
        other = self.env["res.company"].create({"name": "Other"})
        group = "metered_billing.group_metered_administrator"
        stranger = new_test_user(
            self.env,
            "stranger",
            f"base.group_user,{group}",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        customer = self.make_customer("Acme", "+14045550100")
        customer.company_id = False
        self.said(customer)
        model = self.env["res.partner"]
        depending = [
            name
            for name in model._track_get_fields()
            if name.startswith("metered_") and model._fields[name].company_dependent
        ]
        self.assertIn("metered_deck_id", depending)
        before = customer.message_ids
        customer.with_user(self.chief).metered_deck_id = self.other_deck
        self.said(customer)
        messages = customer.message_ids - before
        self.assertTrue(messages.tracking_value_ids)
        for user, told in ((self.chief, True), (stranger, False)):
            shown = Store().add(messages.with_user(user)).get_result()
            self.assertEqual(self.other_deck.name in str(shown), told, user.login)

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

    # === NO SETTING IS FORGOTTEN === #

    def settings(self, model):
        """The stored fields of a model that this module brings and a person sets."""
        return {
            name
            for name, field in model._fields.items()
            if field._module == MODULE
            and field.store
            and not field.readonly
            and field.type != "one2many"
            and name not in MAGIC_COLUMNS
        }

    def test_parts_of_records_are_told(self):
        """What a person edits in lines is told by the lines."""
        for name in self.audited():
            for field in self.env[name]._fields.values():
                if field.type == "one2many" and field._module == MODULE:
                    comodel = self.env[field.comodel_name]
                    if self.settings(comodel) and comodel._name not in NOT_TOLD:
                        self.assertIn(comodel._name, self.audited())

    def test_all_that_a_transaction_changes_is_one_message(self):
        self.said(self.deck)
        before = len(self.deck.message_ids)
        ours = self.deck.with_user(self.chief)
        ours.rate_ids[0].write({"price": 0.5, "connection_fee": 0.25})
        ours.rate_ids[0].write({"increment": 7})
        ours.write(
            {"rate_ids": [fields.Command.create({"prefix": "4479", "price": 0.125})]}
        )
        said = self.said(self.deck)
        self.assertEqual(len(self.deck.message_ids), before + 1)
        for text in ("→ 0.5", "→ 0.25", "→ 7", "none → 0.125"):
            self.assertIn(text, said)

    def test_whose_a_number_is_and_was(self):
        customer = self.make_customer("Acme", "+14045550100")
        other = self.make_customer("Other", "+14045550101")
        customer.metered_identifier_ids.with_user(self.chief).partner_id = other
        for partner in customer, other:
            self.assertIn("Customer: Acme → Other", self.said(partner))

    def test_of_two_with_the_same_name_it_is_another(self):
        customer = self.make_customer("Acme", "+14045550100")
        twin = self.make_customer("Acme")
        customer.metered_identifier_ids.with_user(self.chief).partner_id = twin
        for partner in customer, twin:
            self.assertIn("Customer: Acme → Acme", self.said(partner))

    def test_what_a_switch_lists_is_in_its_own_log(self):
        customer = self.make_customer("Acme", "+14045550100")
        self.said(customer)
        before = len(customer.message_ids)
        with BY_SWITCH.said():
            self.make_identifier(customer, "+14045550102")
        self.said(customer)
        self.assertEqual(len(customer.message_ids), before)

    def test_every_model_with_settings_is_told(self):
        """What is added next month is told as well, or named with the reason."""
        audited = self.audited()
        for name, model in sorted(self.env.registry.items()):
            if model._abstract or model._transient or model._table_query:
                continue
            settings = self.settings(model)
            with self.subTest(name):
                if name not in audited:
                    self.assertEqual(bool(settings), name in NOT_TOLD, settings)
                    continue
                self.assertNotIn(name, NOT_TOLD)
                self.assertTrue(settings)
                names = self.env[name]._audit_names()
                missing = {(name, field) for field in settings - names}
                self.assertEqual(missing, missing & FIELDS_NOT_TOLD.keys())
