# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""`./dev audit`: rates a database again, and says what differs."""

import argparse
import datetime
import sys

import psycopg2

from .run import audit


def main(arguments=None):
    """Audit a database; the exit status: 0 where everything agrees."""
    parser = argparse.ArgumentParser(prog="./dev audit", description=__doc__)
    parser.add_argument("database")
    parser.add_argument("--month", help="days of usage, as 2026-10")
    parser.add_argument("--from", dest="first", help="first day, as 2026-10-01")
    parser.add_argument("--before", help="first day that is not looked at any more")
    parser.add_argument("--company", type=int, action="append", help="its number")
    parser.add_argument("--examples", type=int, default=3, help="of each difference")
    options = parser.parse_args(arguments)
    first, before = (
        datetime.date.fromisoformat(day) if day else None
        for day in (options.first, options.before)
    )
    if options.month:
        first = datetime.date.fromisoformat(options.month + "-01")
        before = (first + datetime.timedelta(days=31)).replace(day=1)
    connection = psycopg2.connect(dbname=options.database)
    # One state of the database, of which nothing is changed.
    connection.set_session("REPEATABLE READ", readonly=True)
    with connection, connection.cursor() as cursor:
        findings = audit(cursor, first, before, options.company)
    for line in findings.lines(options.examples):
        sys.stdout.write(line + "\n")
    return 1 if findings.different else 0


if __name__ == "__main__":
    sys.exit(main())
