# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Run pylint several times, each with arguments of its own; exits with 1 if any fails.

In one process: what pylint reads of Odoo, numpy, and the addon to know what a call
returns is most of its work, and is read once.

The arguments of the runs are parted by ``--then``.
"""

import sys

from pylint.lint import Run


def main(arguments):
    """Run them all, whatever the first one finds."""
    runs = [[]]
    for argument in arguments:
        if argument == "--then":
            runs.append([])
        else:
            runs[-1].append(argument)
    results = [Run(run, exit=False).linter.msg_status for run in runs]
    return int(any(results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
