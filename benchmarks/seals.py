# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Verifying the seals of a month of usage, and of a long chain; all is rolled back."""

import imports
from effort import Effort

#: seals that a chain of some years has: days, and invoices of many customers
CHAIN = 100_000


def measure(env):
    """Seal what is stored, and verify it.

    :return: (:class:`effort.Effort` of sealing, of verifying, seconds of the processors
        to look at a chain of :data:`CHAIN` seals)
    :raises imports.Disagreement: when the seals do not fit
    """
    with env.cr.savepoint() as kept:
        company, seals = env.company, env["metered.seal"]
        company.metered_sealing = True
        env.cr.execute("SELECT count(*) FROM metered_cdr WHERE usage_id IS NOT NULL")
        [records] = env.cr.fetchone()
        with Effort.measure(env.cr) as sealing:
            while seals._seal_slice(company):
                pass
        with Effort.measure(env.cr) as verifying:
            found = seals.verify()
        imports.compare(
            [
                ("the seals fit", found["findings"], []),
                ("records verified", found["records"], records),
            ]
        )
        _append(env, company, CHAIN)
        with Effort.measure(env.cr) as chain:
            wrong = seals._broken(company)
        imports.compare([("the chain fits", wrong, [])])
        kept.rollback()
    env.invalidate_all()
    return sealing, verifying, chain.processor


def _append(env, company, count):
    """Seals of invoices that are not there."""
    sums = [[1, company.currency_id.id, 500, "80000", "80000", "12.3456"]]
    for first in range(0, count, 10_000):
        env["metered.seal"]._append(
            company,
            [
                {
                    "kind": "invoice",
                    "invoice_id": False,
                    "invoice_name": f"INV/{first + number}",
                    "records": 500,
                    "sums": sums,
                    "digest": "0" * 64,
                    "reason": "posted",
                }
                for number in range(10_000)
            ],
        )
        env.flush_all()
        env.invalidate_all()
