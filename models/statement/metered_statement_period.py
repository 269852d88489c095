# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dateutil.relativedelta import relativedelta

from odoo import api, models
from odoo.tools import SQL

from ...ingest.load import company_zone, customer_zone


class MeteredStatement(models.Model):
    """Statements of a period: on demand, and by the month, also without an invoice."""

    _inherit = "metered.statement"

    @api.model
    def _start_for_period(self, company, customers, date_from, date_to):
        """Have statements of a period made, in the background.

        Those that there are of the same period are replaced.

        :param company: ``res.company``
        :param customers: list of (commercial partner, currency)
        :param date_from, date_to: first day, first day after it
        :return: the statements that wait to be made
        """
        ids = [partner.id for partner, _currency in customers]
        before = self.search(
            [
                ("scope", "=", "period"),
                ("is_current", "=", True),
                ("company_id", "=", company.id),
                ("partner_id", "in", ids),
                ("date_from", "=", date_from),
                ("date_to", "=", date_to),
            ]
        )
        wanted = {(partner.id, currency.id) for partner, currency in customers}
        before.filtered(
            lambda one: (one.partner_id.id, one.currency_id.id) in wanted
        ).write({"is_current": False})
        self.flush_model(["is_current"])
        made = self.create(
            [
                {
                    "name": self._next_number(company),
                    "scope": "period",
                    "company_id": company.id,
                    "partner_id": partner.id,
                    "currency_id": currency.id,
                    "date_from": date_from,
                    "date_to": date_to,
                    "time_zone": customer_zone(partner, company_zone(company)),
                    "lang": partner.lang or self.env.lang,
                    "masking": partner._metered_masking(company, date_from).as_json(),
                }
                for partner, currency in customers
            ]
        )
        if made:
            made._enqueue()
        return made

    @api.model
    def _customers_of_period(self, company, date_from, date_to, partner=None):
        """Who has usage in a period, with its currencies.

        :param partner: only of this commercial partner; None: of all
        :return: list of (commercial partner who pays, currency)
        """
        self.env["metered.usage"].flush_model()
        conditions = SQL("TRUE")
        if partner is not None:
            family = partner.with_company(company)._metered_family()
            conditions = SQL("partner_id = ANY(%s)", family.ids)
        elif company.metered_statement_monthly == "open":
            conditions = SQL("invoice_line_id IS NULL")
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT partner_id, currency_id FROM metered_usage
                 WHERE company_id = %s AND day >= %s AND day < %s AND %s
                 ORDER BY 1, 2
                """,
                company.id,
                date_from,
                date_to,
                conditions,
            )
        )
        partners = self.env["res.partner"].browse([row[0] for row in rows])
        payers = partners.with_company(company)._metered_payers()
        found = {}
        for partner_id, currency_id in rows:
            owner = partners.browse(partner_id).commercial_partner_id.sudo()
            payer = partner or payers.get(owner, owner)
            key = payer.id, currency_id
            found[key] = payer, self.env["res.currency"].browse(currency_id)
        return list(found.values())

    def _read_carried(self):
        """What the customer carries forward: see :meth:`_metered_carried`."""
        return [
            one
            for one in self.partner_id._metered_carried(self.company_id)
            if one["currency"] == self.currency_id and one["amount"]
        ]

    @api.model
    def _cron_monthly(self):
        """Start the statements of the month that is over, of each company once."""
        companies = self.env["res.company"].search(
            [("metered_statement_monthly", "!=", False)]
        )
        for company in companies:
            today = company._metered_today()
            until = today.replace(day=1)
            if today.day < company.metered_statement_day or (
                company.metered_statement_month
                and company.metered_statement_month >= until
            ):
                continue
            begin = until - relativedelta(months=1)
            statements = self.with_company(company)
            statements._start_for_period(
                company,
                statements._customers_of_period(company, begin, until),
                begin,
                until,
            )
            company._set_as_program({"metered_statement_month": until})
