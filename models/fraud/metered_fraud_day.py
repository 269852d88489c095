# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from datetime import date, timedelta

from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from odoo import api, fields, models

from ...fraud import MOST_DAYS
from ...ingest.classify import Classifier
from ...ingest.load import company_rates, company_zone, customer_zone
from ...ingest.load_classes import load_classes
from ...ingest.load_fraud import load_fraud
from ...stored.fraud_days import forget_days, learn_profiles, sum_day
from ..guard.unchecked_many2one import UncheckedMany2one
from ..job.metered_job import SLICE_SECONDS

EPOCH = date(1970, 1, 1)


class MeteredFraudDay(models.Model):
    """What a customer called on a day: sums of quarter hours and of ranges.

    An import adds to them in the transaction that stores its calls
    (``ingest/fraud_store.py``); days that are marked are summed again.
    """

    _name = "metered.fraud.day"
    _description = "Day of Calls Checked for Fraud"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = UncheckedMany2one("res.partner", required=True, readonly=True)
    day = fields.Date(required=True, readonly=True)
    quarters = fields.Binary(attachment=False, readonly=True)
    ranges = fields.Binary(attachment=False, readonly=True)

    _day_uniq = models.UniqueIndex("(company_id, partner_id, day)")
    _company_day_idx = models.Index("(company_id, day)")

    def init(self):
        # To compress them takes longer than all else, and saves a quarter.
        self.env.cr.execute(
            """
            ALTER TABLE metered_fraud_day ALTER quarters SET STORAGE EXTERNAL,
                                          ALTER ranges SET STORAGE EXTERNAL
            """
        )

    @api.model
    def _fraud_settings(self, company):
        """What calls of a company are looked at with; None where it is turned off.

        :return: ``ingest.fraud_settings.FraudSettings``
        """
        company = company.sudo()
        identifiers = self.env["metered.identifier"].sudo()
        partners = (
            identifiers.with_context(active_test=False)
            .search([("company_id", "=", company.id)])
            .partner_id
        )
        zone = company_zone(company)
        decks = self.env["metered.rate.deck"].sudo()
        decks = decks.with_context(active_test=False).search(
            [("company_id", "=", company.id)]
        )
        return load_fraud(
            company.with_company(company),
            partners.with_company(company),
            lambda partner: customer_zone(partner, zone),
            company_rates(company, decks.currency_id.ids),
            Classifier(*load_classes(company.env, company), company.country_id.id),
        )

    @api.model
    def _cron_learn(self):
        """Sum the days that are marked, and learn what is usual."""
        end = time.monotonic() + SLICE_SECONDS
        done = True
        companies = self.env["metered.source"].sudo().with_context(active_test=False)
        for (company,) in companies._read_group([], ["company_id"]):
            done &= self._learn(company, self.env.cr.commit, end)
        self.env["ir.cron"]._commit_progress(remaining=0 if done else 1)

    @api.model
    def _learn(self, company, commit=None, end=None):
        """Bring what is known of a company's customers up to date.

        :param commit: function that commits after each day; None: in one transaction
        :param end: moment of the monotonic clock after which nothing more is begun
        :return: whether all of it is done
        """
        known = self._fraud_settings(company)
        if known is None:
            return True
        today = (company._metered_today() - EPOCH).days
        self._mark_first_days(company, today)
        if not self._sum_marked(company, known, commit, end):
            return False
        self.env["metered.fraud.wait"].sudo()._check_waiting(company, known, commit)
        forget_days(self.env.cr, company.id, today)
        after = 0
        while after is not None:
            after = learn_profiles(self.env.cr, company.id, today, after)
            if commit:
                commit()
        self.invalidate_model()
        self.env["metered.fraud.profile"].invalidate_model()
        return True

    def _mark_first_days(self, company, today):
        """Of a company of which nothing is known, all days that matter."""
        self.env.cr.execute(
            """
            INSERT INTO metered_fraud_mark (company_id, day_from, day_to)
            SELECT %(company)s, %(first)s, %(last)s
             WHERE NOT EXISTS (SELECT 1 FROM metered_fraud_profile
                                WHERE company_id = %(company)s)
               AND EXISTS (SELECT 1 FROM metered_cdr
                            WHERE company_id = %(company)s
                              AND start_time >= %(first)s)
            """,
            {
                "company": company.id,
                "first": EPOCH + timedelta(days=today - MOST_DAYS + 1),
                "last": EPOCH + timedelta(days=today + 1),
            },
        )

    @api.model
    def _sum_marked(self, company, known, commit=None, end=None, since=None):
        """Sum the marked days of a company again; whether none is left.

        :param since: date; days before stay marked. None: all that are learned from
        """
        cr = self.env.cr
        self.env.flush_all()
        first = company._metered_today() - timedelta(days=MOST_DAYS - 1)
        keeps = since is not None and since > first
        if keeps:
            first = since
        while True:
            if end is not None and time.monotonic() > end:
                return False
            if commit:
                # What others commit while this waits for them is summed, too.
                commit()
                if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
                    cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cr.execute(
                """
                SELECT min(greatest(day_from, %s)) FROM metered_fraud_mark
                 WHERE company_id = %s AND day_to >= %s
                """,
                (first, company.id, first),
            )
            day = cr.fetchone()[0]
            if day is None and keeps:
                return True
            if day is None:
                # What is left is so old that nothing is learned from it.
                cr.execute(
                    "DELETE FROM metered_fraud_mark WHERE company_id = %s"
                    " AND day_to < %s",
                    (company.id, first),
                )
                return True
            # What is marked meanwhile has a row of its own, and is summed once more.
            cr.execute(
                """
                WITH taken AS (
                    DELETE FROM metered_fraud_mark
                     WHERE company_id = %(company)s AND day_from <= %(day)s
                       AND day_to >= %(day)s
                 RETURNING day_from, day_to
                )
                INSERT INTO metered_fraud_mark (company_id, day_from, day_to)
                SELECT %(company)s, %(day)s + 1, day_to FROM taken
                 WHERE day_to > %(day)s
                 UNION
                SELECT %(company)s, day_from, %(day)s - 1 FROM taken
                 WHERE day_from < %(day)s AND %(keeps)s
                """,
                {"company": company.id, "day": day, "keeps": keeps},
            )
            sum_day(cr, known, (day - EPOCH).days)
            if commit:
                commit()


class MeteredFraudMark(models.Model):
    """Days of a company whose calls have to be summed again."""

    _name = "metered.fraud.mark"
    _description = "Days to Check for Fraud Again"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    day_from = fields.Date(required=True, readonly=True)
    day_to = fields.Date(required=True, readonly=True)


class MeteredFraudProfile(models.Model):
    """What is usual for a customer, learned from its past days (``fraud/profile.py``).

    ``accepted`` is what a person took for honest: reason, zone, value, until when.
    """

    _name = "metered.fraud.profile"
    _description = "Customer's Usual Calls"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner", required=True, readonly=True, ondelete="cascade", index=True
    )
    learned = fields.Json(readonly=True)
    accepted = fields.Json(readonly=True)

    _partner_uniq = models.UniqueIndex("(company_id, partner_id)")
