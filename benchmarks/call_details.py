# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The Call Details screen on ten million records: what it asks, and how long it waits.

The records of one import are repeated for the months before it. The questions are those
that the browser asks for the screen's own filters, put as a user of the module.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import imports
import synthetic
from lxml import etree

from odoo import Command
from odoo.exceptions import UserError

REPEATS = 3
#: ids between one copy of the usage and the next
STEP = 10_000_000
PAGE = 80
#: how far the browser counts
COUNT_LIMIT = 10_001
GROUPED = ("charge:sum", "billed_quantity:sum", "quantity:sum")


def measure(env, operator, records):
    """Fill the table with so many records and print how long each question takes."""
    invoice = _bill_one(env, operator)
    fill(env, records)
    Cdr = _user(env)["metered.cdr"]
    specification = _specification(Cdr)
    print(f"\n  Call Details with {_count(env):,} records: ms, first and median")
    for label, domain, order in _questions(env, operator, invoice):

        def page(domain=tuple(domain), order=order):
            return Cdr.web_search_read(
                list(domain),
                specification,
                limit=PAGE,
                order=order,
                count_limit=COUNT_LIMIT,
            )["length"]

        _print_times(Cdr, label, page)
    month = _month(0)
    for label, groups, domain in (
        ("grouped by customer, one month", ["partner_id"], month),
        ("grouped by call type, one month", ["meter_id"], month),
        ("grouped by day, one month", ["start_time:day"], month),
        ("grouped by customer, everything", ["partner_id"], []),
    ):

        def grouped(domain=tuple(domain), groups=tuple(groups)):
            try:
                return Cdr.web_read_group(
                    list(domain), list(groups), GROUPED, limit=PAGE
                )["length"]
            except UserError as error:
                return error

        _print_times(Cdr, label, grouped)
    _measure_dashboard(Cdr)


def _measure_dashboard(Cdr):
    """How long the app's first screen waits for its figures."""
    Dashboard = Cdr.env["metered.dashboard"]
    begin = datetime.fromtimestamp(synthetic.BEGIN, UTC).date()
    last_day = begin + timedelta(days=synthetic.DAYS - 1)
    with patch.object(type(Dashboard), "_today", lambda _self: last_day):
        _print_times(
            Dashboard,
            "dashboard, this month",
            lambda: Dashboard.get_dashboard("this_month")["totals"]["calls"]["value"],
        )
        span = Dashboard._span("this_month")
        currency = Cdr.env.company.currency_id
        _print_times(
            Dashboard,
            "of it: destinations, estimated",
            lambda: len(Dashboard._destinations(span, currency)["rows"]),
        )


def fill(env, records):
    """Repeat the imported records, a month earlier each time, up to this number."""
    cr = env.cr
    months = records // _count(env)
    for month in range(1, months):
        values = {"usage": month * STEP, "days": month * synthetic.DAYS}
        cr.execute(
            """
            INSERT INTO metered_usage (
                id, company_id, partner_id, subscription_id, meter_id, day,
                currency_id, records, quantity, billed_quantity, amount)
            SELECT id + %(usage)s, company_id, partner_id, subscription_id, meter_id,
                   day - %(days)s, currency_id, records, quantity, billed_quantity,
                   amount
              FROM metered_usage WHERE id < 10000000
            """,
            values,
        )
        cr.execute(
            """
            INSERT INTO metered_cdr (
                company_id, source_id, batch_id, line, call_id, start_time, duration,
                quantity, billed_quantity, direction, caller, callee, state, rule_id,
                meter_id, destination_id, partner_id, identifier_id, usage_id, rate_id,
                band_id, charge, currency_id)
            SELECT company_id, source_id, batch_id, line,
                   to_char(%(days)s, 'FM000') || '.' || call_id,
                   start_time - %(days)s * interval '1 day', duration, quantity,
                   billed_quantity, direction, caller, callee, state, rule_id,
                   meter_id, destination_id, partner_id, identifier_id,
                   usage_id + %(usage)s, rate_id, band_id, charge, currency_id
              FROM metered_cdr WHERE start_time >= %(begin)s ORDER BY id
            """,
            {**values, "begin": _moment(0)},
        )
        cr.commit()
        print(f"  {_count(env):,} records", flush=True)
    # What autovacuum would do in the minutes after.
    for table in ("metered_cdr", "metered_usage"):
        imports.outside_transaction(env, f"VACUUM ANALYZE {table}")


def _questions(env, operator, invoice):
    """(label, domain, order) of the lists that the screen shows."""
    few = operator.partners[-1]
    many = operator.partners[0]
    callee = _a_callee(env)
    drill_down = invoice.action_view_metered_cdrs()["domain"]
    return [
        ("as it opens", [], None),
        ("sorted by charge", [], "charge desc"),
        ("this month", _month(0), None),
        ("a month of last year", _month(9), None),
        ("largest customer", [("partner_id", "child_of", many.ids)], None),
        ("smallest customer", [("partner_id", "child_of", few.ids)], None),
        (
            "smallest customer, this month",
            [("partner_id", "child_of", few.ids), *_month(0)],
            None,
        ),
        ("to 44...", _begins("callee", "44"), None),
        ("to one number", _begins("callee", callee[1:]), None),
        ("to a number that nobody called", _begins("callee", "449999999999"), None),
        (
            "from one number",
            _begins("caller", few.metered_identifier_ids.normalised[1:]),
            None,
        ),
        (
            "to one number, this month",
            [*_begins("callee", callee[1:]), *_month(0)],
            None,
        ),
        ("one call id", [("call_id", "=", _a_call_id(env))], None),
        ("calls of an invoice", drill_down, None),
        ("calls of an invoice (search)", [("invoice_id", "=", invoice.id)], None),
        ("calls of an invoice (number)", [("invoice_id", "ilike", invoice.name)], None),
        ("not billable", [("state", "=", "not_billable")], None),
        (
            "not invoiced",
            [("state", "=", "rated"), ("usage_id.invoice_line_id", "=", False)],
            None,
        ),
        ("invoiced", [("usage_id.invoice_line_id", "!=", False)], None),
        ("one import", [("batch_id", "=", _batch(env))], None),
    ]


def _begins(name, digits):
    """The domain of the search view for the first digits of a number."""
    return ["|", (name, "=like", f"{digits}%"), (name, "=like", f"+{digits}%")]


def _moment(months_before):
    days = months_before * synthetic.DAYS
    moment = time.gmtime(synthetic.BEGIN - days * 86_400)
    return time.strftime("%Y-%m-%d %H:%M:%S", moment)


def _month(before):
    return [
        ("start_time", ">=", _moment(before)),
        ("start_time", "<", _moment(before - 1)),
    ]


def _bill_one(env, operator):
    """Renew one subscription, so that there is an invoice to look into."""
    subscription = operator.subscriptions[-1:]
    subscription.generate_invoice()
    invoice = subscription.invoice_ids
    if invoice.state == "draft":
        invoice.action_post()
    env.cr.commit()
    return invoice


def _user(env):
    """An environment of a user of the module, with the record rules that he has."""
    user = env["res.users"].create(
        {
            "name": "Bench",
            "login": "bench",
            "group_ids": [
                Command.link(env.ref("metered_billing.group_metered_user").id),
                Command.link(env.ref("account.group_account_invoice").id),
            ],
        }
    )
    env.cr.commit()
    return env(user=user)


def _specification(Cdr):
    """What the list asks for: all columns of the view, names for references."""
    arch = etree.fromstring(Cdr.get_view(view_type="list")["arch"])
    return {
        node.get("name"): (
            {"fields": {"display_name": {}}}
            if Cdr._fields[node.get("name")].type == "many2one"
            else {}
        )
        for node in arch.iter("field")
    }


def _print_times(Cdr, label, question):
    times = []
    for _repeat in range(REPEATS):
        Cdr.env.invalidate_all()
        begun = time.perf_counter()
        found = question()
        times.append((time.perf_counter() - begun) * 1000)
        Cdr.env.cr.commit()
    median = statistics.median(times)
    told = f"refused: {found}" if isinstance(found, UserError) else f"{found:,} found"
    print(
        f"    {label:<38}{times[0]:>9,.0f}{median:>9,.0f}   {told}",
        flush=True,
    )


def _count(env):
    env.cr.execute("SELECT count(*) FROM metered_cdr")
    return env.cr.fetchone()[0]


def _a_callee(env):
    env.cr.execute(
        "SELECT callee FROM metered_cdr WHERE callee LIKE '+1%%' ORDER BY id LIMIT 1"
    )
    return env.cr.fetchone()[0]


def _a_call_id(env):
    env.cr.execute("SELECT call_id FROM metered_cdr ORDER BY id LIMIT 1")
    return env.cr.fetchone()[0]


def _batch(env):
    env.cr.execute("SELECT max(id) FROM metered_batch")
    return env.cr.fetchone()[0]
