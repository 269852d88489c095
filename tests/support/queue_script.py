# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What the tests of the job runner do inside Odoo.

Run by scripts/odoo_env.py: ``start NAME URL PARALLEL FROM TO DOMAIN...`` makes a source
with an account for each domain and starts their syncs, ``again NAME FROM TO DOMAIN...``
starts those of a source that is there; TO may be empty. ``cron`` runs the scheduled
action until nothing waits. They print what the source says of who works them off.
"""

# The workers see only what is committed.
# pylint: disable=invalid-commit

import sys
from datetime import datetime

from odoo.addons.metered_billing.demo.servers.netsapiens import API_KEY


def start(env, name, url, parallel, begin, end, *domains):
    """Make a source, its customers and their syncs."""
    deck = env["metered.rate.deck"].search([("name", "=", "Queue")], limit=1)
    if not deck:
        deck = env["metered.rate.deck"].create({"name": "Queue", "timezone": "UTC"})
        env["metered.rate"].create(
            {"deck_id": deck.id, "price": 0.0371, "initial_increment": 6}
        )
    source = env["metered.source"].create(
        {
            "name": name,
            "source_type": "netsapiens",
            "address": url,
            "api_key": API_KEY,
            "allowed_networks": "127.0.0.1",
            "parallel": int(parallel),
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
            "max_age_days": 0,
            "future_hours": 24 * 365 * 100,
            "sync_hours": 0,
        }
    )
    partners = env["res.partner"].create(
        [{"name": f"{name} {domain}", "metered_deck_id": deck.id} for domain in domains]
    )
    env["metered.source.account"].create(
        [
            {"source_id": source.id, "name": domain, "partner_id": partner.id}
            for domain, partner in zip(domains, partners, strict=True)
        ]
    )
    again(env, name, begin, end, *domains)


def again(env, name, begin, end, *domains):
    """Start the syncs of these domains."""
    source = env["metered.source"].search([("name", "=", name)])
    sys.stdout.write(f"{source.sync_worker}\n")
    accounts = source.account_ids.filtered(lambda account: account.name in domains)
    moments = [datetime.fromisoformat(text) if text else None for text in (begin, end)]
    source._start_syncs("manual", accounts, *moments)
    env.cr.commit()


def cron(env):
    """Run the scheduled action as often as Odoo would."""
    source = env["metered.source"].search([], limit=1)
    sys.stdout.write(f"{source.sync_worker}\n")
    action = env.ref("metered_billing.ir_cron_sync")
    while env["metered.sync"].search_count([("state", "in", ("queued", "running"))]):
        action.method_direct_trigger()
        env.cr.commit()


if __name__ == "__main__":
    work = {"start": start, "again": again, "cron": cron}[sys.argv[1]]
    work(env, *sys.argv[2:])  # noqa: F821  (given by odoo_env.py)
