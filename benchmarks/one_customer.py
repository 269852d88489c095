# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a customer with many calls sees: the list in the portal, and the statement."""

import statistics
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile

import imports
import memory
import psutil
import synthetic
from effort import Effort

from odoo import Command
from odoo.tools import mute_logger

from odoo.addons.metered_billing.models.portal.metered_portal_calls import Asked
from odoo.addons.metered_billing.statement.pages import write_pdf
from odoo.addons.metered_billing.statement.table import write_csv
from odoo.addons.metered_billing.statement.workbook import write_xlsx

STATEMENT_CALLS = 100_000
ROUNDS = 5
LOGIN = "bench-portal"


@dataclass
class Found:
    """Processor seconds of client and server; MiB by which this process grew."""

    page: float
    later_page: float
    filtered: float
    pdf: float
    xlsx: float
    csv: float
    pdf_mb: float


def measure(env, operator, folder, records):
    """Import calls of one customer, and look at them; it stays.

    :param operator: :class:`workload.Workload`
    :param folder: where a file may be written
    :param records: of the customer, in the portal
    :return: :class:`Found`
    """
    partner = operator.partners[0]
    calls = min(STATEMENT_CALLS, records)
    _import(env, operator, folder / "statement.csv", calls)
    files, pdf_mb = _statement(env, partner)
    _import(env, operator, folder / "portal.csv", records)
    return Found(*_pages(env, partner), *files, pdf_mb)


def _import(env, operator, path, records):
    imports.clear(env)
    totals = synthetic.write_calls(
        str(path), records, operator.numbers[:1], operator.prefixes
    )
    imports.run_import(env, operator.source, path, totals)


# === STATEMENT === #


def _statement(env, partner):
    """(processor seconds of the PDF, the workbook, the CSV file; MiB of the PDF)."""
    company = env.company
    company.metered_statement_rows = 10 * STATEMENT_CALLS
    begin = datetime.fromtimestamp(synthetic.BEGIN).date() - timedelta(days=1)
    statement = env["metered.statement"]._start_for_period(
        company,
        [(partner, company.currency_id)],
        begin,
        begin + timedelta(days=synthetic.DAYS + 2),
    )
    fonts = company._metered_fonts()

    def pdf(file):
        content = statement._content()
        write_pdf(content.pages(), content.formats, file, *fonts)

    idle = psutil.Process().memory_info().rss
    # The most memory from here on, where the system counts it.
    Path("/proc/self/clear_refs").write_text("5")
    found = []
    for write in (
        pdf,
        lambda file: write_xlsx(statement._content().workbook(), file),
        lambda file: write_csv(statement._content().table(), file),
    ):
        with TemporaryFile() as file, Effort.measure(env.cr) as effort:
            write(file)
        found.append(effort.processor)
        if write is pdf:
            grown = memory.peak() - idle
    return found, grown / memory.MIB


# === PORTAL === #


def _pages(env, partner):
    """Processor seconds of the first page, of a later one, and of one by charge."""
    user = _user(env, partner)
    portal = env(user=user.id)["metered.portal"].sudo()
    begin = datetime.fromtimestamp(synthetic.BEGIN).date()
    last = begin + timedelta(days=synthetic.DAYS)
    month = {"since": begin.isoformat(), "until": last.isoformat()}
    first = Asked.from_texts(month, last)
    middle = date.fromordinal(begin.toordinal() + synthetic.DAYS // 2)
    later = f"{middle.isoformat()}.{int(1e6) * (synthetic.BEGIN + 15 * 86_400)}.0"
    found = []
    for asked in (
        first,
        Asked.from_texts({**month, "after": later}, last),
        Asked.from_texts({**month, "least": "0.05"}, last),
    ):
        seconds = []
        for _round in range(ROUNDS):
            env.invalidate_all()
            with Effort.measure(env.cr) as effort:
                page = portal._calls_page(user, asked)
                portal._call_filters(user)
            seconds.append(effort.processor)
        imports.compare([("calls on a page", len(page.calls), 80)])
        found.append(statistics.median(seconds))
    return found


def _user(env, partner):
    with mute_logger("odoo.addons.mail.models.mail_mail"):
        user = (
            env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "name": LOGIN,
                    "login": LOGIN,
                    "group_ids": [Command.set(env.ref("base.group_portal").ids)],
                }
            )
        )
    user.partner_id.write(
        {"parent_id": partner.id, "type": "contact", "metered_portal_calls": True}
    )
    partner.is_company = True
    return user
