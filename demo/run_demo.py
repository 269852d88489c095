# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""From an empty database to posted invoices: a month of calls of twelve customers.

Run by ``./dev demo``. Imports the month of a real Asterisk, rates it, renews every
customer's subscription, posts the invoices and prints one of them. Then compares calls
and seconds with the control totals, and every amount with an independent calculation;
ends with an error when one differs.
"""

import base64
import datetime
import os
import shutil
import sys
import time
from decimal import Decimal
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

import carried  # noqa: E402
import disputed  # noqa: E402
import evidence  # noqa: E402
import hacked  # noqa: E402
import measured  # noqa: E402
import price_book  # noqa: E402
import pushed  # noqa: E402
import set_up  # noqa: E402
from compare import Compare, invoiced_usage, stored_charges  # noqa: E402
from servers.netsapiens import API_KEY, NetSapiensServer  # noqa: E402
from switch import make_demo_domains  # noqa: E402

from odoo.addons.metered_billing.audit.run import audit  # noqa: E402

FILE = FOLDER / "asterisk" / "Master.csv"
#: some calls of days later that cannot be billed yet, for the list of exceptions
LATER = FOLDER / "asterisk_november.csv"
RENEWAL = datetime.date.fromisoformat(set_up.DUE)


class Clock:
    """Prints each step with its time and, where records pass, their speed."""

    def __init__(self):
        self.begun = time.monotonic()

    def step(self, text, records=0):
        now = time.monotonic()
        seconds, self.begun = now - self.begun, now
        speed = f"{records / seconds:12,.0f} records/s" if records else ""
        print(f"  {text:<52}{seconds:8.2f} s{speed}", flush=True)


def main(env):
    """Run the demo; the exit status: 0 when everything agrees."""
    print("Metered Billing: a month of calls, from the switch to the invoice\n")
    clock = Clock()
    set_up.set_up_company(env)
    decks = set_up.make_decks(env, FOLDER)
    rates = sum(deck.rate_count for deck in decks.values())
    env.cr.commit()
    clock.step(f"{len(decks)} rate decks with {rates:,} rates", rates)
    source = set_up.make_source(env)
    partners = set_up.make_customers(env, FOLDER, source, decks)
    subscriptions = set_up.make_subscriptions(env, partners)
    env.cr.commit()
    clock.step(f"{len(partners)} customers, identifiers, subscriptions")
    thames = partners["Thames Print Ltd"]
    gateway = set_up.make_texts(env, thames, subscriptions[thames])
    texts = import_file(env, gateway, FOLDER / "texts.csv")
    kiosk = carried.make_subscription(env, subscriptions[thames], gateway.meter_id)
    import_content(env, gateway, "kiosk.csv", carried.content())
    clock.step("a metered product, its price, and texts imported", texts.records)
    price_book.make_plan(env, subscriptions[partners[price_book.PLAN_CUSTOMER]])
    price_book.make_costs(env, FOLDER)
    golden = price_book.make_golden_calls(env, partners["Blue Mesa Logistics"])
    measured.make_service(env, partners[measured.CUSTOMER])
    clock.step("a calling plan, the carrier's costs, golden calls, a level")
    batch = import_file(env, source, FILE)
    clock.step(f"import {FILE.name}: read, rate, store", batch.records)
    invoices = renew(env, subscriptions)
    clock.step(f"{len(invoices)} renewals and invoices posted", len(invoices))
    statements = make_statements(env)
    clock.step(f"{len(statements)} statements as PDF, XLSX, and CSV")
    pdf = print_invoice(env, invoices[thames])
    clock.step(f"invoice as PDF: {pdf.name}" if pdf else "no PDF: no wkhtmltopdf")
    synced = sync_switch(env)
    clock.step("connect a NetSapiens switch, sync its customers", synced.records)
    later = import_file(env, source, LATER)
    clock.step("calls that cannot be billed yet", later.records)
    hotel = partners[pushed.CUSTOMER]
    program = pushed.make_source(env, hotel, subscriptions[hotel])
    alert = pushed.make_alert(env, subscriptions[hotel])
    accepted = pushed.push(env, program)
    levels = pushed.triggered(env, alert)
    clock.step("events pushed by a program, and rated", accepted)
    tried = price_book.try_deck(env, decks)
    margins = price_book.find_margins(env)
    price_book.rate_again(env, partners[price_book.PLAN_CUSTOMER])
    credit = price_book.credit_texts(env, thames, gateway.meter_id)
    env.cr.commit()
    clock.step("what if, margins, usage rated again", tried.records + margins.records)
    dispute = disputed.settle(env, invoices[partners[disputed.CUSTOMER]])
    env.cr.commit()
    clock.step("a dispute: one call credited, one refused", 2)
    alarm = hacked.raise_alarm(env, partners[hacked.CUSTOMER])
    clock.step("a phone system that was hacked last night", alarm.calls)
    verified = seal(env)
    clock.step("usage sealed, and verified", verified["records"])
    pack = evidence.make(env, invoices[thames])
    clock.step("evidence of an invoice: its usage done again", pack.records)
    compare = Compare(env, FOLDER, partners, RENEWAL)
    compare.stored_calls(stored_charges(env, batch), invoices)
    compare.texts(invoices[thames], credit)
    compare.expect(
        "calls at one time",
        measured.found(invoices[partners[measured.CUSTOMER]]),
        measured.expected(compare.calls, RENEWAL),
    )
    compare.expect("events accepted", accepted, pushed.DAYS * pushed.A_DAY)
    quote = pushed.quoted(subscriptions[hotel])
    compare.expect("events in the quote", quote, pushed.expected())
    compare.expect("thresholds of an alert", levels, [8, 10])
    compare.expect("credited", dispute.credited, disputed.expected(dispute))
    compare.expect("the dispute's log", dispute._verify(), [])
    compare.expect("statements", statements.mapped("adds_up"), [True] * len(invoices))
    compare.expect("carried", carried.found(kiosk), carried.expected())
    compare.expect("findings in sealed usage", verified["findings"], [])
    compare.expect("differences when done again", pack.differences, 0)
    compare.expect("evidence", evidence.check(pack), "Everything fits.")
    compare.what_if(tried)
    compare.margins(margins)
    compare.golden(golden)
    compare.expect("calls of the fraud alarm", alarm.calls, hacked.CALLS)
    compare.expect("calls that cannot be billed", later.exceptions, later.records)
    clock.step("compare with control totals and an own calculation")
    audited = audit(env.cr)
    compare.audit(audited)
    clock.step("audit: everything rated again by tables alone", audited.compared)
    problems = compare.problems + synced.problems
    print_table(env, batch, partners, invoices)
    print_batch(batch)
    for problem in problems:
        print(f"DIFFERS: {problem}")
    if problems:
        return 1
    print("Calls, seconds and amounts agree with the control totals and with an")
    print("independent calculation of every call.")
    if pdf:
        print(f"PDF: {pdf}")
    print_address(env, partners)
    return 0


def import_file(env, source, file):
    """Import a file through the public way in; the job runs here to be timed."""
    return import_content(env, source, file.name, file.read_bytes())


def import_content(env, source, name, content):
    """The same, of a file that is not on the disk."""
    content = base64.b64encode(content).decode()
    batch_id = env["metered.batch"].import_file(source.id, name, content)
    env.cr.commit()
    batch = env["metered.batch"].browse(batch_id)
    batch._process(commit=env.cr.commit)
    return batch


def renew(env, subscriptions):
    """Renew what is due on 1 November, as the scheduled action does.

    :return: dict partner -> posted ``account.move``
    """
    run = env["metered.renewal"].create(
        {
            "company_id": env.company.id,
            "date": RENEWAL,
            "expected": len(subscriptions),
        }
    )
    run._process(commit=env.cr.commit)
    for failure in run.failure_ids:
        raise RuntimeError(f"{failure.subscription_id.name}: {failure.reason}")
    return {
        partner: subscription.metered_period_ids.invoice_id
        for partner, subscription in subscriptions.items()
    }


def make_statements(env):
    """Make the statements that wait since the invoices were posted."""
    statements = env["metered.statement"].search([("state", "=", "queued")])
    for statement in statements:
        statement._process(commit=env.cr.commit)
    return statements


def seal(env):
    """Seal the days and invoices so far, and compare usage with its seals.

    :return: as ``metered.seal.verify`` does
    """
    while env["metered.seal"]._seal_slice(env.company):
        env.cr.commit()
    verified = env["metered.seal"].verify()
    env.cr.commit()
    return verified


class Synced:
    """What came in from the switch: records, and what is not as it should be."""

    def __init__(self):
        self.records, self.problems = 0, []


def sync_switch(env):
    """Connect to a NetSapiens server on this machine, and sync two customers from it.

    The server ends with this; ``./dev`` has another one there while it serves.
    """
    synced = Synced()
    domains = make_demo_domains(datetime.datetime.now(datetime.UTC).date())
    with NetSapiensServer(domains) as server:
        source = set_up.make_switch(env, server.url, API_KEY, domains)
        env.cr.commit()
        for check in source._test_connection():
            if not check.ok:
                synced.problems.append(f"{source.name}: {check.name}: {check.detail}")
        for sync in source._start_syncs("manual"):
            sync._process(commit=env.cr.commit)
            synced.records += sync.records
            if sync.state != "done":
                synced.problems.append(f"{sync.display_name}: {sync.error}")
        if gaps := source.gap_count:
            synced.problems.append(f"{source.name}: {gaps} days with gaps")
    legs = sum(len(domain.legs) for domain in domains)
    if synced.records != legs:
        synced.problems.append(f"{source.name}: {synced.records} of {legs} records")
    env.cr.commit()
    return synced


def print_invoice(env, invoice):
    """Print an invoice to PDF where wkhtmltopdf is installed.

    :return: path, or None
    """
    if not shutil.which("wkhtmltopdf"):
        return None
    report = env["ir.actions.report"]
    content, _kind = report._render_qweb_pdf("account.account_invoices", invoice.ids)
    env.cr.commit()
    path = Path(os.environ.get("METERED_OUTPUT", ".")) / (
        invoice.name.replace("/", "-") + ".pdf"
    )
    path.write_bytes(content)
    return path


def print_table(env, batch, partners, invoices):
    """The short table: customer, calls, minutes, amount, invoice."""
    charges = stored_charges(env, batch)
    print(
        f"\n  {'Customer':<24}{'Calls':>7}{'Minutes':>10}{'Rated':>12}"
        f"{'Invoiced':>11}  Invoice"
    )
    for name, partner in partners.items():
        calls, seconds, amount = charges[partner.id]
        invoice = invoices[partner]
        print(
            f"  {name:<24}{calls:>7,}{Decimal(seconds) / 60:>10,.1f}{amount:>12,.4f}"
            f"{invoiced_usage(invoice):>11,.2f}  {invoice.name}"
        )
    print(
        "  (Invoiced is the usage of October; calls of November wait for the next "
        "renewal.)\n"
    )


def print_batch(batch):
    """The control totals of the import."""
    print(
        f"  {batch.records:,} records = {batch.rated:,} rated + "
        f"{batch.not_billable:,} not billable + {batch.duplicates:,} duplicates + "
        f"{batch.exceptions:,} exceptions; {batch.rated:,} rated = "
        f"{batch.invoiced:,} invoiced + {batch.uninvoiced:,} open\n"
    )


def print_address(env, partners):
    """Where to look at it."""
    url = os.environ.get("METERED_URL") or env["ir.config_parameter"].get_param(
        "web.base.url"
    )
    partner = partners["Thames Print Ltd"]
    print(f"\n  {url}/odoo/res.partner/{partner.id}   (login admin, password admin)")
    login = disputed.LOGIN
    print(f"  {url}/my/usage   (what a customer sees: {login}, password {login})")


if __name__ == "__main__":
    sys.exit(main(env))  # noqa: F821  (given by whoever runs this script)
