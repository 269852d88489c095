# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A record that comes in late, of a customer with a calling plan.

It takes its place among the calls of its billing period: it may take of the allowance,
and another call is charged then. So the calls of that customer and period are looked
at. What it costs must be a matter of their number, not of how many calls others made:
it is measured with few and with ten times as many of others in the same table, and for
a customer with few calls of its own.
"""

import statistics
import time
from dataclasses import dataclass

import imports
import numpy as np
import synthetic
import workload

from odoo import Command

ROUNDS = 7
#: calls of the customer with many, in times of those of the one with few
TIMES_MORE = 100
#: how many calls of others there are at last, in times of the first measurement
TIMES_OTHERS = 10
#: of the calls' seconds that are included; so some calls are charged, and change
INCLUDED = 0.5


@dataclass(frozen=True)
class LateFigures:
    """Seconds of one late record, medians.

    :ivar few_others: of the customer with many calls, few of others in the table
    :ivar many_others: the same, ten times as many of others
    :ivar small: of the customer with few calls, many of others
    """

    few_others: float
    many_others: float
    small: float
    calls: int


def measure(env, operator, folder, records):
    """Measure late records; takes back all imports before, and what it made after.

    :param operator: :class:`workload.Workload`
    :param folder: where files may be written
    :param records: calls of others at last; a tenth of them are the customer's own
    :return: :class:`LateFigures`
    """
    imports.clear(env)
    calls = records // 10
    late = _Late(env, operator, folder)
    late.import_calls(operator.numbers, records // TIMES_OTHERS)
    many = late.make_customer(1, calls)
    small = late.make_customer(2, max(calls // TIMES_MORE, 1))
    few_others = late.seconds_of(many)
    late.import_calls(operator.numbers, records - records // TIMES_OTHERS)
    figures = LateFigures(
        few_others, late.seconds_of(many), late.seconds_of(small), calls
    )
    late.clean_up()
    return figures


class _Late:
    """Files of calls, and customers whose records come in late."""

    def __init__(self, env, operator, folder):
        self.env, self.operator, self.folder = env, operator, folder
        self.plans = env["metered.calling.plan"]
        self.subscriptions = env["sale.subscription"]
        self.serial = 0

    def import_calls(self, numbers, records):
        """Import a month of calls, from a switch of its own: ids begin anew."""
        self.serial += 1
        path = self.folder / f"late-{self.serial}.csv"
        synthetic.write_calls(str(path), records, numbers, self.operator.prefixes)
        self._process(self._source(), path)
        path.unlink()

    def _source(self):
        count = self.env["metered.source"].search_count([])
        return workload.make_source(self.env, f"Bench switch {count}")

    def make_customer(self, rank, calls):
        """A customer with included minutes, and its calls of the month."""
        env = self.env(context={**self.env.context, "tracking_disable": True})
        number = 12_125_990_000 + rank
        partner = env["res.partner"].create({"name": f"Late {rank}"})
        env["metered.identifier"].create(
            {"partner_id": partner.id, "kind": "number", "value": f"+{number}"}
        )
        minutes = calls * synthetic.MEAN_SECONDS * INCLUDED / 60
        plan = env["metered.calling.plan"].create(
            {
                "name": f"Late {rank}",
                "allowance_ids": [
                    Command.create({"name": "Minutes", "amount": round(minutes)})
                ],
            }
        )
        product = env["product.product"].create(
            {"name": plan.name, "type": "service", "metered_plan_id": plan.id}
        )
        subscription = self.operator.subscriptions[0].copy(
            {
                "partner_id": partner.id,
                "stage_id": self.operator.subscriptions[0].stage_id.id,
                "in_progress": True,
                "sale_subscription_line_ids": [
                    Command.clear(),
                    Command.create({"product_id": product.id, "name": plan.name}),
                ],
            }
        )
        subscription.write(
            {"date_start": "2026-06-01", "recurring_next_date": "2026-07-01"}
        )
        self.plans |= plan
        self.subscriptions |= subscription
        env.cr.commit()
        self.import_calls(np.array([number]), calls)
        return number

    def seconds_of(self, number):
        """Seconds from a file with one call to its charge and those that change."""
        source = self._source()
        imports.outside_transaction(self.env, "VACUUM ANALYZE metered_cdr")
        imports.outside_transaction(self.env, "VACUUM ANALYZE metered_usage")
        imports.checkpoint(self.env)
        path = self.folder / "late.csv"
        seconds = []
        for round_ in range(ROUNDS):
            path.write_text(
                "call_id,start_time,duration,caller,callee,direction,disposition\n"
                f"late-{round_},2026-06-{round_ + 2:02d} 15:00:00,200,{number},"
                "+12125550199,outbound,ANSWERED\n"
            )
            seconds.append(self._process(source, path))
        return statistics.median(seconds)

    def _process(self, source, path):
        batch = imports.take_file(self.env, source, path)
        self.env.cr.commit()
        begun = time.perf_counter()
        batch._process(commit=self.env.cr.commit)
        seconds = time.perf_counter() - begun
        marked = self.env["metered.plan.mark"].search_count([])
        imports.compare(
            [("the batch's balance", batch.balance, "ok"), ("marks left", marked, 0)]
        )
        return seconds

    def clean_up(self):
        """Leave no plan behind: what is measured next is without."""
        imports.clear(self.env)
        self.env.cr.execute("DELETE FROM metered_allowance_balance")
        self.env.invalidate_all()
        self.subscriptions.sale_subscription_line_ids.unlink()
        self.subscriptions.unlink()
        self.env["product.template"].search(
            [("metered_plan_id", "in", self.plans.ids)]
        ).unlink()
        self.plans.unlink()
        self.env.cr.commit()
