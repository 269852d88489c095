# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What alerts of all subscriptions take of an import: marks, and the check after it."""

from types import SimpleNamespace

import pandas as pd
from effort import Effort

from odoo import Command

from odoo.addons.metered_billing.ingest.marks import mark_alerts
from odoo.addons.metered_billing.ingest.run import CHUNK_RECORDS


def measure(env, operator, records):
    """Mark the customers of each chunk, and check their subscriptions once.

    :param operator: :class:`workload.Workload`
    :param records: of the import
    :return: (processor seconds of client and server while no threshold is reached,
        the same for each one that is); what was written is taken back
    """
    alert = env["metered.alert"].create(
        {"name": "Bench", "threshold_ids": [Command.create({"value": 10**9})]}
    )
    marks = env["metered.alert.mark"].sudo()
    company = operator.source.company_id
    settings = SimpleNamespace(
        company_id=company.id, alert_partners=marks._alert_partners(company)
    )
    usage = pd.DataFrame({"partner_id": operator.partners.ids})

    def seconds():
        env.flush_all()
        env.invalidate_all()
        with Effort.measure(env.cr) as effort:
            for _chunk in range(0, records, CHUNK_RECORDS):
                mark_alerts(env.cr, usage, settings)
            marks._check()
            env.flush_all()
        return effort.processor

    seconds()  # What is loaded once is no import's.
    unreached = seconds()
    alert.threshold_ids = [Command.create({"value": 0.01})]
    reached = seconds() - unreached
    told = env["metered.alert.event"].sudo().search_count([])
    env.cr.rollback()
    env.invalidate_all()
    env.registry.clear_cache()
    return unreached, reached / max(told, 1)
