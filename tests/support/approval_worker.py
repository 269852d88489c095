# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Post what was approved in a process of its own; a durability test runs and kills it.

Run by scripts/odoo_env.py with the id of an approval. Prints a line for each portion
that it committed.
"""

import sys


def main(env, approval_id):
    """Post, committing portion by portion."""
    approval = env["metered.approval"].browse(approval_id)
    env.cr.commit()

    def commit():
        env.cr.commit()
        sys.stdout.write(f"committed {approval.records}\n")
        sys.stdout.flush()

    approval._process(commit=commit)


if __name__ == "__main__":
    main(env, *map(int, sys.argv[1:]))  # noqa: F821  (given by odoo_env.py)
