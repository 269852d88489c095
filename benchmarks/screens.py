# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Every list and form of this module, beside Odoo's own list and form of invoices.

Opening one is what the browser asks for it: the views, and the first 80 records with
the columns of the list, or all fields of the form with the lists in it. There are as
many invoices as a page shows. All of it is rolled back.
"""

import statistics
from dataclasses import dataclass
from datetime import datetime

import synthetic
from effort import Effort
from lxml import etree

from odoo.tools.safe_eval import safe_eval

PAGE = 80
COUNT_LIMIT = 10_001
ROUNDS = 5
STOCK = "account.action_move_out_invoice_type"
MOST_SHOWN = 10


@dataclass
class Opened:
    """A screen: what it is, how many records it showed, processor seconds."""

    name: str
    rows: int
    seconds: float


def measure(env, operator):
    """How long lists and forms take, in times of the invoices'.

    :return: (ratio of the slowest list, ratio of the slowest form)
    """
    with env.cr.savepoint() as kept:
        _invoice(operator.subscriptions[:PAGE])
        lists, forms = [], []
        stock = env.ref(STOCK)
        for action in [stock, *_actions(env, stock.res_model)]:
            lists.append(_open_list(env, action))
            forms.append(_open_form(env, action))
        kept.rollback()
    env.invalidate_all()
    return _told("lists", lists), _told("forms", forms)


def _invoice(subscriptions):
    end = datetime.fromtimestamp(synthetic.BEGIN).date()
    for subscription in subscriptions:
        if subscription.recurring_next_date >= end:
            subscription.generate_invoice()


def _actions(env, stock):
    """The actions of this module that open lists of records that are kept."""
    data = env["ir.model.data"].search(
        [("module", "=", "metered_billing"), ("model", "=", "ir.actions.act_window")]
    )
    found = {}
    for action in env["ir.actions.act_window"].browse(data.mapped("res_id")):
        model = env.get(action.res_model)
        has_list = "list" in action.view_mode.split(",")
        if model is None or model._transient or not has_list or model._name == stock:
            continue
        found.setdefault((model._name, action.domain), action)
    return found.values()


def _open_list(env, action):
    model, view = _model(env, action), _view(action, "list")

    def opened():
        arch = model.get_views([(view, "list"), (False, "search")])["views"]["list"]
        fields = _specification(model, etree.fromstring(arch["arch"]))
        return model.web_search_read(
            _domain(action, env), fields, limit=PAGE, count_limit=COUNT_LIMIT
        )["records"]

    return _opened(env, action, opened)


def _open_form(env, action):
    model, view = _model(env, action), _view(action, "form")
    record = model.search(_domain(action, env), limit=1)

    def opened():
        arch = model.get_views([(view, "form"), (False, "search")])["views"]["form"]
        return record.web_read(_specification(model, etree.fromstring(arch["arch"])))

    return _opened(env, action, opened)


def _opened(env, action, opened):
    seconds = []
    for _round in range(ROUNDS):
        env.flush_all()
        env.invalidate_all()
        with Effort.measure(env.cr) as effort:
            rows = opened()
        seconds.append(effort.processor)
    return Opened(
        f"{action.name} ({action.res_model})", len(rows), statistics.median(seconds)
    )


def _model(env, action):
    context = safe_eval(action.context or "{}", {"uid": env.uid, "active_id": False})
    return env[action.res_model].with_context(**context)


def _domain(action, env):
    return safe_eval(action.domain or "[]", {"uid": env.uid, "active_id": False})


def _view(action, kind):
    own = action.view_ids.filtered(lambda one: one.view_mode == kind).view_id
    if not own and action.view_id.type == kind:
        own = action.view_id
    return own.id


def _specification(model, arch):
    """What the browser asks for a view: its fields, and those of the lists in it."""
    found = {}
    for node in arch.xpath(".//field[not(ancestor::field)]"):
        field = model._fields[node.get("name")]
        asked = {}
        if field.relational:
            asked = {"fields": {"display_name": {}}}
            lists = node.xpath("./list | ./kanban")
            if lists and field.type != "many2one":
                inner = model.env[field.comodel_name]
                asked["fields"] = _specification(inner, lists[0])
                asked["limit"] = 40
        found[field.name] = asked
    return found


def _told(what, opened):
    """Print the slowest, and return how much slower than stock that one is."""
    stock, *ours = opened
    shown = [one for one in ours if one.rows]
    shown.sort(key=lambda one: one.seconds, reverse=True)
    print(f"  {what}: {len(shown)} with records, {len(ours) - len(shown)} without")
    for one in [stock, *shown[:MOST_SHOWN]]:
        print(
            f"    {one.name:<62}{one.rows:>4} rows{one.seconds * 1000:>8.0f} ms"
            f"{one.seconds / stock.seconds:>7.2f}",
            flush=True,
        )
    return shown[0].seconds / stock.seconds
