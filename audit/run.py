# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""An audit of a database: every company, or one, on all days or some."""

import datetime

from .calls import Calls
from .findings import Findings
from .meters import Meters
from .plan_taken import read_allowances
from .plans import Plans
from .read_rates import read_rates
from .registers import Registers
from .usage import Usage

_COMPANIES = """
    SELECT id, name FROM res_company
     WHERE id IN (SELECT company_id FROM metered_usage)
     ORDER BY id
"""
_METERS = "SELECT id, code FROM metered_meter"


class Scope:
    """What is audited: one company, from one day until before another.

    :ivar values: dict of these, for queries
    """

    def __init__(self, findings, company, name, meters, first, end):
        self.findings, self.company, self.name = findings, company, name
        self.meters = meters
        self.values = {"company": company, "first": first, "end": end}

    def tally(self, subject, meter):
        """The `findings.Tally` of a meter.

        :param meter: id
        """
        return self.findings.of(self.name, subject, self.meters.get(meter, "?"))


def audit(cursor, first=None, end=None, companies=None):
    """Rate what is stored again, and compare.

    Nothing is written.

    :param cursor: of a database with this module
    :param first, end: days of usage, from `first` until before `end`; None is open
    :param companies: ids; None: all
    :return: `findings.Findings`
    """
    first = first or datetime.date.min
    end = end or datetime.date.max
    findings = Findings()
    book, rates = read_rates(cursor)
    allowances = read_allowances(cursor)
    cursor.execute(_METERS)
    meters = dict(cursor.fetchall())
    cursor.execute(_COMPANIES)
    for company, name in cursor.fetchall():
        if companies is not None and company not in companies:
            continue
        scope = Scope(findings, company, name, meters, first, end)
        calls = Calls(cursor, scope, book, rates, allowances)
        calls.compare()
        Usage(cursor, scope, calls.charges).compare()
        Plans(cursor, scope, book, rates).compare()
        Meters(cursor, scope).compare()
        Registers(cursor, scope).compare()
    return findings
