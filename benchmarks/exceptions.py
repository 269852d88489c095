# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Half a million exceptions: how long the screens wait, and how fast they are cured.

All of them come in by one import: calls of 5,000 numbers that nobody has, one of which
made a fifth of them. The questions are those that the browser asks, put as a user.
"""

import base64
import csv
import io
import time

from call_details import _print_times, _specification, _user

RECORDS = 500_000
NUMBERS = 5_000
BUSY = "+12025550000"
#: one of so many calls is of the busy number
BUSY_EVERY = 5
PAGE = 80


def measure(env):
    """Import, look, assign the busy number, and try its calls again."""
    source = env["metered.source"].create(
        {
            "name": "Exceptions",
            "preset": "generic",
            "timezone": "UTC",
            "max_age_days": 0,
            "future_hours": 24 * 365 * 100,
        }
    )
    begun = time.perf_counter()
    batch = env["metered.batch"].browse(
        env["metered.batch"].import_file(
            source.id, "nobody.csv", base64.b64encode(_calls()).decode()
        )
    )
    env.cr.commit()
    batch._process(commit=env.cr.commit)
    seconds = time.perf_counter() - begun
    print(f"\n  {batch.exceptions:,} exceptions came in in {seconds:.1f} s")
    user = _user(env)
    _look(user, "with as many exceptions, before any vacuum")
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr.execute("VACUUM ANALYZE metered_exception")
    env.cr._cnx.autocommit = False
    _look(user, "the same, after the database has tidied up")
    _cure(env, user, batch)


def _look(env, title):
    print(f"\n  Exceptions, {title}: ms, first and median")
    Cause = env["metered.exception.cause"]
    columns = _specification(Cause)
    open_ = [("state", "=", "open")]

    def causes():
        return Cause.web_search_read(open_, columns, limit=PAGE)["length"]

    def grouped():
        return Cause.web_read_group(
            open_, ["reason"], ["records:sum", "estimate:sum_currency"], limit=PAGE
        )["length"]

    _print_times(Cause, "causes", causes)
    _print_times(Cause, "causes by reason", grouped)
    Exception_ = env["metered.exception"]
    columns = _specification(Exception_)
    cause = Cause.search(open_, limit=1)
    domain = list(cause._exceptions_domain())

    def records():
        return Exception_.web_search_read(
            domain, columns, limit=PAGE, count_limit=10_001
        )["length"]

    _print_times(Exception_, f"records of a cause of {cause.records:,}", records)


def _cure(env, user, batch):
    partner = env["res.partner"].create({"name": "Busy"})
    env.cr.commit()
    cause = user["metered.exception.cause"].search([("cause", "=", f"number {BUSY}")])
    begun = time.perf_counter()
    action = cause.action_assign()
    wizard = user[action["res_model"]].with_context(**action["context"])
    wizard = wizard.create({"partner_id": partner.id})
    opened = time.perf_counter()
    wizard.action_assign()
    user.cr.commit()
    clicked = time.perf_counter()
    job = env["metered.exception.job"].search([], limit=1)
    job._process(commit=env.cr.commit)
    done = time.perf_counter() - clicked
    env.invalidate_all()
    print(
        f"\n  assigning a number with {job.expected:,} calls: the wizard opens in"
        f" {opened - begun:.2f} s, the click takes {clicked - opened:.2f} s,\n"
        f"  the job {done:.1f} s: {job.cured / done:,.0f} calls a second;"
        f" control totals: {batch.balance}"
    )
    undo = time.perf_counter()
    batch._undo()
    while batch.state == "undoing":
        batch._process_undo(commit=env.cr.commit)
    print(f"  undoing the import takes {time.perf_counter() - undo:.1f} s")


def _calls():
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("call_id", "start_time", "duration", "caller", "callee"))
    for number in range(RECORDS):
        caller = f"+1202555{1 + number % NUMBERS:04d}" if number % BUSY_EVERY else BUSY
        writer.writerow(
            (
                f"e{number}",
                f"2026-05-{1 + number % 28:02d} {number % 24:02d}:{number % 60:02d}:00",
                number % 600,
                caller,
                f"+1212555{number % 10_000:04d}",
            )
        )
    return text.getvalue().encode()
