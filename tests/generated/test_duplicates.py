# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Duplicate, which every form offers, works for whoever may create such a record."""

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..support.record_factory import RecordFactory, models_of_module

ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: what cannot be there twice as it is, and what about it: the database says so
ONCE = {
    "metered.destination": "its prefixes",
    "metered.event.type": "its name",
    "metered.fraud.limit": "whose it is",
    "metered.holiday": "its day",
    "metered.identifier": "whose it is",
    "metered.invoice.floor": "whose it is",
    "metered.measured.service": "whose it is",
    "metered.meter": "its code",
    "metered.rate": "when it is valid",
    "metered.rate.tier": "where it begins",
    "metered.reading": "its moment",
    "metered.register": "its device",
    "metered.register.factor": "its first day",
    "metered.retention.rule": "its data",
    "metered.source.word": "its word",
    "metered.statement.country": "its country",
    "metered.source.account": "its name on the switch",
}
#: what no duplicate of a source may know
NOT_COPIED = ("allowed_networks", "store_code", "token_ids", "test_result")


@tagged("post_install", "-at_install")
class TestDuplicates(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        cls.company = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.chief = new_test_user(
            cls.env,
            "chief",
            ADMINISTRATOR,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        factory = RecordFactory(cls.env, cls.company)
        cls.records = {
            name: factory.record(name)
            for name in models_of_module(cls.env, transient=False)
            if cls.env(user=cls.chief)[name].has_access("create")
        }
        cls.env.flush_all()

    @mute_logger("odoo.sql_db")
    def test_who_may_create_may_duplicate(self):
        self.assertGreater(len(self.records), 10)
        for name, record in self.records.items():
            mine = self.env(user=self.chief)[name].browse(record.id)
            with self.subTest(name), self.env.cr.savepoint():
                try:
                    with self.env.cr.savepoint():
                        self.assertTrue(mine.copy())
                        self.env.flush_all()
                except (UserError, IntegrityError) as error:
                    self.assertIn(name, ONCE, str(error))

    def test_a_duplicate_of_a_source_knows_no_secrets(self):
        source = self.records["metered.source"].sudo()
        source.write(
            {
                "source_type": "http_json",
                "address": "https://pbx.example.com",
                "allowed_networks": "127.0.0.1",
                "api_key": "s3cr3t",
            }
        )
        copied = self.env(user=self.chief)["metered.source"].browse(source.id).copy()
        self.assertEqual(copied.address, source.address)
        self.assertFalse(copied.sudo()._get_secrets())
        for name in NOT_COPIED:
            self.assertFalse(copied.sudo()[name], name)
