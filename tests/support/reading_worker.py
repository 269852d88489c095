# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Find what counters counted in a process of its own; a durability test kills it.

Run by scripts/odoo_env.py with how many portions it commits; then it waits before the
next commit, to be killed there. Prints a line for each.
"""

import sys
import threading

from odoo.addons.metered_billing.models.counter import metered_register_book

#: registers that are committed together
PORTION = 2


def main(env, portions):
    """Book registers, committing portion by portion."""
    metered_register_book.PORTION = PORTION
    left = [portions]

    def commit():
        if not left[0]:
            sys.stdout.write("waits\n")
            sys.stdout.flush()
            threading.Event().wait()
        left[0] -= 1
        env.cr.commit()
        sys.stdout.write("committed\n")
        sys.stdout.flush()

    env["metered.register"]._book(commit=commit)


if __name__ == "__main__":
    main(env, int(sys.argv[1]))  # noqa: F821  (given by odoo_env.py)
