# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Credentials stay with the server that they were given for."""

from lxml import etree

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from odoo.addons.metered_billing.models.source.metered_source_secret import (
    GIVEN_FOR,
    MASK,
    SECRETS,
)

from ..support.certificates import Authority
from ..support.source_case import SourceTypeCase

AUTHORITY, OTHER_AUTHORITY = Authority().text, Authority("Other").text

#: settings of a connection that send what is given to the same server
HARMLESS = {
    "allowed_networks",
    "kafka_certificate",
    "kafka_format",
    "kafka_group",
    "kafka_mechanism",
    "kafka_start",
    "kafka_topics",
    "netsapiens_api",
    "netsapiens_authentication",
    "parallel",
    "requests_per_second",
    "store_afterwards",
    "store_done_folder",
    "store_folder",
    "store_pattern",
    "store_settle_seconds",
    "store_subfolders",
    "table_name",
    "usage_url_policy",
}
#: types whose columns must be those of their preset
PUSHED = ("events", "chargeover")


@tagged("post_install", "-at_install")
class TestCredentialsStay(SourceTypeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls.env["res.company"].create(
            {"name": "Second Telecom", "country_id": cls.usa.id}
        )
        cls.madmin = new_test_user(
            cls.env,
            "madmin",
            "metered_billing.group_metered_administrator",
            company_ids=[(6, 0, (cls.company | cls.second).ids)],
            company_id=cls.company.id,
        )

    def make(self, source_type="http_json", **values):
        return self.make_source(
            **{
                "source_type": source_type,
                "address": "https://pbx.example.com/api",
                "http_token_address": "https://login.example.com/token",
                "http_records_path": "calls",
                "host": "pbx.example.com",
                "port": 1234,
                "database": "asterisk",
                "username": "odoo",
                "client_id": "odoo",
                "store_host_key": "ssh-ed25519 AAAAold",
                "ssl_authority": AUTHORITY,
                "store_region": "eu-west-1",
                "kafka_brokers": "kafka.example.com:9092",
                # Events need the columns of their preset.
                **({"preset": source_type} if source_type in PUSHED else {}),
                "allowed_networks": "127.0.0.1",
                **dict.fromkeys(SECRETS, "of-this-server"),
                **values,
            }
        )

    def other_value(self, source, name):
        """Another value of a field than the source has."""
        field = source._fields[name]
        if name == "ssl_authority":
            return OTHER_AUTHORITY
        if field.type == "many2one":
            return self.second.id
        if field.type == "integer":
            return source[name] + 1
        if field.type == "selection":
            values = field.get_values(self.env)
            # A source of events must have their columns: it is made as one.
            others = (v for v in values if v not in (source[name], *PUSHED))
            return next(others, False)
        if name == "kafka_brokers":
            return "evil.example.com:9092"
        return "https://evil.example.com/api" if "address" in name else "other"

    def user_for(self, name):
        groups = self.env["metered.source"]._fields[name].groups or ""
        return self.chief if "group_system" in groups else self.madmin

    def test_every_field_of_every_type(self):
        Source = self.env["metered.source"]
        types = Source._fields["source_type"].get_values(self.env)
        self.assertIn("http_json", types)
        for source_type in types:
            for name in GIVEN_FOR:
                source = self.make(source_type)
                value = self.other_value(source, name)
                if not value:
                    continue  # storages of a module that is not installed
                with self.subTest(source_type=source_type, field=name):
                    self.assertEqual(set(source._get_secrets()), set(SECRETS))
                    self.chief.company_ids |= self.second
                    mine = source.with_user(self.user_for(name))
                    mine = mine.with_context(
                        allowed_company_ids=(self.company | self.second).ids
                    )
                    before = source.message_ids
                    mine.write({name: value})
                    self.assertEqual(source._get_secrets(), {})
                    for secret in SECRETS:
                        self.assertFalse(mine[secret], secret)
                        self.assertIn(mine._field_label(secret), mine.secrets_note)
                    if self.user_for(name) == self.madmin:
                        self.assertFalse(source.allowed_networks)
                    said = "".join((source.message_ids - before).mapped("body"))
                    self.assertEqual(said.count(MASK), len(SECRETS), said)
                    self.assertNotIn("of-this-server", said)

    def test_every_setting_of_a_connection_is_one_or_the_other(self):
        Source = self.env["metered.source"]
        arch = etree.fromstring(Source.get_view(view_type="form")["arch"])
        names = {
            field.get("name")
            for field in arch.xpath(
                "//page[@name='connection']//field[not(ancestor::field)]"
            )
        }
        self.assertIn("address", names)
        for name in names:
            field = Source._fields[name]
            if field.compute or field.readonly or field.type == "one2many":
                continue
            self.assertTrue(
                name in GIVEN_FOR or name in HARMLESS or name.startswith("http_"),
                f"{name}: say whether another value of it is another server",
            )
        # Of a REST API the token's address is the only one beside the address.
        self.assertEqual(
            {n for n in Source._fields if n.startswith("http_") and "address" in n},
            {"http_token_address"},
        )

    def test_what_is_the_same_server(self):
        source = self.make().with_user(self.madmin)
        for values in (
            {"address": "https://PBX.example.com:443/other/path/"},
            {"http_token_address": "https://login.example.com/other"},
            {"host": "pbx.example.com", "port": 1234},
            {"name": "Renamed", "timezone": "Europe/Paris"},
            {"http_records_path": "other"},
        ):
            source.write(values)
            self.assertEqual(set(source._get_secrets()), set(SECRETS), values)
        self.assertTrue(source.sudo().allowed_networks)
        for address in (
            "http://pbx.example.com/api",
            "https://pbx.example.com:8443/api",
            "https://pbx.example.com.evil.example/api",
            "https://pbx.example.com@evil.example/api",
            "https://[::1/api",
            "",
        ):
            source = self.make().with_user(self.madmin)
            source.address = address
            self.assertEqual(source._get_secrets(), {}, address)

    def test_new_ones_for_the_new_server(self):
        source = self.make().with_user(self.madmin)
        source.write({"address": "https://new.example.com", "api_key": "new"})
        self.assertEqual(source._get_secrets(), {"api_key": "new"})
        self.assertNotIn("api_key", source.secrets_forgotten)
        for name in set(SECRETS) - {"api_key"}:
            source[name] = "new"
        self.assertFalse(source.secrets_note)
        source.write({"address": "https://third.example.com", "password": MASK})
        self.assertEqual(source._get_secrets(), {})

    def test_the_first_host_key_is_none_that_changed(self):
        source = self.make(store_host_key=False).with_user(self.madmin)
        source.store_host_key = "ssh-ed25519 AAAAnew"
        self.assertEqual(set(source._get_secrets()), set(SECRETS))
        source.store_host_key = False
        self.assertEqual(source._get_secrets(), {})

    def test_the_first_authority_is_none_that_changed(self):
        source = self.make("asterisk_sql", ssl_authority=False).with_user(self.madmin)
        source.ssl_authority = AUTHORITY
        self.assertEqual(set(source._get_secrets()), set(SECRETS))
        source = self.make("asterisk_sql", sslmode="verify-full", ssl_authority=False)
        with Form(source.with_user(self.madmin)) as form:
            form.ssl_authority = AUTHORITY
            self.assertEqual(form.password, MASK)
        self.assertEqual(set(source._get_secrets()), set(SECRETS))

    def test_an_authority_stays_with_its_server(self):
        source = self.make("asterisk_sql").with_user(self.madmin)
        source.host = "new.example.com"
        self.assertFalse(source.ssl_authority)
        source.write({"host": "third.example.com", "ssl_authority": AUTHORITY})
        self.assertEqual(source.ssl_authority, AUTHORITY)
        for text, said in (
            ("-----BEGIN CERTIFICATE-----", "not a certificate"),
            ("nothing of the kind", "not a certificate"),
            (f"{AUTHORITY}-----BEGIN PRIVATE KEY-----", "private key"),
        ):
            with self.assertRaisesRegex(ValidationError, said):
                source.ssl_authority = text

    def test_the_form_says_so_at_once(self):
        source = self.make()
        with Form(source.with_user(self.madmin)) as form:
            self.assertEqual(form.api_key, MASK)
            with self.assertLogs("odoo.tests.form.onchange", "WARNING") as logs:
                form.address = "https://new.example.com"
            self.assertIn("Enter this again", logs.output[0])
            self.assertFalse(form.api_key)
            form.api_key = "new"
        self.assertEqual(source._get_secrets(), {"api_key": "new"})

    def test_the_test_of_a_connection_sends_nothing_elsewhere(self):
        source = self.make(http_authentication="bearer", http_records_path="x")
        mine = source.with_user(self.madmin)
        mine.address = "https://evil.example.com"
        mine.action_test_connection()
        [check] = [check for check in source.test_result if not check["ok"]]
        self.assertIn("no API key", check["detail"])

    # === NAMES OF ENVIRONMENT VARIABLES === #

    def text_fields(self):
        Source = self.env["metered.source"]
        found = [
            name
            for name, field in Source._fields.items()
            if field.type in ("char", "text")
            and (field.store or field.inverse)
            and not field.readonly
            and "group_system" not in (field.groups or "")
        ]
        self.assertLess({*SECRETS, "username", "client_id"}, set(found))
        return found

    def test_names_of_the_environment_are_no_administrators(self):
        source = self.make()
        for name in self.text_fields():
            for value in ("env:METERED_HOME", "  env:METERED_HOME"):
                with self.subTest(name=name), self.assertRaises(AccessError):
                    source.with_user(self.madmin).write({name: value})
                with self.subTest(name=name), self.assertRaises(AccessError):
                    self.env["metered.source"].with_user(self.madmin).create(
                        {"name": "x", "country_id": self.usa.id, name: value}
                    )

    def test_names_of_the_environment_stay_with_the_server_too(self):
        for name in ("password", "username", "client_id", "http_scope"):
            source = self.make()
            source.with_user(self.chief).write({name: "env:METERED_HOME"})
            source.with_user(self.madmin).name = f"Renamed for {name}"
            self.assertEqual(source[name], "env:METERED_HOME")
            source.with_user(self.madmin).host = "evil.example.com"
            self.assertFalse(source[name], name)

    def test_a_copy_has_none(self):
        copy = self.make().copy({"name": "Copy"})
        self.assertEqual(copy._get_secrets(), {})
