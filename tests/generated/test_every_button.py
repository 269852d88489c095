# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every object button of every view, pressed as the web client does, by every role."""

import ast
import base64
import json
from collections import Counter

import requests

from odoo.exceptions import RedirectWarning, UserError
from odoo.service.model import call_kw
from odoo.tests import Form, new_test_user, tagged
from odoo.tools import json_default, mute_logger
from odoo.tools.safe_eval import safe_eval

from odoo.addons.web.controllers.utils import clean_action

from ..support.metered_case import generic_csv
from ..support.populated_case import DECK_FILE, LONDON, PHONE, PopulatedCase

MODULE = "metered_billing"
ROLES = {
    "user": "metered_billing.group_metered_user",
    "administrator": "metered_billing.group_metered_administrator",
    "internal": "base.group_user",
    "accountant": "account.group_account_manager",
    "salesperson": "sales_team.group_sale_salesman_all_leads",
    "owner": "metered_billing.group_metered_administrator,"
    "account.group_account_manager,sales_team.group_sale_manager,"
    "base.group_partner_manager",
}
#: those who work with the module: their buttons are pressed at several records
OPERATORS = ("user", "administrator", "owner")
#: records of a model that are pressed at, and how deep dialogs open dialogs
MOST_RECORDS, DEEPEST = 6, 3
#: buttons of whose model these tests have no record to press them at, with the reason
NOWHERE = {
    "metered.source.action_try_out": "It asks a switch: test_source_type_tours.",
    "metered.source.found.action_list_again": "It asks a switch: the same.",
    "metered.source.partition.action_from_earliest": "It asks a cluster: "
    "test_source_kafka, and its tour.",
    "metered.source.partition.action_from_latest": "It asks a cluster: the same.",
    "metered.golden.confirm.action_apply": "It applies only what the server has "
    "refused and signed: test_golden_guard.",
    "metered.manual.invoice.action_view_unbilled": "test_billed_again.",
    "account.move.action_metered_release": "test_review, and its tours.",
    "account.move.action_metered_charges": "test_pending_tours, as the next three.",
    "account.move.action_metered_issue": "The same.",
    "account.move.action_metered_recalculate": "The same.",
    "metered.charge.action_view_usage": "The same.",
    "metered.exception.cause.action_is_other": "test_import_same_id.",
    "metered.period.action_bill_again": "test_billed_again, and its tours.",
    "metered.period.action_waive": "test_billed_again.",
    "sale.subscription.action_metered_bill_again": "test_billed_again, and its tours.",
    "metered.source.action_new_token": "A source that is posted to: test_source_token.",
    "metered.source.token.action_remove": "The same.",
    "metered.api.key.action_make": "test_push_events, and its tour.",
    "metered.api.key.action_revoke": "The same.",
    "metered.source.action_send_event": "test_usage_presets, and its tours.",
    "metered.source.action_try_event": "test_push_events, and its tour.",
    "metered.alert.action_propose_money_limit": "test_alert_tours, as the next four.",
    "metered.alert.action_propose_parts": "The same.",
    "metered.alert.action_view_events": "The same.",
    "sale.subscription.action_view_metered_alerts": "The same.",
    "res.partner.action_view_metered_alerts": "test_alerts.",
    "metered.account.action.action_retry": "test_suspended_accounts.",
    "metered.measured.service.action_change": "test_measured_tours, as the next five.",
    "metered.measured.service.action_edit": "The same.",
    "metered.measured.service.action_open_price": "The same.",
    "metered.measured.service.action_remove": "The same.",
    "metered.measured.service.action_view_level": "The same.",
    "res.partner.action_metered_reset_measured": "test_measured_tours.",
    "account.move.action_view_metered_disputes": "test_dispute_tours, as the next.",
    "metered.dispute.action_approve": "The same, and test_disputes.",
    "metered.dispute.action_ask": "The same.",
    "metered.dispute.action_decide": "The same.",
    "metered.dispute.action_decide_again": "test_disputes.",
    "metered.dispute.action_rerated": "The same.",
    "metered.dispute.action_start": "test_dispute_tours.",
    "metered.dispute.action_verify": "test_disputes.",
    "metered.dispute.action_view_credits": "test_dispute_tours.",
    "metered.dispute.action_view_invoices": "test_disputes.",
    "metered.dispute.action_view_rerate": "test_disputes.",
    "metered.dispute.change.action_change": "test_dispute_tours.",
    "metered.dispute.line.action_explain": "test_disputes.",
    "sale.subscription.action_metered_bill_carried": "test_carry_tours.",
    "metered.renewal.action_view_carried": "test_carry_tours.",
    "metered.retention.rule.action_preview": "test_retention_tour.",
    "metered.statement.action_dispute": "test_disputes.",
    "metered.seal.action_open_invoice": "test_seal_tour, as the next.",
    "metered.seal.action_verify": "The same, and test_seals.",
    "metered.seal.check.action_resume": "test_seals.",
    "metered.evidence.action_download": "test_evidence, as the next two.",
    "metered.evidence.action_open_invoice": "The same.",
    "metered.evidence.action_resume": "The same.",
    "metered.statement.action_zip": "test_statement_zip, as the next two.",
    "metered.statement.zip.action_download": "The same.",
    "metered.statement.zip.action_resume": "The same.",
    "res.partner.action_metered_remove_password": "test_statement_mail.",
    "metered.hold.action_lift": "test_retention, as the next.",
    "metered.retention.rule.action_turn_off": "The same, and its tour.",
    "metered.retention.rule.action_view_runs": "Its tour.",
    "metered.retention.run.action_resume": "test_retention_durability.",
    "metered.retention.start.action_turn_on": "test_retention, and its tour.",
    "metered.statement.action_download": "test_statement_tour, as the next.",
    "metered.statement.action_make_again": "The same.",
    "metered.statement.action_resume": "test_statements.",
    "metered.fraud.alarm.action_confirm": "test_fraud_tours, as the next four.",
    "metered.fraud.alarm.action_open_dismiss": "The same.",
    "metered.fraud.alarm.action_reopen": "The same.",
    "metered.fraud.alarm.action_view_calls": "The same.",
    "metered.fraud.dismiss.action_dismiss": "The same.",
    "metered.webhook.action_deliveries": "test_webhook_tours, as the next six.",
    "metered.webhook.action_new_secret": "The same.",
    "metered.webhook.action_send_test": "The same.",
    "metered.webhook.action_turn_off": "The same.",
    "metered.webhook.action_turn_on": "The same.",
    "metered.webhook.delivery.action_send_again": "The same.",
    "metered.webhook.delivery.action_open_record": "test_webhooks.",
    "metered.meter.action_view_level": "A level: test_level_tours, as the next two.",
    "res.partner.action_view_metered_levels": "The same.",
    "sale.subscription.line.action_metered_view_level": "The same.",
}
#: a file of calls
MORE = generic_csv([("more", "2026-11-08 10:00:00", 60, PHONE, LONDON)])


class PressedError(Exception):
    """Takes back what a button did."""


class Button:
    """A button of a view.

    :ivar model: of the records that it is pressed at
    :ivar name: the method
    :ivar invisible, context: expressions of the view
    :ivar is_of_list: whether it stands above a list, and is pressed for a selection
    :ivar is_always: and without one, too
    """

    def __init__(self, env, view, node):
        self.name = node.get("name")
        self.invisible = node.get("invisible") or "False"
        self.context = node.get("context") or "{}"
        self.is_of_list = bool(node.xpath("parent::header/parent::list"))
        self.is_always = self.is_of_list and node.get("display") == "always"
        model = env[view.model]
        for field in reversed(list(node.iterancestors("field"))):
            model = env[model._fields[field.get("name")].comodel_name]
        self.model = model._name

    def is_ours(self, env):
        return self.model.startswith("metered.") or any(
            self.name in vars(base) and f".{MODULE}." in base.__module__
            for base in type(env[self.model]).mro()
        )

    def is_visible(self, record):
        return not self._evaluate(self.invisible, record)

    def context_of(self, record):
        return self._evaluate(self.context, record)

    def _evaluate(self, expression, record):
        """What an expression of the view is, as the client evaluates it."""
        names = {
            n.id
            for n in ast.walk(ast.parse(expression, mode="eval"))
            if isinstance(n, ast.Name)
        }
        record = record.sudo()
        values = {"uid": record.env.uid, "context": dict(record.env.context)}
        for name in names & record._fields.keys():
            value = record[name]
            if record._fields[name].type == "many2one":
                value = value.id
            elif record._fields[name].relational:
                value = value.ids
            values[name] = value
        return safe_eval(expression, values)


@tagged("post_install", "-at_install")
class TestEveryButton(PopulatedCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: new_test_user(cls.env, f"presser_{role}", f"base.group_user,{group}")
            for role, group in ROLES.items()
        }
        cls.buttons = cls.find_buttons()
        cls.contexts = cls.find_contexts()
        # What a person enters in a dialog that would refuse otherwise.
        cls.fill_ins = {
            "metered.import": {
                "source_id": cls.source,
                "file_name": "more.csv",
                "file": base64.b64encode(MORE.encode()),
            },
            "metered.deck.import": {
                "file_name": "rates.csv",
                "file": base64.b64encode(DECK_FILE),
            },
            "metered.meter.replace": {
                "time": "2026-11-20 10:00:00",
                "old_value": 200,
                "serial": "4712",
            },
            "metered.exception.assign": {"partner_id": cls.customer},
            "metered.exception.dismiss": {"reason": "A test."},
            "metered.exception.rate": {"line_ids": {"price": 1.0}},
            "metered.exception.destination": {
                "line_ids": {"name": "Emergency", "kind": "emergency"}
            },
            "metered.review.hold": {"reason": "The customer asks for a credit."},
            "metered.rerate.approve": {"reason": "The rates were wrong."},
            "metered.manual.invoice": {
                "partner_id": cls.customer,
                "date_from": "2026-10-01",
                "date_to": "2026-11-30",
            },
        }

    # === WHAT THERE IS === #

    @classmethod
    def find_buttons(cls):
        """The buttons of this module, by model."""
        data = cls.env["ir.model.data"].search(
            [("module", "=", MODULE), ("model", "=", "ir.ui.view")]
        )
        views = cls.env["ir.ui.view"].browse(data.mapped("res_id"))
        buttons = {}
        roots = views.browse()
        for view in views.filtered("model"):
            while view.mode == "extension":
                view = view.inherit_id
            roots |= view
        for view in roots:
            for node in view._get_combined_arch().xpath("//*[@type='object'][@name]"):
                button = Button(cls.env, view, node)
                if button.is_ours(cls.env):
                    buttons.setdefault(button.model, []).append(button)
        return buttons

    @classmethod
    def find_contexts(cls):
        """The contexts of the actions that show a model, by model."""
        contexts = {}
        data = cls.env["ir.model.data"].search(
            [("module", "=", MODULE), ("model", "=", "ir.actions.act_window")]
        )
        for action in cls.env["ir.actions.act_window"].browse(data.mapped("res_id")):
            context = safe_eval(action.context or "{}", {"uid": cls.env.uid})
            contexts.setdefault(action.res_model, []).append(context)
        contexts["metered.source.found"] = [{"metered_source_ids": cls.switch.ids}]
        # The checks of a customer, and the panel of first steps, open these.
        contexts["metered.sync.start"] = [{"default_source_id": cls.switch.id}]
        for name in ("company.setup", "rate.proposal", "subscription.setup"):
            contexts[f"metered.{name}"] = [{}]
        # As the refusal of a change opens it.
        contexts["metered.golden.confirm"] = [
            {
                "default_model": "metered.price",
                "default_method": "write",
                "default_record_ids": json.dumps(cls.price.ids),
                "default_vals_list": json.dumps([{"minimum": 3}]),
                "default_altered": "3 texts of Acme",
                "default_reason": "A new list of prices.",
            }
        ]
        return contexts

    @classmethod
    def find_records(cls, model):
        """Records that a button is pressed at."""
        records = cls.env[model].sudo().search([], order="id desc")
        if model == "res.partner":
            records = cls.customer | cls.other
        elif model == "account.move":
            records = cls.invoice | cls.other_invoice | records[:1]
        elif model == "account.move.line":
            records = records.filtered("metered_explained")
        return records

    # === PRESSING === #

    def press(self, button, records, context, depth=0):
        """Press a button as the client does, and all that is in the dialog it opens."""
        where = f"{self.role}: {button.model}.{button.name} at {records.ids}"
        env = self.env(user=self.users[self.role], su=False)
        outcome = "done"
        with self.subTest(where), mute_logger("odoo.sql_db", "odoo.http"):
            try:
                with self.env.cr.savepoint():
                    outcome = self.call(env, button, records, context, depth)
                    raise PressedError
            except PressedError:  # pylint: disable=except-pass
                pass
            except (UserError, RedirectWarning) as error:
                outcome = "refused"
                self.check_message(str(error.args[0]))
                self.refusals[button.model, button.name] = str(error.args[0])
        self.outcomes[outcome] += 1
        return outcome

    def call(self, env, button, records, context, depth):
        context = {**context, **button.context_of(records[:1])} if records else context
        kwargs = {"context": {"lang": "en_US", "tz": "UTC", "uid": env.uid, **context}}
        action = call_kw(env[button.model], button.name, [records.ids], kwargs)
        self.env.cr.flush()
        if not isinstance(action, dict):
            self.assertIn(action, (None, True, False))
            return "done"
        if action.get("type"):
            action = clean_action(action, env)
        json.dumps(action, default=json_default)
        while action and action.get("type") == "ir.actions.client":
            action = (action.get("params") or {}).get("next")
            # The client marks the HTML of an action's help, and not of the next one's.
            self.assertFalse((action or {}).get("help"))
        if action and action.get("type") == "ir.actions.act_window":
            self.follow(env, action, records, depth)
        return "action"

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        """No switch answers."""
        raise requests.ConnectionError("There is no network.")

    def check_message(self, text):
        """A message that a person can read: a sentence, and nothing of the code."""
        self.assertGreater(len(text.split()), 2, text)
        for part in ("Traceback", " object at 0x", "psycopg", "singleton", "()"):
            self.assertNotIn(part, text)

    def follow(self, env, action, records, depth):
        """Open the dialog of an action, and press its buttons."""
        model = env[action["res_model"]]
        if not model._transient or depth >= DEEPEST:
            return
        context = action.get("context") or {}
        if isinstance(context, str):
            context = safe_eval(context, {"uid": env.uid, "active_id": records[:1].id})
        context = {
            "active_model": records._name,
            "active_id": records[:1].id,
            "active_ids": records.ids,
            **context,
        }
        wizard = model.browse(action.get("res_id") or ())
        if not wizard:
            wizard = self.fill_in(model.with_context(**context), action)
        self.press_all(wizard.with_env(self.env), context, depth + 1)

    def fill_in(self, model, action=None):
        """Fill in a dialog as it opens, with what it asks for; the record."""
        view = ((action or {}).get("views") or [(False, "form")])[0][0]
        form = Form(model, view=view or None)
        values = self.fillings(model)
        for name, filling in self.fill_ins.get(model._name, {}).items():
            if isinstance(filling, dict):
                for place in range(len(getattr(form, name))):
                    with getattr(form, name).edit(place) as line:
                        for inner, value in filling.items():
                            line[inner] = value
            elif not form._get_modifier(name, "invisible"):
                form[name] = filling
        for name in form._view["fields"]:
            if not form._get_modifier(name, "required") or form._values.get(name):
                continue
            if not form._get_modifier(name, "readonly") and not form._get_modifier(
                name, "invisible"
            ):
                form[name] = values(name)
        return form.save()

    def fillings(self, model):
        """Function that has a value for a field that is asked for."""

        def value(name):
            field = model._fields[name]
            if field.relational:
                domain = [("id", "in", self.customer.ids)] * (
                    field.comodel_name == "res.partner"
                )
                return model.env[field.comodel_name].search(domain, limit=1)
            return {
                "binary": "eA==",
                "char": "44",
                "text": "A reason.",
                "float": 1.0,
                "integer": 1,
                "date": "2026-10-01",
                "datetime": "2026-10-05 10:00:00",
            }[field.type]

        return value

    def press_all(self, records, context, depth=0):
        """Press all buttons of the records' model."""
        for button in self.buttons.get(records._name, ()):
            if button.is_always:
                self.press(button, records.browse(), context, depth)
            chosen = records
            if not records._transient and self.role not in OPERATORS:
                chosen = records[:1]
            visible = [record for record in chosen if button.is_visible(record)]
            hidden = [record for record in chosen if record not in visible]
            for record in (*visible[:MOST_RECORDS], *hidden[:1]):
                key = (self.role, button.model, button.name, record in visible)
                if record._transient and self.times[key] > 1:
                    continue
                self.times[key] += 1
                outcome = self.press(button, record, context, depth)
                if record in visible and outcome != "refused":
                    self.pressed.add((button.model, button.name))
            if button.is_of_list and len(records) > 1:
                self.press(button, records[:MOST_RECORDS], context, depth)

    def test_every_button(self):
        self.pressed, self.outcomes, self.times = set(), Counter(), Counter()
        self.refusals = {}
        for role in ROLES:
            self.role = role
            for model in sorted(self.buttons):
                if self.env[model]._transient:
                    continue
                records = self.find_records(model)
                for context in self.contexts.get(model, [{}])[:1]:
                    self.press_all(records, context)
            self.press_dialogs_of_menus()
        every = {(b.model, b.name) for some in self.buttons.values() for b in some}
        self.assertGreater(len(every), 90)
        missing = every - self.pressed
        self.assertEqual(
            sorted(f"{model}.{name}" for model, name in missing),
            sorted(NOWHERE),
            {key: self.refusals.get(key) for key in missing},
        )

    def press_dialogs_of_menus(self):
        """The dialogs that menus and the menu Actions open."""
        env = self.env(user=self.users[self.role], su=False)
        for model in sorted(self.contexts):
            if not self.env[model]._transient:
                continue
            for context in self.contexts[model]:
                with self.subTest(f"{self.role}: {model}"):
                    try:
                        with self.env.cr.savepoint():
                            wizard = self.fill_in(env[model].with_context(**context))
                            self.press_all(wizard.with_env(self.env), context, 1)
                            raise PressedError
                    except PressedError:  # pylint: disable=except-pass
                        pass
                    except UserError as error:
                        self.check_message(str(error.args[0]))
