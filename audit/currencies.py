# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Currencies: their smallest unit, and what one is in another on a day."""

from decimal import Decimal

from .exact import exact, rounded

_UNITS = "SELECT id, rounding::text FROM res_currency"
# What one unit of the company's currency is: of the last day that has a rate, the
# company's own before that of all.
_RATE = """
    SELECT rate FROM res_currency_rate
     WHERE currency_id = %(currency)s AND name <= %(day)s
       AND (company_id IS NULL OR company_id = (
            SELECT split_part(parent_path, '/', 1)::int FROM res_company
             WHERE id = %(company)s))
     ORDER BY company_id NULLS LAST, name DESC LIMIT 1
"""


class Currencies:
    """The currencies of a database, and the rates of a company.

    :param company: id
    """

    def __init__(self, cursor, company):
        self.cursor, self.company = cursor, company
        cursor.execute(_UNITS)
        self.units = {number: exact(unit) for number, unit in cursor.fetchall()}

    def rounded(self, amount, currency):
        """An amount in whole units of a currency, half up."""
        unit = self.units[currency]
        return rounded(amount / unit, 0) * unit

    def ratio(self, of, to, day):
        """What one of a currency is in another, as people see it.

        :return: Fraction
        """
        if of == to:
            return exact(1)
        # The shortest text of the rate is the rate that people see.
        return exact(Decimal(repr(self._rate(to, day) / self._rate(of, day))))

    def _rate(self, currency, day):
        values = {"company": self.company, "currency": currency, "day": day}
        self.cursor.execute(_RATE, values)
        row = self.cursor.fetchone()
        return float(row[0]) if row else 1.0
