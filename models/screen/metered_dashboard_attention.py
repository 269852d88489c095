# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import format_date

from .metered_dashboard import TOP
from .metered_dashboard_usage import MOST_PRICED, USAGE

EXCEPTION = "metered_billing.action_metered_exception"
BATCH = "metered_billing.action_metered_batch"
PERIOD = "metered_billing.action_metered_period"
RENEWAL = "metered_billing.action_metered_renewal"
REVIEW = "metered_billing.action_metered_review"
SOURCE = "metered_billing.action_metered_source"


class MeteredDashboard(models.AbstractModel):
    """What needs a person: exceptions, sources, renewals and imports."""

    _inherit = "metered.dashboard"

    @api.model
    def _exceptions(self):
        """Open exceptions: how many, why, and how much money they may hold."""
        domain = [
            ("company_id", "in", self.env.companies.ids),
            ("state", "=", "open"),
        ]
        Exception_ = self.env["metered.exception"]
        labels = dict(Exception_._fields["reason"]._description_selection(self.env))
        groups = Exception_._read_group(
            domain, ["reason"], ["__count"], order="__count desc, reason"
        )
        return {
            "count": sum(count for _reason, count in groups),
            "money": self._exception_money(domain),
            "reasons": [
                {
                    "name": labels.get(reason, reason),
                    "count": count,
                    "link": self._link(
                        EXCEPTION,
                        labels.get(reason, reason),
                        [*domain, ("reason", "=", reason)],
                    ),
                }
                for reason, count in groups[:TOP]
            ],
            "link": self._link(EXCEPTION, self.env._("Open Exceptions"), domain),
        }

    @api.model
    def _exception_money(self, domain):
        """What open exceptions may be worth: the one place where it is asked for.

        :param domain: of ``metered.exception``
        :return: list of {"currency_id", "value"}; empty where nothing tells it
        """
        groups = self.env["metered.exception"]._read_group(
            [*domain, ("estimate", "!=", False)], ["company_id"], ["estimate:sum"]
        )
        return [
            {"currency_id": company.currency_id.id, "value": estimate}
            for company, estimate in groups
            if estimate
        ]

    @api.model
    def _sources(self):
        """Sources with what came in last."""
        sources = self.env["metered.source"].search(
            [("company_id", "in", self.env.companies.ids)], limit=TOP + 2
        )
        return [self._describe_source(source) for source in sources]

    @api.model
    def _describe_source(self, source):
        batch = self.env["metered.batch"].search(
            [("source_id", "=", source.id), ("state", "!=", "undone")], limit=1
        )
        state, text = "none", self.env._("Nothing imported yet")
        if batch.state == "failed":
            state, text = "failed", self.env._("The last import failed")
        elif batch.state in ("queued", "running"):
            state, text = "running", self.env._("Import running")
        elif batch:
            when = fields.Datetime.context_timestamp(
                self, batch.finished or batch.create_date
            )
            state = "ok"
            text = self.env._("Last import %s", format_date(self.env, when.date()))
        return {
            "id": source.id,
            "name": source.name,
            "state": state,
            "text": text,
            "exceptions": source.open_exception_count,
            "link": self._record_link(SOURCE, source),
            "exceptions_link": self._link(
                EXCEPTION,
                source.name,
                [("source_id", "=", source.id), ("state", "=", "open")],
            ),
        }

    @api.model
    def _renewals(self):
        """How many subscriptions are due, periods on no invoice, and the last runs.

        Where none has run, because renewals are done one by one: the days that were
        renewed last.
        """
        companies = ("company_id", "in", self.env.companies.ids)
        unbilled = [companies, ("state", "=", "unbilled")]
        result = {
            "due": False,
            "unbilled": {
                "count": self.env["metered.period"].search_count(unbilled),
                "link": self._link(
                    PERIOD, self.env._("Billing Periods Without Invoice"), unbilled
                ),
            },
            "no_renewal": self._no_renewal(companies),
            "reviews": self._reviews(companies),
            "days": [],
        }
        Subscription = self.env["sale.subscription"]
        if Subscription.has_access("read"):
            due = [
                companies,
                ("in_progress", "=", True),
                ("is_paused", "=", False),
                ("recurring_next_date", "<=", fields.Date.to_string(self._today())),
            ]
            result["due"] = {
                "count": Subscription.search_count(due),
                "link": self._link(
                    "subscription_oca.sale_subscription_action",
                    self.env._("Due for Renewal"),
                    due,
                ),
            }
        runs = self.env["metered.renewal"].search([companies], limit=TOP - 1)
        if runs:
            result["days"] = [self._describe_run(run) for run in runs]
            return result
        groups = self.env["metered.period"]._read_group(
            [companies],
            ["date_to:day"],
            ["__count", "invoice_id:count"],
            order="date_to:day desc",
            limit=TOP - 1,
        )
        for day, count, invoiced in groups:
            text = format_date(self.env, day)
            result["days"].append(
                {
                    "id": text,
                    "date": text,
                    "count": count,
                    "problem": self.env._("%s without invoice", count - invoiced)
                    if count > invoiced
                    else "",
                    "state": "",
                    "link": self._link(
                        PERIOD,
                        self.env._("Renewed on %s", text),
                        [companies, ("date_to", "=", fields.Date.to_string(day))],
                    ),
                }
            )
        return result

    @api.model
    def _no_renewal(self, companies):
        """Open usage that no coming renewal takes, with the money.

        :param companies: condition of a domain
        """
        domain = [companies, ("no_renewal", "=", True), ("records", ">", 0)]
        records, money, left_out = self.env["metered.usage"]._unbilled_money(
            domain, MOST_PRICED
        )
        return {
            "count": records,
            "left_out": left_out,
            "money": [
                {"currency_id": currency.id, "value": amount}
                for currency, amount in money.items()
            ],
            "link": self._link(USAGE, self.env._("Usage Without Renewal"), domain),
        }

    @api.model
    def _reviews(self, companies):
        """Invoices that somebody has to look at, and those that could not be posted.

        :param companies: condition of a domain
        """
        waiting = [companies, ("state", "in", ("review", "failed"))]
        failed = [companies, ("state", "=", "failed")]
        count = self.env["metered.review"].search_count
        return {
            "count": count(waiting),
            "failed": count(failed),
            "link": self._link(REVIEW, self.env._("Invoices to Approve"), waiting),
            "failed_link": self._link(
                REVIEW, self.env._("Invoices Not Posted"), failed
            ),
        }

    @api.model
    def _describe_run(self, run):
        labels = dict(run._fields["state"]._description_selection(self.env))
        return {
            "id": run.id,
            "date": format_date(self.env, run.date),
            "count": run.records,
            "problem": self.env._("%s failed", run.failures) if run.failures else "",
            "state": "" if run.state == "done" else labels[run.state],
            "link": self._record_link(RENEWAL, run),
        }

    @api.model
    def _batches(self):
        """The last imports."""
        batches = self.env["metered.batch"].search(
            [("company_id", "in", self.env.companies.ids)], limit=TOP - 1
        )
        labels = dict(batches._fields["state"]._description_selection(self.env))
        return [
            {
                "id": batch.id,
                "name": batch.file_name or batch.display_name,
                "source": batch.source_id.name,
                "date": format_date(
                    self.env,
                    fields.Datetime.context_timestamp(self, batch.create_date).date(),
                ),
                "state": batch.state,
                "state_name": labels[batch.state],
                "records": batch.records,
                "exceptions": batch.exceptions,
                "wrong": batch.balance == "wrong",
                "link": self._record_link(BATCH, batch),
            }
            for batch in batches
        ]
