# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Compares what the product stored and invoiced with two other sources.

With the control totals of the switch, and with the slow calculation of
`independent.py`.
"""

import csv
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

from independent import Calculation
from price_book import DAYS, PLAN, PLAN_CUSTOMER, TRIED


class Compare:
    """Finds what differs.

    :param env: Odoo's environment
    :param folder: path with the demo's files
    :param partners: dict name -> ``res.partner``
    :param renewal: first day that was not billed
    """

    def __init__(self, env, folder, partners, renewal):
        self.env, self.folder, self.partners = env, folder, partners
        self.renewal = renewal
        self.calculation = Calculation(folder)
        self.calls = self.calculation.calls_with_plan(
            PLAN_CUSTOMER, PLAN, [DAYS[0], renewal]
        )
        self.problems = []

    def expect(self, where, found, expected):
        """Note what is not as it should be."""
        if found != expected:
            self.problems.append(f"{where}: {found}, expected {expected}")

    def stored_calls(self, charges, invoices):
        """Calls, seconds, charges and invoiced usage of each customer."""
        with (self.folder / "asterisk" / "control.csv").open(encoding="utf-8") as lines:
            control = {row["customer"]: row for row in csv.DictReader(lines)}
        total = defaultdict(Decimal)
        october = defaultdict(lambda: defaultdict(Decimal))
        for call in self.calls:
            total[call.customer] += call.due
            if call.day < self.renewal:
                october[call.customer][call.call_type] += call.due
        for name, partner in self.partners.items():
            calls, seconds, amount = charges.get(partner.id, (0, 0, Decimal(0)))
            row = control[name]
            self.expect(f"{name}, calls", calls, int(row["answered_outbound_calls"]))
            self.expect(f"{name}, seconds", seconds, int(row["total_billsec"]))
            self.expect(f"{name}, amount", amount, total[name])
            self.expect(
                f"{name}, invoiced usage",
                invoiced_usage(invoices[partner]),
                # An invoice line is the exact sum of a call type, rounded once.
                sum(map(to_cents, october[name].values()), Decimal(0)),
            )

    def texts(self, invoice, credit):
        """The lines of texts with their price: 100 free, then 0.05 each.

        Agreed on afterwards were 0.04: a cent of each is credited.
        """
        lines = invoice.invoice_line_ids.filtered("metered_price_id").sorted("id")
        found = [(line.quantity, line.price_unit) for line in lines]
        self.expect("Texts", found, [(100.0, 0.0), (37.0, 0.05)])
        credited = [(move.move_type, move.amount_untaxed) for move in credit]
        self.expect("Texts credited", credited, [("out_refund", 0.37)])

    def what_if(self, run):
        """What each customer would have paid for October with next year's deck.

        Not of the customer with a calling plan, whose minutes are included in part.
        """
        tried = defaultdict(Decimal)
        for call in Calculation(self.folder, retail=TRIED).calls():
            if call.day < self.renewal and call.customer != PLAN_CUSTOMER:
                tried[call.customer] += call.charge
        self._compare_run("what if", run, tried)

    def margins(self, run):
        """What the calls of October cost at the carrier's, and which below cost."""
        costs, below = defaultdict(Decimal), 0
        for call in self.calls:
            cost = self.calculation.cost(call.number, call.seconds)
            if call.day < self.renewal and cost is not None:
                costs[call.customer] += cost
                below += cost > call.due
        found = run.below
        self.expect("calls sold below cost", found, below)
        self._compare_run("cost", run, costs)

    def _compare_run(self, what, run, expected):
        self.env.cr.execute(
            """
            SELECT partner_id, sum(after)::text FROM metered_simulation_line
             WHERE simulation_id = %s GROUP BY partner_id
            """,
            (run.id,),
        )
        found = {key: Decimal(text) for key, text in self.env.cr.fetchall()}
        for name, amount in expected.items():
            self.expect(f"{name}, {what}", found.get(self.partners[name].id), amount)

    def audit(self, findings):
        """What the audit rates again is what is stored, and is not nothing."""
        for tally in findings.tallies.values():
            for one in tally.worst:
                self.problems.append(f"{one.what}: {one.stored}, audit {one.found}")
            self.expect("audit: calls of another rate today", tally.changed, 0)
            self.expect("audit: left out", dict(tally.left_out), {})
        self.expect("calls audited", findings.count("calls") >= len(self.calls), True)

    def golden(self, calls):
        """What was promised holds."""
        for call in calls:
            self.expect(call.display_name, call.verdict, "same")


def stored_charges(env, batch):
    """What the product charged, per customer: calls, seconds, exact amount."""
    env.cr.execute(
        """
        SELECT partner_id, count(*), sum(quantity)::bigint, sum(charge)::text
          FROM metered_cdr WHERE batch_id = %s AND state = 'rated'
         GROUP BY partner_id
        """,
        (batch.id,),
    )
    return {row[0]: (row[1], row[2], Decimal(row[3])) for row in env.cr.fetchall()}


def invoiced_usage(invoice):
    """The sum of the lines of calls of an invoice, as they stand on it."""
    lines = invoice.invoice_line_ids.filtered(
        lambda line: line.metered_usage_ids and not line.metered_price_id
    )
    return sum((Decimal(str(line.price_subtotal)) for line in lines), Decimal(0))


def to_cents(amount):
    """Rounded half up, as the company's currency is."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)
