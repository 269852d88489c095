# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Fetch a source's topics in a process of its own, until somebody ends it.

Run by scripts/odoo_env.py with the id of a source, the messages of a portion, and of
how many records there are in the end. Prints a line for each commit after which more is
stored, and goes on after whatever happens to the broker.
"""

import sys
import time

from odoo.addons.metered_billing.connectors.kafka import source as kafka

COUNT = "SELECT count(*) FROM metered_cdr WHERE source_id = %s"


def main(env, source_id, portion, wanted):
    """Sync after sync."""
    # pylint: disable=invalid-commit
    kafka.FIRST_MESSAGES = kafka.MOST_MESSAGES = kafka.TAKEN = portion
    cr = env.cr

    def commit():
        cr.commit()
        cr.execute(COUNT, (source_id,))
        sys.stdout.write(f"stored {cr.fetchone()[0]}\n")
        sys.stdout.flush()
        cr.commit()

    while True:
        cr.rollback()
        env.invalidate_all()
        cr.execute(COUNT, (source_id,))
        if cr.fetchone()[0] >= wanted:
            return
        source = env["metered.source"].browse(source_id)
        # Each worker has a sync of its own, as those of several hosts have.
        account = env["metered.source.account"]
        values = source._prepare_sync("manual", account, None, None)
        sync = env["metered.sync"].create(values)
        cr.commit()
        while sync.state in ("queued", "running"):
            if not sync._process(commit=commit) or sync.state == "queued":
                # Others are at the partitions, or the broker is away.
                time.sleep(0.2)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
