# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every public method, called from outside the company whose records it is given.

The methods are taken from the registry: what is written next month is called as well,
and a method whose arguments nobody knows fails. Nothing is refused by name: a call has
to end in an error for its user, or in an answer that shows nothing of the company; no
row of the company is changed, nothing is asked of a switch and no job is started.
"""

import contextlib
import inspect
import itertools
import json
import re
from unittest.mock import patch

import psycopg2

from odoo import Command, api
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.models import MAGIC_COLUMNS
from odoo.service.model import call_kw
from odoo.tests import TransactionCase, new_test_user, tagged
from odoo.tools import SQL, mute_logger
from odoo.tools.safe_eval import safe_eval

from odoo.addons.metered_billing.connectors.errors import SourceError
from odoo.addons.metered_billing.models.source import metered_source_connection

from ..support.every_record import ADDON, OTHERS, EveryRecord, our_models
from ..support.metered_case import MODULE

SECRET = "Zq7Secret"
#: ids of the company's records begin here, so that they are known wherever they turn up
FIRST_ID = 700_000_000
OWN_ID = re.compile(r"\b7\d{8}\b")
#: what may hold ids in the context
CONTEXT_ID = re.compile(r"context(?:\.get\(|\[)\"(\w+_ids?|\w*target)\"")
ROLES = {
    "plain": "base.group_user",
    "portal": "base.group_portal",
    "seller": "sales_team.group_sale_manager",
    "accountant": "account.group_account_manager",
    "operator": "metered_billing.group_metered_user",
    "biller": "metered_billing.group_metered_biller",
    "chief": "metered_billing.group_metered_administrator",
}
#: those whom models of ours are open to
INSIDE = ("operator", "biller", "chief")
#: records that a call gets at most, those at the end: what is open, and what failed
MOST = 4
#: tables, with the rows that this transaction has written so far. The view
#: pg_stat_xact_user_tables asks all indexes, too: eleven times the work, for each call.
WRITTEN_TO = """
    SELECT * FROM (
        SELECT relname,
               pg_stat_get_xact_tuples_inserted(oid) AS inserted,
               pg_stat_get_xact_tuples_updated(oid) AS updated,
               pg_stat_get_xact_tuples_deleted(oid) AS deleted
        FROM pg_class
        WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace
        OFFSET 0
    ) AS tables
    WHERE inserted + updated + deleted > 0
"""
#: what a refusal may be; anything else is a fault of the method
REFUSED = (AccessError, MissingError, UserError)


def create_values(case, model):
    """Values that point into the company, wherever something can be pointed at."""
    values = {}
    for field in case.env[model]._fields.values():
        if field.name == "company_id" and field.store:
            values["company_id"] = case.company.id
        elif field.type == "many2one" and field.comodel_name in case.every:
            values[field.name] = case.every[field.comodel_name][:1].id
        elif field.required and field.type in ("char", "text"):
            values[field.name] = "x"
        elif field.type in ("float", "monetary") and field.store:
            values[field.name] = 1
    return values


def onchange_arguments(case, model):
    """A form that is being filled in with what is the company's, in our own fields."""
    ours = {
        name
        for name, field in case.env[model]._fields.items()
        if field._module == "metered_billing"
    }
    values = create_values(case, model)
    values = {name: value for name, value in values.items() if name in ours}
    return [(values, list(values), {name: {} for name in ours})]


def write_values(case, model):
    """A value for the first field that could be written."""
    for field in case.env[model]._fields.values():
        if field.store and not field.relational and field.name not in MAGIC_COLUMNS:
            return {field.name: False}
    return {}


def one_by_one(*values):
    """Several calls with one argument each."""
    return lambda case, model: [(value,) for value in values]


#: what methods are called with: name, or model.name -> function (case, model name) that
#: gives the arguments of each call
ARGUMENTS = {
    "create": lambda case, model: [([create_values(case, model)],)],
    "write": lambda case, model: [(write_values(case, model),)],
    "onchange": onchange_arguments,
    "default_get": lambda case, model: [(list(case.env[model]._fields),)],
    "get_empty_list_help": lambda case, model: [("Nothing yet",)],
    "formatted_read_group": one_by_one([]),
    "formatted_read_grouping_sets": lambda case, model: [([], [[]])],
    "import_file": lambda case, model: [(case.source.id, "a.csv", "eA==")],
    "level_csv": lambda case, model: [(case.customer.id, "2026-10-01", "2026-10-02")],
    "level_detail": lambda case, model: [
        (case.customer.id, "2026-10-01", "2026-10-02")
    ],
    "level_so_far": lambda case, model: [(case.customer.id,)],
    "set_hidden": one_by_one(True),
    "create_preset": one_by_one("seats", "water"),
    "open_step": one_by_one("company", "source", "rates", "import", "subscription"),
    "action_remedy": one_by_one(
        "restore", "fetch", "batch", "identifier", "last_sync", "other"
    ),
    "action_metered_remedy": lambda case, model: itertools.product(
        (
            "identifier",
            "account",
            "source",
            "fetch",
            "last_sync",
            "gaps",
            "deck",
            "rates",
            "meters",
            "subscription",
            "new_subscription",
            "exceptions",
        ),
        (False, case.source.id),
    ),
}

#: what these may do although it is not a refusal, and why
ALLOWED = {
    "chief: metered.seal.action_verify(": "verifies usage of the user's own company",
    "chief: metered.seal.verify(": "the same",
}


class RolledBack(Exception):
    """Ends a savepoint."""


@tagged("post_install", "-at_install")
class TestPublicMethods(EveryRecord, TransactionCase):
    """Company A has everything; the users work in company B, which has nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        for number, name in enumerate((*our_models(cls.env), *OTHERS)):
            cls.start_ids(cls.env[name], FIRST_ID + number * 100_000)
        cls.set_up_rates()
        cls.company.country_id = cls.usa
        cls.make_every_record()
        for name in OTHERS:
            cls.every[name] = cls.env[name].search([("id", ">=", FIRST_ID)])
        cls.write_texts(
            lambda _model, field, id_: f"{SECRET} {field} {id_}",
            cls.every,
            from_id=FIRST_ID,
        )
        cls.other = cls.env["res.company"].create({"name": "Other Telecom"})
        cls.users = {
            role: new_test_user(
                cls.env,
                f"{role} of B",
                groups,
                company_id=cls.other.id,
                company_ids=[Command.set(cls.other.ids)],
            )
            for role, groups in ROLES.items()
        }
        cls.env.flush_all()

    @classmethod
    def start_ids(cls, model, first):
        if model._auto:
            cls.env.cr.execute(
                SQL(
                    "ALTER SEQUENCE %s RESTART WITH %s",
                    SQL.identifier(f"{model._table}_id_seq"),
                    first,
                )
            )

    def setUp(self):
        super().setUp()
        self.asked = []

        def ask(*_args, **_kwargs):
            self.asked.append(1)
            raise SourceError("Nobody is asked in this test.")

        connector = patch.object(metered_source_connection, "make_connector", ask)
        connector.start()
        self.addCleanup(connector.stop)
        self.faults = []
        self.touched = set()
        self.newly_touched()

    # === WHAT THERE IS TO CALL === #

    def public_methods(self):
        """Methods of classes of this module that can be called by RPC.

        :return: list of (model name, method name)
        """
        found = set()
        for model, cls in self.registry.items():
            if cls._abstract and not model.startswith("metered."):
                continue
            for parent in cls.mro():
                if not parent.__module__.startswith(ADDON):
                    continue
                for name, method in vars(parent).items():
                    if name.startswith("_") or not inspect.isfunction(method):
                        continue
                    if any(
                        getattr(getattr(each, name, None), "_api_private", False)
                        for each in cls.mro()
                    ):
                        continue
                    found.add((model, name))
        return sorted(found)

    def calls_of(self, model, name):
        """Arguments of each call of a method."""
        make = ARGUMENTS.get(f"{model}.{name}") or ARGUMENTS.get(name)
        if make:
            return [tuple(arguments) for arguments in make(self, model)]
        method = getattr(self.registry[model], name)
        _self, *parameters = inspect.signature(method).parameters.values()
        needed = [
            parameter.name
            for parameter in parameters
            if parameter.default is parameter.empty
            and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        self.assertFalse(
            needed, f"Add what {model}.{name} is called with to ARGUMENTS of this test"
        )
        return [()]

    def context_of(self, model):
        """What a client may send along: ids of the company everywhere."""
        records = self.every.get(model, self.env["metered.source"])[-MOST:]
        return {
            "active_model": records._name,
            "active_id": records[:1].id,
            "active_ids": records.ids,
            "allowed_company_ids": [self.other.id],
            "cron_id": self.env.ref("metered_billing.ir_cron_sync").id,
            "metered_source_ids": self.source.ids,
            "metered_partner_id": self.customer.id,
            "default_batch_id": self.batch.id,
            "default_company_id": self.company.id,
            "default_deck_id": self.deck.id,
            "default_partner_id": self.customer.id,
            "default_source_id": self.source.id,
            "default_target": {"ids": self.every["metered.exception"].ids},
        }

    # === CALLING === #

    def call(self, role, model, name, arguments, context=None, known=()):
        """Call as RPC does, look at what came of it, and take it back.

        :param known: ids that the caller knows besides
        :return: True; False where the method takes one record only
        """
        where = f"{role}: {model}.{name}{arguments!r:.80}"
        context = context or {}
        env = api.Environment(self.env.cr, self.users[role].id, {})
        del self.asked[:]
        result, changed = None, {}
        with contextlib.suppress(RolledBack), self.env.cr.savepoint():
            try:
                result = call_kw(
                    env[model], name, list(arguments), {"context": context}
                )
                # What waits for the commit is done, too.
                self.env.cr.flush()
            except REFUSED as error:
                result = str(error)
            except psycopg2.IntegrityError:
                result = "The database says what was not filled in."
            except Exception as error:  # noqa: BLE001 - it is reported
                if "Expected singleton" in str(error):
                    return False
                self.faults.append(f"{where} crashed: {error!r:.200}")
            else:
                self.look_at(where, env, result, (arguments, context))
                changed = self.rows(self.newly_touched())
            raise RolledBack
        self.env.transaction.clear()
        made = self.compare(where, env.uid, changed)
        self.look_for(where, result, (arguments, context, made, known))
        if self.asked:
            self.faults.append(f"{where} asked a switch")
        return True

    def call_each(self, role, model, name, ids, arguments, context=None):
        """The same of records: together, and one by one where they must be."""
        if self.call(role, model, name, (ids, *arguments), context):
            return
        for id_ in ids:
            self.call(role, model, name, ([id_], *arguments), context)

    def newly_touched(self):
        """Tables that were written to since the last look, by a refused call or not."""
        self.env.cr.execute(WRITTEN_TO)
        before, self.touched = self.touched, set(self.env.cr.fetchall())
        return {name for name, *_counts in self.touched - before}

    def rows(self, tables):
        """The rows of tables: dict table -> dict id -> (digest, company, creator)."""
        found = {}
        for name in sorted(tables):
            self.env.cr.execute(
                SQL(
                    "SELECT to_jsonb(t)->>'id', md5(t::text),"
                    " (to_jsonb(t)->>'company_id')::int,"
                    " (to_jsonb(t)->>'create_uid')::int FROM %s t",
                    SQL.identifier(name),
                )
            )
            found[name] = {
                (id_ or digest): (digest, *rest)
                for id_, digest, *rest in self.env.cr.fetchall()
            }
        return found

    def compare(self, where, uid, after):
        """No row of the company may be other than before, and no job be started.

        :param after: rows of the tables that a call wrote to, as it left them
        :return: list of the ids that are new
        """
        made = []
        for table, rows in self.rows(after).items():
            for key, row in rows.items():
                same = after[table].get(key) == row
                if not same and not self.is_own(table, key, row, uid):
                    self.faults.append(f"{where} changed {table} {key}")
            for key in after[table].keys() - rows.keys():
                made.append(key)
                company = after[table][key][1]
                if company == self.company.id or table == "ir_cron_trigger":
                    self.faults.append(f"{where} made {table} {key}")
        return made

    def is_own(self, table, key, row, uid):
        """Whether a row is of the user, or of the user's own company."""
        if table == "res_company":
            return key == str(self.other.id)
        return row[1] == self.other.id or row[2] == uid

    # === WHAT AN ANSWER SHOWS === #

    def look_for(self, where, answer, given):
        """No text and no id of the company that was not in the question."""
        text, question = (json.dumps(what, default=str) for what in (answer, given))
        if SECRET in text:
            at = text.index(SECRET)
            self.faults.append(f"{where} shows {text[max(0, at - 80) : at + 60]}")
        shown = set(OWN_ID.findall(text)) - set(OWN_ID.findall(question))
        if shown:
            self.faults.append(f"{where} tells the ids {sorted(shown)[:5]}")

    def look_at(self, where, env, result, given):
        """Open an action as the client would."""
        if not isinstance(result, dict):
            return
        for action in (result, (result.get("params") or {}).get("next")):
            model = isinstance(action, dict) and action.get("res_model")
            if not model:
                continue
            context = action.get("context") or {}
            if isinstance(context, str):
                context = safe_eval(context, {"uid": env.uid, "active_id": 1})
            domain = action.get("domain") or []
            if isinstance(domain, str):
                domain = safe_eval(domain, {"uid": env.uid, "active_id": 1})
            records = env[model].with_context(**context)
            with contextlib.suppress(*REFUSED):
                if action.get("res_id"):
                    found = records.browse(action["res_id"])
                    found.check_access("read")
                elif domain:
                    found = records.with_context(active_test=False).search(domain)
                else:
                    # The form of something new.
                    names = list(records._fields)
                    self.look_for(where, records.default_get(names), (given, context))
                    continue
                if any(id_ >= FIRST_ID for id_ in found.ids):
                    if not env[model]._transient:
                        self.faults.append(f"{where} opens {found}")
                self.look_for(where, found.mapped("display_name"), (given, context))

    def check(self):
        allowed = tuple(ALLOWED)
        faults = [fault for fault in self.faults if not fault.startswith(allowed)]
        self.assertFalse(faults, "\n".join(sorted(set(faults))))

    # === TESTS === #

    def test_the_context_is_known(self):
        """What methods take ids from beside their arguments is sent along above."""
        known = self.context_of("metered.source")
        for folder in ("models", "wizards", "ingest", "stored", "controllers"):
            for path in (MODULE / folder).rglob("*.py"):
                for key in CONTEXT_ID.findall(path.read_text(encoding="utf-8")):
                    self.assertIn(key, known, f"{path.name}: add it to context_of")

    @mute_logger("odoo.models.unlink", "odoo.sql_db")
    def test_methods(self):
        """Methods on records of the company, and on none."""
        for model, name in self.public_methods():
            records = self.every.get(model, self.env[model])
            is_model = getattr(getattr(self.registry[model], name), "_api_model", False)
            context = self.context_of(model)
            for role, arguments in itertools.product(ROLES, self.calls_of(model, name)):
                if is_model:
                    self.call(role, model, name, arguments)
                    self.call(role, model, name, arguments, context)
                    continue
                self.call(role, model, name, ([], *arguments), context)
                if not records._transient:
                    ids = records[-MOST:].ids
                    self.call_each(role, model, name, ids, arguments)
        self.check()

    @mute_logger("odoo.models.unlink", "odoo.sql_db")
    def test_dialogs(self):
        """Methods of a user's own dialogs that point at records of the company.

        However they came to do so: the dialogs are not made by the user's rights here.
        """
        for role, (model, name) in itertools.product(INSIDE, self.public_methods()):
            cls = self.registry[model]
            if not cls._transient or not model.startswith("metered."):
                continue
            if getattr(getattr(cls, name), "_api_model", False):
                continue
            for company in (self.company, self.other):
                dialog = self.insert(
                    self.env[model],
                    create_uid=self.users[role].id,
                    company_id=company.id,
                )
                for field in dialog._fields.values():
                    if field.type == "many2many" and field.store:
                        # Odoo's check of companies would not let it.
                        with patch.object(cls, "_check_company_auto", False):
                            dialog[field.name] = self.every[field.comodel_name][:1]
                self.env.flush_all()
                known = [
                    dialog[field.name].ids
                    for field in dialog._fields.values()
                    if field.relational and field.store
                ]
                for arguments in self.calls_of(model, name):
                    arguments = (dialog.ids, *arguments)
                    self.call(role, model, name, arguments, known=known)
        self.check()

    def check_framework(self, transient):
        """Call what every model has on records of the company, model by model."""
        for model in our_models(self.env):
            if self.registry[model]._transient != transient:
                continue
            ids = self.every[model][-MOST:].ids
            for role in ROLES:
                for name, arguments in self.framework_calls(model, ids).items():
                    # To the others no model is open at all.
                    if role in INSIDE or name in ("web_read", "write", "unlink"):
                        self.call(role, model, name, arguments)
        self.check()

    def framework_calls(self, model, ids):
        """Methods of the framework: name -> arguments."""
        names = [
            field.name
            for field in self.env[model]._fields.values()
            if not field.groups and field.name != "raw_record"
        ]
        spec = {name: {} for name in names}
        values = write_values(self, model)
        row = [str(ids[0]), *map(str, values.values())]
        return {
            "web_read": (ids, spec),
            "write": (ids, values),
            "unlink": (ids,),
            "copy": (ids,),
            "onchange": (ids[:1], {}, [], spec),
            "export_data": (ids, names),
            "web_save": (ids[:1], values, {"display_name": {}}),
            "web_search_read": ([], spec),
            "search_read": ([("id", "in", ids)], names),
            "formatted_read_group": ([], [], ["__count"]),
            "name_search": ("",),
            "name_create": (SECRET[:3],),
            "load": ([".id", *values], [row]),
            "default_get": (names,),
        }

    @mute_logger("odoo.models", "odoo.models.unlink", "odoo.sql_db")
    def test_framework(self):
        """The methods of the framework, on the company's records."""
        self.check_framework(transient=False)

    @mute_logger("odoo.models", "odoo.models.unlink", "odoo.sql_db")
    def test_framework_on_dialogs(self):
        """The same on dialogs that somebody of the company has open."""
        self.check_framework(transient=True)
