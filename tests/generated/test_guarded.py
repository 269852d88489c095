# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""No writing across companies, of what the program sets, or into others' dialogs.

All of it is made from the registry and the views, so that a model, a field or a dialog
that is added is tried, too. See ``metered.guarded``.
"""

import contextlib
from unittest.mock import patch

from lxml import etree
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..support.record_factory import MODULE, RecordFactory, models_of_module

USER = "metered_billing.group_metered_user"
ADMINISTRATOR = "metered_billing.group_metered_administrator"
ROLES = {
    "user": USER,
    "administrator": ADMINISTRATOR,
    "accountant": "account.group_account_manager",
    "salesperson": "sales_team.group_sale_manager",
}

#: relations that may cross companies, with the reason
MAY_CROSS = {
    ("product.template", "metered_plan_id"): "a product of all companies may have the "
    "plan of one: it is applied where that company sells it",
    ("res.company", "metered_responsible_id"): "a person of several companies",
}

#: fields that no view lets edit although they are not read-only, with the reason
NO_VIEW = {
    ("metered.calling.plan", "product_ids"): "products are edited on their own form",
    ("metered.rate.deck", "rate_ids"): "rates are edited in their own list",
    ("metered.meter", "sequence"): "dragged in the list",
    ("metered.source", "sequence"): "dragged in the list",
    ("metered.time.band", "sequence"): "dragged in the list",
    ("res.company", "metered_deck_id"): "edited in the settings",
    ("res.company", "metered_cost_deck_id"): "edited in the settings",
    ("res.company", "metered_bills"): "edited in the settings",
    ("res.company", "metered_tz"): "edited in the settings",
    ("res.company", "metered_responsible_id"): "edited in the settings",
    ("res.company", "metered_samples_months"): "edited in the settings",
    ("res.company", "metered_carry_months"): "edited in the settings",
    ("res.company", "metered_carry_year_end"): "edited in the settings",
    ("res.company", "metered_seal_days"): "edited in the settings",
    ("res.company", "metered_sealing"): "edited in the settings",
    ("res.company", "metered_sync_days"): "edited in the settings",
    ("res.company", "metered_statement_auto"): "edited in the settings",
    ("res.company", "metered_statement_items"): "edited in the settings",
    ("res.company", "metered_statement_monthly"): "edited in the settings",
    ("res.company", "metered_statement_day"): "edited in the settings",
    ("res.company", "metered_statement_font"): "edited in the settings",
    ("res.company", "metered_invoice_breakdown"): "edited in the settings",
    ("res.company", "metered_invoice_summary"): "edited in the settings",
    ("res.company", "metered_statement_mailed"): "edited in the settings",
    ("res.company", "metered_statement_mail_mb"): "edited in the settings",
    ("res.company", "metered_statement_objection"): "edited in the settings",
    ("res.company", "metered_statement_rows"): "edited in the settings",
    ("res.company", "metered_dispute_days"): "edited in the settings",
    ("res.company", "metered_dispute_deadline"): "edited in the settings",
    ("res.company", "metered_dispute_limit"): "edited in the settings",
    ("res.company", "metered_hidden_digits"): "edited in the settings",
    ("res.company", "metered_hidden_caller_digits"): "edited in the settings",
    ("res.company", "metered_pending_hours"): "edited in the settings",
    ("res.company", "metered_pending_remind_hours"): "edited in the settings",
}


def is_ours(field):
    """Whether a field is this module's."""
    return field._module == MODULE and field.name not in (
        "id",
        "display_name",
        "create_uid",
        "create_date",
        "write_uid",
        "write_date",
    )


class Undone(Exception):
    """What was tried is rolled back."""


@tagged("post_install", "-at_install")
class TestGuarded(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        cls.ours = cls.env.company
        cls.theirs = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.factory = RecordFactory(cls.env, cls.ours)
        cls.names = models_of_module(cls.env, transient=False)
        for name in cls.names:
            cls.factory.record(name)
        cls.insiders = {
            role: new_test_user(cls.env, f"our_{role}", groups)
            for role, groups in ROLES.items()
        }
        cls.strangers = {
            role: new_test_user(
                cls.env,
                f"their_{role}",
                groups,
                company_id=cls.theirs.id,
                company_ids=[Command.set(cls.theirs.ids)],
            )
            for role, groups in ROLES.items()
        }
        chief = cls.strangers["administrator"]
        cls.their_factory = RecordFactory(cls.env, cls.theirs)
        cls.their_records = {
            name: cls.their_factory.record(name)
            for name in cls.names
            if cls.env[name].with_user(chief).has_access("write")
        }
        cls.env.flush_all()

    def seen_by(self, record, user):
        """A record as a user meets it: with the user's companies, not the factory's."""
        return self.env(user=user)[record._name].browse(record.ids)

    def settable(self, model):
        """The relations of a model that its users choose, and that lead to others."""
        for field in model._fields.values():
            if (
                is_ours(field)
                and field.type in ("many2one", "many2many")
                and not field.readonly
                and (field.store or field.inverse)
                and not field.related
            ):
                yield field

    @contextlib.contextmanager
    def trying(self):
        """What happens inside is undone; bad values may be refused by the database."""
        with mute_logger("odoo.sql_db"), contextlib.suppress(Undone):
            with self.env.cr.savepoint():
                try:
                    yield
                finally:
                    self.env.invalidate_all(flush=False)
                raise Undone

    def assert_refused(self, what, do, errors=(UserError, IntegrityError)):
        """It raises an error of rights, or of companies that do not fit."""
        with self.trying():
            try:
                do()
                self.env.flush_all()
            except errors:
                return
            self.fail(f"{what}: was not refused")

    # === EVERY MODEL HAS IT === #

    def test_every_model_is_guarded(self):
        guarded = self.env.registry["metered.guarded"]
        for name, model in sorted(self.env.registry.items()):
            own = model._original_module == MODULE
            if model._abstract or (not own and model._transient):
                continue
            if own or any(
                is_ours(field) and field.store for field in model._fields.values()
            ):
                with self.subTest(name):
                    self.assertTrue(issubclass(model, guarded))

    def test_every_model_of_a_company_has_a_rule(self):
        for name in self.names:
            rules = self.env["ir.model"]._get(name).rule_ids
            rights = self.env["ir.model"]._get(name).access_ids
            if any(right.perm_read for right in rights):
                self.assertTrue(rules, f"{name} has no rule for companies")

    def test_relations_stay_in_the_company(self):
        for name, model in sorted(self.env.registry.items()):
            if model._abstract or model._transient:
                continue
            if "company_id" not in model._fields and name != "res.company":
                continue
            company = model._fields.get("company_id")
            parent = ((company and company.related) or "").split(".")[0]
            for field in self.settable(model):
                if (
                    "company_id" in self.env[field.comodel_name]._fields
                    and field.name != parent
                    and (name, field.name) not in MAY_CROSS
                ):
                    with self.subTest(model=name, field=field.name):
                        self.assertTrue(field.check_company)

    # === NOBODY POINTS OR MOVES INTO ANOTHER COMPANY === #

    def test_nobody_moves_a_record_away(self):
        tried = 0
        for name in self.names:
            record = self.their_records.get(name)
            if record is None or "company_id" not in record._fields:
                continue
            for role, user in self.strangers.items():
                mine = self.seen_by(record, user)
                with self.subTest(model=name, role=role):
                    for company in (self.ours, self.ours.browse()):
                        if record.sudo().company_id == company:
                            continue
                        tried += 1
                        self.assert_refused(
                            f"{name}.company_id",
                            lambda r=mine, c=company: r.write({"company_id": c.id}),
                        )
        self.assertGreater(tried, 20)

    def test_after_a_write_a_record_is_still_its_writers(self):
        """Also where what it is moved to could be seen: each lock holds alone."""
        guarded = self.env.registry["metered.guarded"]
        chief, tried = self.strangers["administrator"], 0
        with patch.object(guarded, "_refuse_unseen", lambda self, vals: None):
            for name, record in self.their_records.items():
                if "company_id" not in record or record._fields["company_id"].related:
                    continue
                tried += 1
                mine = self.seen_by(record, chief)
                with self.subTest(model=name):
                    self.assert_refused(
                        "write", lambda m=mine: m.write({"company_id": self.ours.id})
                    )
        self.assertGreater(tried, 5)

    def test_a_company_prices_by_its_own_decks(self):
        deck = self.factory.record("metered.rate.deck")
        owner = new_test_user(
            self.env,
            "owner",
            f"{ADMINISTRATOR},base.group_erp_manager,base.group_system",
            company_id=self.theirs.id,
            company_ids=[Command.set((self.ours | self.theirs).ids)],
        )
        for name in ("metered_deck_id", "metered_cost_deck_id"):
            with self.subTest(name), self.assertRaises(UserError):
                self.seen_by(self.theirs, owner).write({name: deck.id})

    def ways_to_point(self, record, field, target):
        """The ways in which a user can have a record point to another one."""
        name, value = field.name, target.id
        odd = [str(value), float(value), f" {value}"]
        if field.type == "many2many":
            value = [Command.link(value)]
            odd = [[Command.link(one)] for one in odd]
            odd += [[(6, 0, [str(target.id)])], [str(target.id)]]
        asked = record.browse().with_context(**{f"default_{name}": value})
        return {
            "write": lambda: record.write({name: value}),
            "create": lambda: record.browse().create({name: value}),
            "onchange": lambda: record.onchange({name: value}, [name], {name: {}}),
            "default": lambda: asked.default_get([name]),
            **{
                f"{what} {one!r}": lambda do=do, one=one: do({name: one})
                for what, do in (
                    ("write", record.write),
                    ("create", record.browse().create),
                )
                for one in odd
            },
        }

    def test_nobody_points_into_another_company(self):
        tried = 0
        for name, record in self.their_records.items():
            for field in self.settable(self.env[name]):
                target = self.target(field)
                if target is None:
                    continue
                for role, user in self.strangers.items():
                    if self.seen_by(target, user).has_access("read"):
                        # Templates of subscriptions are everybody's in Sales.
                        continue
                    tried += 1
                    mine = self.seen_by(record, user)
                    with self.subTest(model=name, field=field.name, role=role):
                        ways = self.ways_to_point(mine, field, target)
                        for what, do in ways.items():
                            self.assert_refused(what, do, AccessError)
                        self.assert_refused(
                            "copy",
                            lambda m=mine, f=field, t=target: self.copy_pointing(
                                m, f, t
                            ),
                        )
        self.assertGreater(tried, 100)

    def test_who_works_in_both_companies_mixes_nothing(self):
        """Rights are no reason to have one company's calls rated by another's deck."""
        both = new_test_user(
            self.env,
            "both",
            ADMINISTRATOR,
            company_id=self.theirs.id,
            company_ids=[Command.set((self.ours | self.theirs).ids)],
        )
        tried = 0
        dialogs = {
            name: self.env[name].browse(self.their_factory.dialog(name, both))
            for name in models_of_module(self.env, transient=True)
            if "company_id" in self.env[name]._fields
        }
        for record in dialogs.values():
            record.sudo().company_id = self.theirs
        for name, record in {**self.their_records, **dialogs}.items():
            if not self.of_company(record):
                continue
            for field in self.settable(self.env[name]):
                target = self.target(field)
                parent = (record._fields["company_id"].related or "").split(".")[0]
                if target is None or not field.check_company or field.name == parent:
                    continue
                value = target.id
                if field.type == "many2many":
                    value = [Command.link(value)]
                tried += 1
                with self.subTest(model=name, field=field.name):
                    mine = self.seen_by(record, both)
                    self.assert_refused(
                        "write", lambda m=mine, f=field, v=value: m.write({f.name: v})
                    )
        self.assertGreater(tried, 20)

    def test_no_dialog_points_at_what_its_opener_may_not_see(self):
        """By RPC a dialog can be made of anything; its buttons have more rights."""
        tried = 0
        their_dialogs = {
            (name, role): self.their_factory.dialog(name, user)
            for name in models_of_module(self.env, transient=True)
            for role, user in self.strangers.items()
        }
        for name in models_of_module(self.env, transient=True):
            fields = [
                field
                for field in self.env[name]._fields.values()
                if is_ours(field) and field.type in ("many2one", "many2many")
            ]
            for field in fields:
                if not field.store or field.related:
                    continue
                target = self.target(field)
                if target is None:
                    continue
                tried += 1
                for role, user in self.strangers.items():
                    dialogs = self.env(user=user)[name]
                    own = dialogs.browse(their_dialogs[name, role])
                    ways = self.ways_to_point(own, field, target)
                    with self.subTest(model=name, field=field.name, role=role):
                        for what, do in ways.items():
                            self.assert_refused(what, do, UserError)
        self.assertGreater(tried, 10)

    def copy_pointing(self, record, field, target):
        """Copy a record; some leave the value out of the copy, which refuses it too."""
        value = [Command.link(target.id)] if field.type == "many2many" else target.id
        if target not in record.copy({field.name: value}).sudo()[field.name]:
            raise IntegrityError("it does not point there")

    def test_no_number_without_an_end_is_taken(self):
        """PostgreSQL has NaN for a number that is not below zero."""
        chief, tried = self.strangers["administrator"], 0
        for name in models_of_module(self.env):
            numbers = [
                field.name
                for field in self.env[name]._fields.values()
                if is_ours(field) and field.type in ("float", "monetary")
                if field.store and not field.readonly
            ]
            if not numbers:
                continue
            mine = self.env(user=chief)[name]
            if mine._transient:
                mine = mine.browse(self.their_factory.dialog(name, chief))
            elif name in self.their_records:
                mine = self.seen_by(self.their_records[name], chief)
            for number in numbers:
                for value in (float("nan"), float("inf"), "nan", "-Infinity", 10**400):
                    for do in (mine.write, mine.browse().create):
                        tried += 1
                        with self.subTest(model=name, field=number, value=value):
                            with self.assertRaisesRegex(UserError, "valid number"):
                                do({number: value})
        self.assertGreater(tried, 100)

    def of_company(self, record):
        return "company_id" in record and record.sudo().company_id == self.theirs

    def target(self, field):
        """Our record that a relation could lead to; None where it is everybody's."""
        comodel = self.env[field.comodel_name]
        if comodel._transient:
            target = comodel.browse(
                self.factory.dialog(comodel._name, self.insiders["administrator"])
            )
        elif comodel._original_module == MODULE:
            target = self.factory.record(field.comodel_name)
        elif field.comodel_name in self.factory.made:
            target = self.factory.made[field.comodel_name]
        else:
            return None
        chief = self.strangers["administrator"]
        return None if self.seen_by(target, chief).has_access("read") else target

    def test_nobody_writes_deletes_or_reads_ours(self):
        for name in self.names:
            record = self.factory.record(name)
            for role, user in self.strangers.items():
                theirs = self.seen_by(record, user)
                with self.subTest(model=name, role=role):
                    if "company_id" in record and not record.company_id:
                        continue
                    self.assertFalse(theirs.has_access("read"))
                    self.assertFalse(theirs.has_access("write"))
                    self.assertFalse(theirs.has_access("unlink"))
                    if theirs.browse().has_access("read"):
                        self.assertNotIn(record.id, theirs.search([]).ids)

    # === WHAT THE PROGRAM SETS === #

    def edited_in_views(self):
        """Names of the fields that some view lets edit: dict model -> set."""
        found = {}
        for view in self.env["ir.ui.view"].search(
            [
                ("type", "in", ("form", "list", "kanban")),
                ("mode", "=", "primary"),
                ("model", "!=", False),
            ]
        ):
            if view.model in self.env:
                arch = etree.fromstring(view.get_combined_arch())
                if arch.tag != "list" or arch.get("editable") or arch.get("multi_edit"):
                    self.walk(arch, self.env[view.model], found)
        return found

    def walk(self, node, model, found):
        for child in node:
            if child.tag != "field":
                if isinstance(child.tag, str):
                    self.walk(child, model, found)
                continue
            field = model._fields.get(child.get("name"))
            if field is None:
                continue
            told = child.get("readonly")
            fixed = field.readonly if told is None else told in ("1", "True", "true")
            if not fixed:
                found.setdefault(model._name, set()).add(field.name)
                for view in child:
                    if field.relational and view.tag in ("list", "form", "kanban"):
                        self.walk(view, self.env[field.comodel_name], found)

    def parents(self):
        """The fields by which lines know their parents, which sets them."""
        return {
            (field.comodel_name, field.inverse_name)
            for model in self.env.registry.values()
            for field in model._fields.values()
            if field.type == "one2many" and is_ours(field)
        }

    def test_what_no_view_lets_edit_is_read_only(self):
        edited, parents = self.edited_in_views(), self.parents()
        unused = dict(NO_VIEW)
        for name, model in sorted(self.env.registry.items()):
            if model._abstract or model._transient:
                continue
            for field in model._fields.values():
                if (
                    not is_ours(field)
                    or field.readonly
                    or not (field.store or field.inverse)
                    or not any(
                        r.perm_write for r in self.env["ir.model"]._get(name).access_ids
                    )
                    or field.name in edited.get(name, ())
                    or (name, field.name) in parents
                    or unused.pop((name, field.name), None)
                ):
                    continue
                self.fail(
                    f"{name}.{field.name} is in no view and not read-only: whoever may "
                    "write the record may set it"
                )
        self.assertFalse(unused, "these are edited by now, or gone")

    def test_nobody_sets_what_the_program_sets(self):
        """By ``write``, ``create``, a form, an import of a file, or the context."""
        tried = 0
        targets = {
            *self.names,
            "account.move",
            "account.move.line",
            "sale.subscription",
        }
        for name in sorted(targets):
            record = self.factory.record(name)
            for field in record._fields.values():
                if not is_ours(field) or not field.readonly or not field.store:
                    continue
                before = record.sudo()[field.name]
                for role, user in self.insiders.items():
                    mine = self.seen_by(record, user)
                    if not mine.browse().has_access("write"):
                        continue
                    tried += 1
                    with self.subTest(model=name, field=field.name, role=role):
                        value = self.other_value(field)
                        self.assert_refused(
                            "write",
                            lambda m=mine, f=field, v=value: m.write({f.name: v}),
                        )
                        self.assert_refused(
                            "web_save",
                            lambda m=mine, f=field, v=value: m.web_save(
                                {f.name: v}, {}
                            ),
                        )
                        self.assert_refused(
                            "create",
                            lambda m=mine, f=field, v=value: m.browse().create(
                                {f.name: v}
                            ),
                        )
                        key = f"default_{field.name}"
                        with self.trying():
                            asked = mine.browse().with_context(**{key: value})
                            plain = mine.browse().default_get([field.name])
                            self.assertEqual(asked.default_get([field.name]), plain)
                        self.assertEqual(record.sudo()[field.name], before)
        self.assertGreater(tried, 100)

    def other_value(self, field):
        """Some value that the field could have."""
        if field.type == "many2one":
            return self.env[field.comodel_name].sudo().search([], limit=1).id or 1
        if field.type in ("one2many", "many2many"):
            return [Command.create({})]
        return self.factory.value(field, 7)

    # === DIALOGS HAVE AN OWNER === #

    def test_a_dialog_is_its_openers(self):
        opener = self.insiders["administrator"]
        for name in models_of_module(self.env, transient=True):
            record = self.env[name].browse(self.factory.dialog(name, opener))
            others = {
                "colleague": self.insiders["user"],
                "stranger": self.strangers["administrator"],
                "system administrator": self.env.ref("base.user_admin"),
            }
            with self.subTest(model=name):
                self.assertTrue(self.seen_by(record, opener).has_access("read"))
                for user in others.values():
                    theirs = self.seen_by(record, user)
                    for right in ("read", "write", "unlink"):
                        self.assertFalse(theirs.has_access(right), right)
                    if theirs.browse().has_access("read"):
                        self.assertFalse(theirs.search([("id", "=", record.id)]))

    def test_golden_confirmation_is_applied_as_it_was_shown(self):
        chief = self.insiders["administrator"]
        confirm = self.env["metered.golden.confirm"].with_user(chief)
        rate = self.factory.record("metered.rate")
        change = {
            "model": "metered.rate",
            "method": "write",
            "record_ids": f"[{rate.id}]",
            "vals_list": '[{"name": "as shown"}]',
            "altered": "- nothing",
        }
        signed = {**change, "digest": confirm._digest(change), "reason": "Agreed"}
        for name, value in (
            ("vals_list", '[{"name": "another"}]'),
            ("record_ids", f"[{rate.id + 1}]"),
            ("method", "unlink"),
            ("altered", "- something else"),
            ("digest", "0" * 64),
            ("digest", False),
        ):
            with self.subTest(name), self.assertRaises(UserError):
                confirm.create({**signed, name: value}).action_apply()
        colleague = new_test_user(self.env, "second", ADMINISTRATOR)
        with self.assertRaisesRegex(UserError, "not the change"):
            confirm.with_user(colleague).create(signed).action_apply()
        confirm.create(signed).action_apply()
        self.assertEqual(rate.name, "as shown")

    # === FILES BELONG TO WHO UPLOADED THEM === #

    def test_a_file_is_handed_over_by_its_owner_only(self):
        mine = self.env["ir.attachment"].with_user(self.insiders["user"])
        upload = mine.create({"name": "mine.csv", "raw": b"x"})
        batch = self.factory.record("metered.batch")
        deck = self.factory.record("metered.rate.deck")
        with self.assertRaises(AccessError):
            upload.with_user(self.insiders["administrator"])._metered_hand_over(batch)
        upload._metered_hand_over(batch)
        self.assertEqual(upload.sudo().res_id, batch.id)
        with self.assertRaises(AccessError):
            upload._metered_hand_over(deck)

    def test_no_path_to_a_file_that_is_not_to_be_read(self):
        secret = self.env["ir.attachment"].create({"name": "pay.csv", "raw": b"x"})
        batches = self.env["metered.batch"].with_user(self.strangers["user"])
        with self.assertRaises(AccessError):
            with batches._attachment_path(secret):
                self.fail("somebody else's file was opened")
