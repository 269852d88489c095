# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The context is what a caller says: it gives no rights, and changes no charge."""

import ast
from pathlib import Path

from odoo.exceptions import RedirectWarning, UserError
from odoo.service.model import call_kw
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..support.populated_case import PopulatedCase

MODULE = Path(__file__).resolve().parents[2]
NO_PRODUCT = {"tests", "audit", "benchmarks", "scripts", "demo"}
#: the keys that the product reads, and why it may
KEYS = {
    "metered_golden_reason": "the reason of an Administrator, whose right to give one "
    "is looked at; by RPC there is no screen that could ask for it",
    "metered_golden_shown": "makes the check stricter: other lines are not confirmed",
    "tracking_disable": "taken away, so that it leaves nothing out of the chatter",
    "mail_notrack": "the same",
    "metered_setup": "which screen follows a step of the setup",
    "metered_partner_id": "fills a form in, and marks a customer's own account in a "
    "list",
    "metered_source_ids": "which sources a list is of; each is looked at for rights",
    "metered_all_files": "whether a ZIP file has the XLSX and CSV files, too",
    "metered_seen_events": "makes the check stricter: what was decided again since is "
    "not approved unseen",
    "metered_state": "which change of a dispute a dialog asks for; the change is "
    "looked at when it is made",
    "metered_file": "which file of a statement is downloaded: one of three names",
    "default_partner_id": "whose measured service a new one is; rights are looked at",
    "default_target": "what a dialog is opened for: it is looked for with the rights "
    "of the user",
    "cron_end_time": "Odoo's: until when a scheduled action works; only those read it",
    "company": "Odoo's: the environment's company, which is one of the user's",
    "lang": "Odoo's: the language of texts",
    "tz": "Odoo's: the time zone of texts",
    "uid": "Odoo's: not read from the context, but from the environment",
}
#: keys that were read once, or that Odoo's own methods set for each other
OTHERS = (
    "active_test",
    "cron_id",
    "dynamic_unlink",
    "include_business_fields",
    "metered_advance",
    "metered_advancing",
    "metered_as_agreed",
    "metered_hurried",
    "metered_invoice_lines",
    "metered_kept_settings",
    "metered_no_cure",
    "metered_reversing",
    "metered_slot",
    "metered_tried_rates",
    "metered_usage_lines",
    "metered_usage_priced",
)
#: keys of Odoo's that leave sums, taxes and the balance of an invoice out; whoever may
#: change invoices may send them with a change
ACCOUNTING = (
    "check_move_validity",
    "skip_account_move_synchronization",
    "skip_invoice_sync",
)
HOSTILE = (
    True,
    -1,
    1,
    "x",
    [],
    [[1, "2", 1]],
    [{"name": "Free", "price_unit": -1000.0}],
    {},
    {"1": [{}, []]},
)


def is_context(node):
    """Whether an expression is a context: ``env.context``, or a name for it."""
    return ast.unparse(node).split(".")[-1] in ("context", "_context", "ctx")


def keys_read(tree):
    """The keys of the context that code reads; None for one that is not written."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("get", "pop", "setdefault"):
                if is_context(node.func.value):
                    yield getattr(node.args[0], "value", None), node.lineno
            elif node.func.attr == "depends_context":
                for argument in node.args:
                    yield getattr(argument, "value", None), node.lineno
        elif isinstance(node, ast.Subscript) and is_context(node.value):
            yield getattr(node.slice, "value", None), node.lineno
        elif isinstance(node, ast.Compare) and is_context(node.comparators[-1]):
            yield getattr(node.left, "value", None), node.lineno


def product_files():
    for path in sorted(MODULE.rglob("*.py")):
        if path.relative_to(MODULE).parts[0] not in NO_PRODUCT:
            yield path


class SeenError(Exception):
    """Takes back what was done to see what comes of it."""


@tagged("post_install", "-at_install")
class TestContext(PopulatedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        groups = (
            "metered_billing.group_metered_user",
            "sales_team.group_sale_manager",
            "account.group_account_manager",
        )
        cls.clerk = new_test_user(cls.env, "context_clerk", ",".join(groups))
        cls.archive_twins()

    @classmethod
    def archive_twins(cls):
        """What is archived would charge more, if a caller could have it looked at."""
        cls.env["metered.identifier"].create(
            {
                "partner_id": cls.customer.id,
                "kind": "number",
                "value": "+14045559999",
                "active": False,
            }
        )
        subscription = cls.subscription.copy({"active": False})
        subscription.stage_id = cls.subscription.stage_id
        cls.env["metered.destination"].create(
            {"name": "Archived", "prefixes": "1 44 49", "active": False}
        )
        for name in (
            "metered.golden.call",
            "metered.rate.deck",
            "metered.calling.plan",
        ):
            for record in cls.env[name].search([], limit=2):
                record.copy({"active": False})

    def test_every_key_is_reviewed(self):
        found = {}
        for path in product_files():
            for key, line in keys_read(ast.parse(path.read_text(encoding="utf-8"))):
                place = f"{path.relative_to(MODULE)}:{line}"
                self.assertIsInstance(
                    key, str, f"{place}: a key that nobody can review"
                )
                found.setdefault(key, []).append(place)
        self.assertEqual(
            {key: found[key] for key in found.keys() - KEYS.keys()},
            {},
            "Say it by ingest.aside, or say in KEYS why a caller may send it.",
        )
        self.assertFalse(KEYS.keys() - found.keys(), "They are read no more.")

    def test_the_finder_finds(self):
        text = """
self.env.context.get("a"); env.context["b"]; "c" in self.env.context
context = self.env.context
context.get("d", 1)
@api.depends_context("e")
def f(self): pass
self.env.context.get(KEY)
"""
        keys = [key for key, _line in keys_read(ast.parse(text))]
        self.assertEqual({*keys}, {"a", "b", "c", "d", "e", None})

    # === WHAT A CALLER SENDS === #

    def call(self, records, method, *args, context):
        records = records.with_user(self.clerk)
        model = records.browse().with_env(records.env(context={}))
        return call_kw(model, method, [records.ids, *args], {"context": dict(context)})

    def seen(self, act, context):
        """What comes of an act, as values that can be compared."""
        try:
            with self.env.cr.savepoint(), mute_logger("odoo.sql_db"):
                seen = act(context)
                self.env.cr.flush()
                raise SeenError(seen)
        except SeenError as done:
            return done.args[0]
        except (UserError, RedirectWarning) as error:
            return type(error), str(error.args[0])

    def sum_up(self, context):
        usage = self.env["metered.usage"].with_user(self.clerk)
        return call_kw(
            usage.with_env(usage.env(context={})),
            "formatted_read_group",
            [[("meter_id", "=", self.meter.id)]],
            {
                "groupby": ["partner_id"],
                "aggregates": ["amount_so_far:sum"],
                "context": context,
            },
        )

    def ask_price(self, context):
        return self.call(self.golden, "read", ["charge", "verdict"], context=context)

    def move_on(self, context):
        """Whoever writes a next date means its day of the month."""
        values = {"recurring_next_date": "2026-12-17"}
        self.call(self.subscription, "write", values, context=context)
        self.env["metered.plan.mark"].flush_model()
        self.env.cr.execute("SELECT count(*) FROM metered_plan_mark")
        return self.subscription.metered_billing_day, self.env.cr.fetchone()

    def bill(self, context):
        self.call(self.subscription, "create_invoice", context=context)
        return self.charged(self.subscription.invoice_ids.sorted("id")[-1:])

    def bill_again(self, context):
        self.subscription.create_invoice().unlink()
        self.call(self.subscription, "action_metered_bill_again", context=context)
        return self.charged(self.subscription.invoice_ids.sorted("id")[-1:])

    def bill_by_hand(self, context):
        values = {
            "partner_id": self.customer.id,
            "date_from": "2026-01-01",
            "date_to": "2026-12-31",
        }
        wizard = self.env["metered.manual.invoice"].with_user(self.clerk).create(values)
        self.call(wizard, "action_search", context=context)
        self.call(wizard, "action_create_invoice", context=context)
        return self.charged(wizard.sudo().invoice_id)

    def charged(self, invoice):
        """What an invoice charges, and what is booked of it."""
        return (
            invoice.amount_total,
            invoice.line_ids.mapped(
                lambda line: (line.name, line.price_subtotal, line.balance)
            ),
        )

    def duplicate(self, context):
        [new] = self.call(self.invoice, "copy", context=context)
        lines = self.env["account.move"].browse(new).invoice_line_ids
        return lines.mapped(lambda line: (line.name, line.metered_date_from))

    def delete_line(self, context):
        draft = self.subscription.create_invoice()
        line = draft.invoice_line_ids.filtered("metered_usage_ids")[:1]
        self.assertTrue(line)
        self.call(line, "unlink", context=context)
        return ["Deleted" in text for text in draft.message_ids.mapped("body")]

    def cure(self, context):
        """Who assigns a number has its exceptions tried again."""
        model = self.env["metered.identifier"].with_user(self.clerk)
        values = {
            "partner_id": self.customer.id,
            "kind": "number",
            "value": "+14045559999",
        }
        call_kw(
            model.with_env(model.env(context={})),
            "create",
            [values],
            {"context": context},
        )
        self.env.cr.flush()
        return self.env["metered.exception"].search_count([("state", "=", "open")])

    def try_again(self, context):
        """What is tried again is rated at once, in the request."""
        waiting = self.env["metered.exception"].search([("state", "=", "open")])
        self.call(waiting, "action_retry", context=context)
        self.env.cr.flush()
        return self.env["metered.exception"].search_count([("state", "=", "open")])

    def test_hostile_values_change_nothing(self):
        reviewed = {*KEYS, *OTHERS} - {"company", "lang", "tz", "uid"}
        for act in (
            self.sum_up,
            self.ask_price,
            self.move_on,
            self.bill,
            self.bill_again,
            self.bill_by_hand,
            self.duplicate,
            self.delete_line,
            self.cure,
            self.try_again,
        ):
            expected = self.seen(act, {})
            refused = isinstance(expected, tuple) and isinstance(expected[0], type)
            self.assertFalse(refused, expected)
            by_hand = act in (self.duplicate, self.delete_line)
            keys = reviewed if by_hand else {*reviewed, *ACCOUNTING}
            for value in HOSTILE:
                with self.subTest(act.__name__, value=value):
                    context = dict.fromkeys(keys, value)
                    self.assertEqual(self.seen(act, context), expected)
