# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every menu, view, field and button of the module, as a user of the group User."""

import ast
import datetime

from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools.safe_eval import safe_eval

from ..support.metered_case import MeteredCase

USER = "metered_billing.group_metered_user"
ADMINISTRATOR = "metered_billing.group_metered_administrator"
#: what the Administrator sets up: users read it
SETTINGS = (
    "metered.source",
    "metered.source.column",
    "metered.source.rule",
    "metered.source.payer",
    "metered.source.word",
    "metered.meter",
    "metered.destination",
    "metered.time.band",
    "metered.holiday",
    "metered.rate.deck",
    "metered.rate",
    "metered.rate.tier",
    "metered.customer.group",
    "metered.price",
    "metered.calling.plan",
    "metered.calling.plan.allowance",
)
#: what only the machine writes
MADE = (
    "metered.cdr",
    "metered.usage",
    "metered.period",
    "metered.allowance.balance",
)
#: what a user sets up for customers
OPERATED = ("metered.identifier", "metered.source.account")

#: what may be one company's or all companies'
SHARED = (
    "metered.meter",
    "metered.destination",
    "metered.time.band",
    "metered.holiday",
    "metered.price",
    "metered.calling.plan",
)


@tagged("post_install", "-at_install")
class TestSecurityScreens(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer("Acme", "+14045550100")
        cls.batch = cls.import_calls(
            cls.source,
            ("1", "2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"),
            ("2", "2026-10-05 11:00:00", 60, "+14045559999", "+12125550199"),
        )
        cls.env["metered.source.account"].create(
            {
                "name": "acme",
                "source_id": cls.source.id,
                "partner_id": cls.customer.id,
            }
        )
        group = cls.env["metered.customer.group"].create(
            {"name": "Gold", "deck_id": cls.deck.id}
        )
        cls.customer.metered_group_id = group
        cls.env["metered.holiday"].create(
            {"name": "New Year", "date": datetime.date(2027, 1, 1)}
        )
        cls.env["metered.time.band"].create(
            {
                "name": "Peak",
                "slot_ids": [Command.create({"hour_from": 8, "hour_to": 18})],
            }
        )
        cls.make_price(cls.make_meter("Texts"), unit_price=0.05)
        cls.subscription = cls.make_subscription(
            cls.customer, "2026-10-01", "2026-11-01"
        )
        cls.env["metered.rate.tier"].create(
            {"rate_id": cls.make_rate(cls.deck, "999", price=1).id, "price": 0.01}
        )
        plan = cls.env["metered.calling.plan"].create(
            {
                "name": "Plan",
                "allowance_ids": [Command.create({"name": "Minutes", "amount": 10})],
            }
        )
        product = cls.env["product.product"].create(
            {"name": "Plan", "metered_plan_id": plan.id}
        )
        cls.env["sale.subscription.line"].create(
            {
                "sale_subscription_id": cls.subscription.id,
                "product_id": product.id,
                "name": "Plan",
            }
        )
        cls.subscription.generate_invoice()
        cls.invoice = cls.subscription.invoice_ids
        cls.operator = new_test_user(cls.env, "operator", USER)
        cls.chief = new_test_user(cls.env, "chief", ADMINISTRATOR)
        other = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.stranger = new_test_user(
            cls.env,
            "stranger",
            ADMINISTRATOR,
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )

    # === READING SCREENS AS THE CLIENT DOES === #

    def spec(self, model, node, env):
        """The fields of a view, as the client asks for them.

        :param node: element of an arch as the user gets it
        """
        spec = {"display_name": {}}
        for field in node.xpath(".//field"):
            parents = [p for p in field.iterancestors("field") if p in node.iter()]
            if parents and parents[0] is not node:
                continue
            name = field.get("name")
            known = env[model]._fields.get(name)
            if not known:
                continue
            if known.type == "many2one":
                spec[name] = {"fields": {"display_name": {}}}
            elif known.type in ("one2many", "many2many"):
                inner = field.find("list")
                spec[name] = {
                    "fields": {"display_name": {}}
                    if inner is None
                    else self.spec(known.comodel_name, inner, env),
                    "limit": 40,
                }
            else:
                spec[name] = {}
        return spec

    def look_at(self, env, model, view_types, domain=()):
        """Open a model's views and read what they show.

        :return: list of arch elements
        """
        views = env[model].get_views([(False, t) for t in view_types])["views"]
        archs = []
        for kind, view in views.items():
            arch = etree.fromstring(view["arch"])
            archs.append(arch)
            if kind not in ("list", "form", "kanban"):
                continue
            spec = self.spec(model, arch, env)
            if env[model]._transient:
                env[model].onchange({}, [], spec)
                continue
            found = env[model].web_search_read(list(domain), spec, limit=10)
            if kind == "form" and found["records"]:
                env[model].browse(found["records"][0]["id"]).web_read(spec)
        return archs

    def actions_of_menus(self, user):
        """The window actions of the app's menus that a user sees."""
        env = self.env(user=user)
        root = self.env.ref("metered_billing.menu_metered_root").id
        menus = env["ir.ui.menu"].load_menus(False)
        todo, found = [root], []
        while todo:
            menu = menus[todo.pop()]
            todo += menu["children"]
            if menu["action_model"] == "ir.actions.act_window":
                action = self.env[menu["action_model"]].browse(menu["action_id"])
                found.append((menu["xmlid"], action))
        return found

    def test_every_menu_of_the_user(self):
        """What a user can open shows itself, down to the names in its columns."""
        env = self.env(user=self.operator)
        seen = set()
        for xmlid, action in self.actions_of_menus(self.operator):
            with self.subTest(menu=xmlid):
                context = safe_eval(action.context or "{}", {"uid": env.uid})
                types = [t for t in action.view_mode.split(",") if t != "search"]
                self.look_at(env(context=context), action.res_model, [*types, "search"])
                seen.add(action.res_model)
        self.assertTrue({"metered.cdr", "metered.usage", "metered.exception"} <= seen)

    def test_every_model_of_the_user(self):
        """Also what has no menu but is linked to."""
        env = self.env(user=self.operator)
        for model in (*SETTINGS, *MADE, *OPERATED, "metered.exception", "res.partner"):
            if not env[model].has_access("read"):
                self.fail(f"A user cannot read {model}")
            with self.subTest(model=model):
                domain = (
                    [("id", "=", self.customer.id)] if model == "res.partner" else []
                )
                self.look_at(env, model, ["list", "form", "search"], domain)

    def test_no_link_leads_to_a_closed_door(self):
        """A record that a user must not read is named without a link to it."""
        env = self.env(user=self.operator)
        for model in (*SETTINGS, *MADE, *OPERATED, "metered.exception"):
            [form] = self.look_at(env, model, ["form"])
            for field in form.xpath(".//field[not(ancestor::list)]"):
                known = env[model]._fields.get(field.get("name"))
                if known is None or known.type != "many2one":
                    continue
                if env[known.comodel_name].has_access("read"):
                    continue
                if field.get("invisible") in ("1", "True"):
                    continue
                with self.subTest(model=model, field=known.name):
                    self.assertIn("no_open", field.get("options") or "")

    def test_every_button_that_opens_something(self):
        """No button of a user leads to a closed door."""
        env = self.env(user=self.operator)
        pressed = []
        for model in (*SETTINGS, *MADE, *OPERATED, "metered.exception", "res.partner"):
            domain = [("id", "=", self.customer.id)] if model == "res.partner" else []
            record = env[model].search(domain, limit=1)
            for arch in self.look_at(env, model, ["list", "form"], domain):
                for button in arch.xpath(".//button[@type='object']"):
                    name = button.get("name")
                    owner = record
                    for field in reversed(list(button.iterancestors("field"))):
                        owner = owner[field.get("name")]
                    self.assertTrue(hasattr(owner, name), f"{owner._name}.{name}")
                    if (
                        owner._name != model
                        or not record
                        or not name.startswith("action_view")
                    ):
                        continue
                    if model == "res.partner" and "metered" not in name:
                        continue
                    with self.subTest(model=model, button=name):
                        action = getattr(record, name)()
                        if action["type"] == "ir.actions.client":
                            continue
                        target = env[action["res_model"]]
                        domain = action.get("domain") or []
                        if isinstance(domain, str):
                            domain = ast.literal_eval(domain)
                        target.search(domain, limit=1).read(["display_name"])
                        pressed.append(name)
        self.assertGreater(len(pressed), 5)

    # === WHAT IS WHOSE === #

    def test_configuration_is_the_administrators(self):
        users = {xmlid for xmlid, _action in self.actions_of_menus(self.operator)}
        chiefs = {xmlid for xmlid, _action in self.actions_of_menus(self.chief)}
        self.assertTrue(users < chiefs)
        for name in ("source", "rate_deck", "rate", "meter", "destination"):
            self.assertIn(f"metered_billing.menu_metered_{name}", chiefs - users)

    def test_rights(self):
        for model in SETTINGS:
            for right in ("write", "create", "unlink"):
                user = self.env(user=self.operator)[model]
                self.assertFalse(user.has_access(right), f"{model} {right}")
                chief = self.env(user=self.chief)[model]
                self.assertTrue(chief.has_access(right), f"{model} {right}")
        for model in MADE:
            for user in (self.operator, self.chief):
                for right in ("write", "create", "unlink"):
                    self.assertFalse(self.env(user=user)[model].has_access(right))
        for model in OPERATED:
            user = self.env(user=self.operator)[model]
            self.assertTrue(user.has_access("write"))
            self.assertTrue(user.has_access("create"))
            self.assertFalse(user.has_access("unlink"))

    def test_no_model_is_without_rights_or_companies(self):
        """A model that is added and forgotten here is found."""
        models = [
            name
            for name, model in self.registry.models.items()
            if name.startswith("metered.") and not model._abstract
        ]
        for name in models:
            model = self.env["ir.model"]._get(name)
            self.assertTrue(model.access_ids, name)
            if "company_id" in self.env[name]._fields and not self.env[name]._transient:
                self.assertTrue(model.rule_ids, f"{name} has no rule for companies")

    def test_others_of_the_company_open_nothing(self):
        outsider = new_test_user(self.env, "outsider", "base.group_user")
        self.assertNotIn(
            self.env.ref("metered_billing.menu_metered_root").id,
            self.env(user=outsider)["ir.ui.menu"].load_menus(False),
        )
        for model in (*SETTINGS, *MADE, *OPERATED, "metered.exception"):
            self.assertFalse(self.env(user=outsider)[model].has_access("read"), model)

    def test_another_company_sees_nothing(self):
        env = self.env(user=self.stranger)
        for model in (*SETTINGS, *MADE, *OPERATED, "metered.exception"):
            if "company_id" not in env[model]._fields:
                continue
            ours = self.env[model].search([("company_id", "=", self.company.id)])
            if model in SHARED and not ours:
                ours = self.env[model].search([], limit=1)
                ours.company_id = self.company
            with self.subTest(model=model):
                self.assertTrue(ours, f"{model}: there is nothing to hide")
                self.assertFalse(env[model].search([("id", "in", ours.ids)]))
                with self.assertRaises(AccessError):
                    ours[0].with_user(self.stranger).read(["display_name"])
