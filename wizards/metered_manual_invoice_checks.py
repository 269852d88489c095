# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from markupsafe import Markup

from odoo import fields, models
from odoo.tools import format_date

from ..ingest.load_rates import deck_chain


class MeteredManualInvoice(models.TransientModel):
    """Whether what a customer's usage needs is there: sources, and rates."""

    _inherit = "metered.manual.invoice"

    def _checks(self, found):
        """What a customer's usage needs, and whether it is there.

        :return: list of (True, False or None for a mere remark, title, text)
        """
        words = self.env["metered.explanation"]
        checks = [*self._check_sources(), self._check_rates()]
        if found.lost and found.sums:
            checks.append(
                (
                    False,
                    self.env._("No rate"),
                    self.env._(
                        "Previously invoiced, but no rate matches now: %s. Calls "
                        "without a rate become exceptions when the invoice is created.",
                        words._calls(found.lost),
                    ),
                )
            )
        if found.rerated_records:
            checks.append(
                (
                    None,
                    self.env._("Re-rated"),
                    self.env._(
                        "Previously invoiced: %(calls)s, for %(before)s. With the "
                        "current rates: %(after)s.",
                        calls=words._calls(found.rerated_records),
                        before=self._format_sums(found.rerated_before),
                        after=self._format_sums(found.rerated_after),
                    ),
                )
            )
        checks += [*self._check_billed(), *self._check_periods()]
        if self.date_to >= fields.Date.context_today(self):
            checks.append(
                (
                    None,
                    self.env._("Period still running"),
                    self.env._(
                        "Records of these days that arrive later go on the "
                        "next invoice."
                    ),
                )
            )
        return checks

    def _unbilled_domain(self):
        partner = self.partner_id.with_company(self.company_id)
        return partner._metered_unbilled_domain()

    def _check_periods(self):
        """Which fees are on no invoice, and not on this one either."""
        unbilled = self.env["metered.period"].sudo().search(self._unbilled_domain())
        return [
            (
                False,
                self.env._("Fees without invoice"),
                self.env._(
                    "This invoice includes usage only. The fees of %(subscription)s "
                    "for the period %(days)s are not on any invoice. Use Bill This "
                    "Period Again to invoice them together with the usage.",
                    subscription=period.subscription_id.name,
                    days=period.display_name,
                ),
            )
            for period in unbilled
        ]

    def _check_floor(self, amount):
        """Whether a renewal would wait for more: this invoice does not.

        :param amount: float, in the currency of the invoice
        """
        company, currency = self.company_id, self._invoice_currency()
        partner = self.partner_id.sudo().with_company(company)
        subscriptions = self.env["sale.subscription"].sudo()
        subscriptions = subscriptions.search(
            [
                ("company_id", "=", company.id),
                ("in_progress", "=", True),
                (
                    "partner_id.commercial_partner_id",
                    "=",
                    partner.commercial_partner_id.id,
                ),
            ]
        )
        floors = self.env["metered.invoice.floor"].sudo()._of_company(company)
        every = [
            floors._for_customer(partner, currency, template)
            for template in subscriptions.template_id or [None]
        ]
        least = min((floor.amount for floor in every), default=0.0)
        if not amount or currency.compare_amounts(amount, least) >= 0:
            return []
        return [
            (
                None,
                self.env._("Smallest invoice"),
                self.env._(
                    "A renewal without a flat fee would carry this amount forward, "
                    "because it is less than %s. The invoice is created all the same.",
                    currency.format(least),
                ),
            )
        ]

    def _check_sources(self):
        """Whether usage of the customer comes in from its sources."""
        company, partner, *_days = self._domain()
        identifiers = self.env["metered.identifier"].search([company, partner])
        accounts = self.env["metered.source.account"].search([company, partner])
        if not identifiers and not accounts:
            text = self.env._(
                "No usage can be matched to this customer. Add a service identifier "
                "to the customer."
            )
            return [(False, self.env._("Sources"), text)]
        sources = identifiers.source_id | accounts.source_id
        if any(not identifier.source_id for identifier in identifiers):
            sources = self.env["metered.source"].search([company])
        if not sources:
            return [(False, self.env._("Sources"), self.env._("No source yet."))]
        return [self._check_source(source) for source in sources.sorted()]

    def _check_source(self, source):
        last = self.env["metered.batch"].search(
            [("source_id", "=", source.id), ("state", "!=", "undone")], limit=1
        )
        if not last:
            return (False, source.name, self.env._("Nothing imported yet."))
        day = format_date(
            self.env,
            fields.Datetime.context_timestamp(
                self, last.finished or last.create_date
            ).date(),
        )
        if last.state == "done":
            text = (
                self.env._("Last fetched on %s.", day)
                if last.sync_id
                else self.env._("Last file imported on %s.", day)
            )
        elif last.state == "failed":
            text = self.env._(
                "The import of %(file)s failed on %(day)s.",
                file=last.file_name,
                day=day,
            )
        else:
            text = self.env._("%s is being imported.", last.file_name)
        return (last.state == "done", source.name, text)

    def _check_rates(self):
        """Whether any deck prices the customer's calls in these days."""
        company = self.company_id.sudo()
        chain = deck_chain(self.partner_id.sudo().with_company(company), company)
        rates = self.env["metered.rate"].search(
            [
                ("deck_id", "in", chain),
                "|",
                ("date_from", "=", False),
                ("date_from", "<=", self.date_to),
                "|",
                ("date_to", "=", False),
                ("date_to", ">", self.date_from),
            ],
            limit=1,
        )
        decks = self.env["metered.rate.deck"].browse(chain).mapped("name")
        if rates:
            text = self.env._("From %s.", self.env._(", then ").join(decks))
        elif decks:
            text = self.env._("%s: no rate is valid for these days.", ", ".join(decks))
        else:
            text = self.env._(
                "Neither the customer nor the company has a rate deck. Choose one."
            )
        return (bool(rates), self.env._("Rates"), text)

    def _render_checks(self, checks):
        icons = {
            True: "fa-check-circle text-success",
            False: "fa-times-circle text-danger",
            None: "fa-info-circle text-info",
        }
        words = {
            True: self.env._("OK"),
            False: self.env._("Missing"),
            None: self.env._("Info"),
        }
        rows = [
            Markup(
                '<li class="d-flex gap-2"><i class="fa %s mt-1" role="img" title="%s">'
                "</i><span><b>%s</b> %s</span></li>"
            )
            % (
                icons[ok],
                words[ok],
                title,
                text,
            )
            for ok, title, text in checks
        ]
        return Markup('<ul class="list-unstyled mb-0">%s</ul>') % Markup().join(rows)
