# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""How fast it is: what ``./dev bench`` runs, in an empty database of its own.

One month of one operator: 2,000 customers, 20,000 prefixes, 3 time bands, a million
calls. The figures are measured one after the other on the same records; each target is
a ratio of two of them wherever it can be, so that it holds on another machine too.

Ends with an error when sums disagree, not when a target is missed.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import alert_check  # noqa: E402
import breakdown  # noqa: E402
import call_details  # noqa: E402
import exceptions  # noqa: E402
import forecasts  # noqa: E402
import fraud_check  # noqa: E402
import imports  # noqa: E402
import late_records  # noqa: E402
import levels  # noqa: E402
import memory  # noqa: E402
import one_customer  # noqa: E402
import pushes  # noqa: E402
import rating_plans  # noqa: E402
import rating_speed  # noqa: E402
import renewals  # noqa: E402
import rival  # noqa: E402
import screens  # noqa: E402
import seals  # noqa: E402
import syncs  # noqa: E402
import synthetic  # noqa: E402
import together  # noqa: E402
import topics  # noqa: E402
import what_if  # noqa: E402
import workload  # noqa: E402

RECORDS = 1_000_000
QUICK_RECORDS = 100_000
MORE_RECORDS = 5
DETAILS_RECORDS = 10_000_000
FIGURES = "abcdefghiklopqrstuvw"
#: records of each of the imports that run beside others
TOGETHER_RECORDS = 200_000
PUSHED = 100_000


@dataclass(frozen=True)
class Figure:
    """One line of the table; ``target`` is the limit, ``sign`` says of which kind."""

    key: str
    text: str
    unit: str = ""
    sign: str = ""
    target: float = 0

    def met(self, value):
        """Whether the target is met; None without one."""
        if not self.sign:
            return None
        return value <= self.target if self.sign == "<=" else value >= self.target


TABLE = (
    Figure("copy_s", "COPY of the finished rows", "s"),
    Figure("import_s", "whole import, file to stored CDRs and usage", "s"),
    Figure("import_over_copy", "import, in times of the COPY", "", "<=", 1.2),
    Figure("import_over_copy_processor", "in processor time of client and server"),
    Figure("orm_over_import_per_record", "ORM, in times of the import", "", ">=", 15),
    Figure("rating_per_s", "calls rated in a second, in memory", "", ">=", 1e6),
    Figure("plans_over_rating", "with plans and tiers, in times of it", "", "<=", 2),
    Figure("prepare_s", "file to rated calls in memory, processor", "s"),
    Figure("duckdb_s", "the same in DuckDB's SQL, processor", "s"),
    Figure("prepare_over_duckdb", "in times of DuckDB's", "", "<=", 1),
    Figure("fraud_over_import", "toll fraud, a month, of the import", "", "<=", 0.05),
    Figure("fraud_later_over_import", "after it, the days before the last"),
    Figure("fraud_day_over_import", "the same if all calls were of one day"),
    Figure("alerts_over_import", "alerts of 500 subscriptions", "", "<=", 0.05),
    Figure("concurrency_over_import", "calls at one time", "", "<=", 0.1),
    Figure("seals_s", "seals verified, processor", "s", "<=", 10),
    Figure("seal_chain_s", "a chain of 100,000 seals", "s", "<=", 10),
    Figure("portal_page_s", "a page of a million calls, processor", "s", "<=", 0.1),
    Figure("portal_later_s", "the same, of a day in the middle", "s", "<=", 0.1),
    Figure("portal_filtered_s", "the same, from a charge on", "s"),
    Figure("pdf_s", "PDF statement of 100,000 calls, processor", "s", "<=", 25),
    Figure("pdf_mb", "memory that it adds to the bench", "MiB", "<=", 200),
    Figure("xlsx_s", "the same as XLSX", "s", "<=", 15),
    Figure("csv_s", "the same as CSV", "s", "<=", 2),
    Figure("level_window_s", "a level, 100 million samples", "s", "<=", 0.5),
    Figure("level_over_samples", "by hours, in times of samples", "", "<=", 0.25),
    Figure("late_s", "a late record, of a customer with a tenth of all calls", "s"),
    Figure("late_over_fewer", "with 10 times as many of others", "", "<=", 1.5),
    Figure("late_over_small", "a customer with 100 times as many", "", "<=", 100),
    Figure("what_if_s", "what if, all calls, 500 customers with plans", "s", "<=", 10),
    Figure("what_if_processor_s", "in processor time of client and server", "s"),
    Figure("what_if_over_rating", "what if, in times of rating alone"),
    Figure("renewal_over_stock", "renewals, in times of stock", "", "<=", 1.5),
    Figure("list_over_stock", "slowest list, in times of invoices'", "", "<=", 1.3),
    Figure("form_over_stock", "slowest form, in times of an invoice's", "", "<=", 1.3),
    Figure("sync_pages_per_s", "NetSapiens, 50 ms an answer: pages downloaded", "/s"),
    Figure("sync_records_per_s", "records synced", "/s"),
    Figure("sync_over_download", "sync, in times of the download", "", "<=", 1.5),
    Figure("quick_sync_pages_per_s", "NetSapiens at once: pages downloaded", "/s"),
    Figure("quick_sync_records_per_s", "records synced", "/s"),
    Figure("quick_sync_over_download", "sync, in times of the download", "", "<=", 2.5),
    Figure("quick_sync_processor", "in processor time of client and server"),
    Figure(
        "pushed_per_s", "events pushed, 1,000 a request, 2 workers", "/s", ">=", 15_000
    ),
    Figure("pushed_processor_us", "processors for one of them, without HTTP", "µs"),
    Figure("pushed_over_copy", "in times of a COPY of them"),
    Figure("pushed_single_per_s", "events pushed one by one", "/s", ">=", 100),
    Figure("pushed_by_crowd_per_s", "the same by 8 at once, a worker killed", "/s"),
    Figure("push_ms", "100 new events in one request, 99 of 100 within", "ms"),
    Figure("push_over_empty", "in times of a request for nothing", "", "<=", 10),
    Figure("pushed_rated_over_import", "rated, in times of a file", "", "<=", 1.5),
    Figure("topic_per_s", "events of a Kafka topic, stored", "/s"),
    Figure("topic_over_import", "in times of a file of them", "", "<=", 1),
    Figure("topic_over_import_processor", "in processor time of client and server"),
    Figure("import_alone_per_s", "records imported in a second, alone", "/s"),
    Figure("import_beside_per_s", "the slower of two, beside other jobs", "/s"),
    Figure("beside_over_alone", "that, in times of alone", "", ">=", 1 / 3),
    Figure("import_1m_mb", "memory of the import above idle", "MiB", "<=", 600),
    Figure("import_5m_mb", "the same, five times the records", "MiB", "<=", 600),
    Figure("forecast_off", "forecast of a month, mean error on 5 days of it", "%"),
    Figure("forecast_over_line", "in times of the straight line's", "", "<=", 0.8),
    Figure("forecast_two_weeks", "the same, of two weeks of the demo", "", "<=", 0.8),
    Figure("forecast_as_it_is", "the same, of its month alone", "", "<=", 1),
)


def options():
    parser = argparse.ArgumentParser(description=__doc__, prog="./dev bench")
    parser.add_argument("--json", metavar="FILE", help="write the figures to it")
    parser.add_argument("--records", type=int, help=f"instead of {RECORDS:,}")
    parser.add_argument("--rounds", type=int, default=3, help="of COPY and import")
    parser.add_argument(
        "--only",
        type=lambda text: set(text.replace(",", "")),
        default=set(FIGURES),
        metavar="LETTERS",
        help="a COPY and b import (always both), c ORM, d rating, e renewals,"
        " f memory, g rating with plans and tiers, h NetSapiens sync, k a Kafka topic,"
        " i verifying seals, l a late record, o what one customer"
        " sees, p events pushed,"
        " q the calls in DuckDB's SQL,"
        " r forecasts of the running month,"
        " s lists and forms, t two imports beside other jobs, u toll fraud and alerts,"
        " v levels, w what if",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_RECORDS:,} records, and no memory of five times as many",
    )
    parser.add_argument(
        "--ids",
        choices=("serial", "uuid"),
        default="serial",
        help="call ids in order as Asterisk gives them, or in none as FreeSWITCH",
    )
    parser.add_argument(
        "--profile", action="store_true", help="where the import spends its time"
    )
    parser.add_argument(
        "--ten-million",
        action="store_true",
        help=f"only: the screens of Call Details on {DETAILS_RECORDS:,} records",
    )
    parser.add_argument(
        "--exceptions",
        action="store_true",
        help=f"only: {exceptions.RECORDS:,} exceptions, their screens and their cure",
    )
    chosen = parser.parse_args()
    chosen.records = chosen.records or (QUICK_RECORDS if chosen.quick else RECORDS)
    return chosen


def main(env):
    chosen = options()
    say("making the operator")
    operator = workload.set_up(env)
    env.cr.commit()
    if chosen.exceptions:
        exceptions.measure(env)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.csv"
        totals = write_calls(path, chosen.records, operator, chosen)
        if chosen.ten_million:
            imports.run_import(env, operator.source, path, totals)
            call_details.measure(env, operator, DETAILS_RECORDS)
            return 0
        figures = measure(env, chosen, operator, path, totals)
        if chosen.profile:
            breakdown.print_breakdown(env, operator.source, path, totals)
    print_table(figures)
    print_machine(env)
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(figures, indent=2) + "\n")
    return 0


def measure(env, chosen, operator, path, totals):
    """The figures that are wanted, by key."""
    source, figures = operator.source, {}
    say(f"COPY, the ORM way and import by turns, {chosen.rounds} rounds")
    found = imports.measure(
        env, source, path, totals, chosen.rounds, "c" in chosen.only
    )
    for number, (copy, whole) in enumerate(
        zip(found.copies, found.imports, strict=True)
    ):
        say(f"  COPY {copy}, import {whole}: {whole.wall / copy.wall:.2f}")
        if found.orm:
            orm = found.orm[number]
            times = orm * totals.records / whole.wall
            say(f"    the ORM way {orm * 1e6:,.0f} µs a record: {times:.1f}")
    say(f"  taking and checking the file before: {found.check_s:.2f} s")
    figures["copy_s"] = found.copy_s
    figures["import_s"] = found.import_s
    figures["import_over_copy"] = found.import_over_copy
    figures["import_over_copy_processor"] = found.import_over_copy_processor
    if found.orm:
        figures["orm_over_import_per_record"] = found.orm_over_import_per_record
    # These need the records of the import, the others an empty table.
    if "d" in chosen.only:
        say("rating")
        figures["rating_per_s"] = rating_speed.measure(env, source, chosen.records)
    if "g" in chosen.only:
        say("rating with plans and tiers")
        figures["plans_over_rating"] = rating_plans.measure(env, source)
    figures |= watch_figures(env, operator, chosen, found)
    figures |= level_figures(env, operator, chosen, found.import_processor_s)
    figures |= seal_figures(env, chosen)
    figures |= screen_figures(env, operator, chosen)
    if "q" in chosen.only:
        say("the same calls in DuckDB's SQL")
        ours, theirs = rival.measure(env, source, path, chosen.rounds)
        for mine, other in zip(ours, theirs, strict=True):
            say(f"  prepared {mine}, DuckDB {other}")
        figures["prepare_s"] = rival.processor_s(ours)
        figures["duckdb_s"] = rival.processor_s(theirs)
        figures["prepare_over_duckdb"] = rival.ratio(ours, theirs)
    if "w" in chosen.only:
        say("what if")
        effort, ratio = what_if.measure(env, operator, chosen.records)
        figures["what_if_s"], figures["what_if_over_rating"] = effort.wall, ratio
        figures["what_if_processor_s"] = effort.processor
    if "e" in chosen.only:
        say(f"{len(operator.subscriptions)} renewals")
        mine, stock, ratio = renewals.measure(env, operator.subscriptions)
        say(f"  {mine * 1000:.1f} ms with usage, {stock * 1000:.1f} ms stock")
        figures["renewal_over_stock"] = ratio
    if "h" in chosen.only:
        say("syncs of a NetSapiens switch")
        figures |= sync_figures(env, source, chosen)
    if "f" in chosen.only:
        say("memory")
        figures["import_1m_mb"] = memory_of(env, operator, path)
        if not chosen.quick:
            more = path.with_name("more.csv")
            write_calls(more, MORE_RECORDS * chosen.records, operator, chosen)
            figures["import_5m_mb"] = memory_of(env, operator, more)
    if "l" in chosen.only:
        say("a late record")
        late = late_records.measure(env, operator, path.parent, chosen.records)
        say(
            f"  customer with {late.calls:,} calls: {late.few_others:.2f} s with few "
            f"of others, {late.many_others:.2f} s with many; with few calls "
            f"{late.small:.2f} s"
        )
        figures["late_s"] = late.many_others
        figures["late_over_fewer"] = late.many_others / late.few_others
        figures["late_over_small"] = late.many_others / late.small
    figures |= customer_figures(env, operator, chosen, path.parent)
    if "t" in chosen.only:
        say("two imports, renewals and a re-rating at the same time")
        found = together.measure(
            env, operator, path.parent, min(TOGETHER_RECORDS, chosen.records)
        )
        for name, seconds in found.seconds:
            say(f"  {name}: {seconds:.1f} s")
        figures["import_alone_per_s"] = found.alone
        figures["import_beside_per_s"] = found.together
        figures["beside_over_alone"] = found.together / found.alone
    figures |= forecast_figures(chosen)
    figures |= topic_figures(env, operator, chosen, path.parent)
    return figures | push_figures(env, operator, chosen)


def level_figures(env, operator, chosen, import_processor_s):
    """Of calls at one time, and of graphs of samples."""
    if "v" not in chosen.only:
        return {}
    say("levels")
    seconds, read, customers = levels.concurrency(env)
    say(
        f"  calls at one time of {customers:,} customers: {seconds:.2f} s, "
        f"of it {read:.2f} s to read them"
    )
    found = levels.measure(env, operator, chosen.quick)
    say(
        f"  three months: {found.by_samples:.2f} s by samples, {found.by_hours:.3f} s "
        f"by hours; {found.window:.3f} s with {found.behind:,} samples behind"
    )
    return {
        "concurrency_over_import": seconds / import_processor_s,
        "level_window_s": found.window,
        "level_over_samples": found.by_hours / found.by_samples,
    }


def customer_figures(env, operator, chosen, folder):
    """Of what a customer with many calls sees."""
    if "o" not in chosen.only:
        return {}
    say("what one customer sees")
    seen = one_customer.measure(env, operator, folder, chosen.records)
    return {
        "portal_page_s": seen.page,
        "portal_later_s": seen.later_page,
        "portal_filtered_s": seen.filtered,
        "pdf_s": seen.pdf,
        "xlsx_s": seen.xlsx,
        "csv_s": seen.csv,
        "pdf_mb": seen.pdf_mb,
    }


def seal_figures(env, chosen):
    """Of verifying the seals of all that is stored."""
    if "i" not in chosen.only:
        return {}
    say("seals")
    sealing, verifying, chain = seals.measure(env)
    say(f"  sealed {sealing}, verified {verifying}")
    return {"seals_s": verifying.processor, "seal_chain_s": chain}


def watch_figures(env, operator, chosen, found):
    """Of looking for toll fraud, and of alerts: in processor time.

    :param found: :class:`imports.ImportFigures`
    """
    if "u" not in chosen.only:
        return {}
    say("toll fraud and alerts")
    of_import = found.import_processor_s
    fraud = fraud_check.measure(env, operator)
    alerts, told = alert_check.measure(env, operator, chosen.records)
    say(
        f"  fraud: {fraud.month:.2f} s in the import, {fraud.later:.2f} s later; "
        f"{fraud.one_day:.2f} s if all calls were of one day; "
        f"{alerts:.2f} s for alerts, and {told * 1000:.0f} ms for each that is told"
    )
    return {
        "fraud_over_import": fraud.month / of_import,
        "fraud_later_over_import": fraud.later / of_import,
        "fraud_day_over_import": fraud.one_day / of_import,
        "alerts_over_import": alerts / of_import,
    }


def screen_figures(env, operator, chosen):
    """Of lists and forms."""
    if "s" not in chosen.only:
        return {}
    say("lists and forms")
    lists, forms = screens.measure(env, operator)
    return {"list_over_stock": lists, "form_over_stock": forms}


def forecast_figures(chosen):
    """Of forecasts of the running month."""
    if "r" not in chosen.only:
        return {}
    say("forecasts of the demo's months")
    return forecasts.figures(say)


def push_figures(env, operator, chosen):
    """Of events that are pushed, and of their rating."""
    if "p" not in chosen.only:
        return {}
    say("events that are pushed")
    found = pushes.measure(env, operator, min(PUSHED, chosen.records))
    return {
        "pushed_per_s": found.accepted_per_s,
        "pushed_processor_us": found.processor_us,
        "pushed_over_copy": found.accepted_over_copy,
        "pushed_single_per_s": found.single_per_s,
        "pushed_by_crowd_per_s": found.crowd_per_s,
        "push_ms": found.hundred_ms,
        "push_over_empty": found.hundred_over_empty,
        "pushed_rated_over_import": found.rated_over_import,
    }


def topic_figures(env, operator, chosen, folder):
    """Of a Kafka topic."""
    if "k" not in chosen.only:
        return {}
    say("events of a Kafka topic, and a file of them, by turns")
    rounds = min(chosen.rounds, 2)
    found = topics.measure(env, operator, chosen.records, rounds, folder)
    return {
        "topic_per_s": found.per_s,
        "topic_over_import": found.over_import,
        "topic_over_import_processor": found.over_import_processor,
    }


def sync_figures(env, source, chosen):
    """Of a switch that takes some time to answer, and of one that does not."""
    figures = {}
    for seconds, name in ((syncs.ANSWER_SECONDS, "sync"), (0, "quick_sync")):
        found = syncs.measure(env, source, chosen.quick, chosen.rounds, seconds)
        say(f"  {found.pages:,} pages with {found.records:,} records a round")
        for download, whole in zip(found.downloads, found.syncs, strict=True):
            ratio = whole.wall / download.wall
            say(f"  download {download}, sync {whole}: {ratio:.2f}")
        figures |= {
            f"{name}_pages_per_s": found.pages_per_s,
            f"{name}_records_per_s": found.records_per_s,
            f"{name}_over_download": found.sync_over_download,
            f"{name}_processor": found.sync_over_download_processor,
        }
    return figures


def memory_of(env, operator, path):
    imports.clear(env)
    return memory.measure(env, imports.take_file(env, operator.source, path))


def write_calls(path, records, operator, chosen):
    return synthetic.write_calls(
        str(path), records, operator.numbers, operator.prefixes, chosen.ids
    )


def print_table(figures):
    print(f"\n  {'':<48}{'measured':>12}  {'target':<14}")
    for figure in TABLE:
        if figure.key not in figures:
            continue
        value = figures[figure.key]
        shown = f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}"
        target = f"{figure.sign} {figure.target:,g}" if figure.sign else ""
        verdict = {True: "met", False: "MISSED", None: ""}[figure.met(value)]
        print(f"  {figure.text:<48}{shown:>12} {figure.unit:<4}{target:<13}{verdict}")


def print_machine(env):
    """What it was measured on, and the database settings that matter."""
    names = ("server_version", "shared_buffers", "synchronous_commit", "fsync")
    names += ("max_wal_size", "wal_level")
    settings = []
    for name in names:
        env.cr.execute(f"SHOW {name}")
        settings.append(f"{name} {env.cr.fetchone()[0]}")
    load = os.getloadavg()[0]
    print(
        f"\n  {os.cpu_count()} cores {platform.machine()}, load {load:.1f}, Python "
        f"{platform.python_version()}\n  PostgreSQL: {', '.join(settings)}"
    )


def say(text):
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(env))  # noqa: F821  (given by whoever runs this script)
