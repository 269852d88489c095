# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""All jobs in one list."""

from datetime import timedelta

from odoo import fields
from odoo.tests import HttpCase, new_test_user, tagged

from ...models.job.metered_job_entry import JOBS
from ..support.metered_case import MeteredCase, MeteredMakers

PHONE = "+14045550100"
CALL = ("1", "2026-10-05 10:00:00", 60, PHONE, "+442079460120")


@tagged("post_install", "-at_install")
class TestJobEntries(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source(name="Switch")
        cls.make_customer("Acme", PHONE)
        cls.user = new_test_user(
            cls.env, "operator", "metered_billing.group_metered_user"
        )

    def retention_rule(self, company):
        rules = self.env["metered.retention.rule"].sudo()
        return rules.search([("company_id", "=", company.id)]) or rules.create(
            {"company_id": company.id, "kind": "files"}
        )

    def make_jobs(self, company=None):
        """One of each kind, the newest last."""
        company = company or self.company
        now = fields.Datetime.now()
        day = fields.Date.context_today(self.source)
        common = {"company_id": company.id}
        days = {"date_from": day, "date_to": day}
        made = {"import": self.import_calls(self.source, CALL)}
        for kind, model, values in (
            ("renewal", "metered.renewal", {**common, "date": day}),
            ("rerate", "metered.rerate", {**common, **days}),
            ("what_if", "metered.simulation", {**common, **days, "kind": "what_if"}),
            ("margin", "metered.simulation", {**common, **days, "kind": "margin"}),
            ("exception", "metered.exception.job", {**common, "operation": "retry"}),
            ("approval", "metered.approval", {**common, "user_id": self.env.uid}),
            (
                "statement",
                "metered.statement",
                {
                    **common,
                    "name": "ST/1",
                    "partner_id": self.env.user.partner_id.id,
                    "currency_id": company.currency_id.id,
                },
            ),
            ("statement_zip", "metered.statement.zip", {**common, "name": "A.zip"}),
            (
                "retention",
                "metered.retention.run",
                {
                    **common,
                    "kind": "files",
                    "before": day,
                    "rule_id": self.retention_rule(company).id,
                },
            ),
            ("seal", "metered.seal.check", common),
            ("evidence", "metered.evidence", {**common, "name": "A.zip"}),
            (
                "sync",
                "metered.sync",
                {
                    "source_id": self.source.id,
                    "kind": "manual",
                    "date_from": now - timedelta(days=1),
                    "date_to": now,
                },
            ),
        ):
            made[kind] = self.env[model].sudo().create({"state": "done", **values})
        self.env.flush_all()
        return made

    def entries(self):
        return self.env["metered.job.entry"].with_user(self.user).search([])

    def test_every_kind(self):
        made = self.make_jobs()
        entries = self.entries()
        self.assertEqual(set(entries.mapped("kind")), set(JOBS))
        for entry in entries:
            with self.subTest(entry.kind):
                job = made[entry.kind]
                self.assertEqual((entry.res_model, entry.res_id), (job._name, job.id))
                self.assertEqual(entry.display_name, job.display_name)
                self.assertEqual(entry.state, "done")
                self.assertEqual(entry.progress, 100)
                action = entry.action_open()
                self.assertEqual(
                    (action["res_model"], action["res_id"]), (job._name, job.id)
                )

    def test_every_job_is_here(self):
        """A new kind of job appears in the list, too."""
        job = self.env.registry["metered.job"]
        jobs = {
            name
            for name, model in self.env.registry.items()
            if issubclass(model, job) and name != "metered.job"
        }
        self.assertEqual(jobs, {model for _number, model, _condition in JOBS.values()})
        self.assertEqual(len({number for number, *_rest in JOBS.values()}), len(JOBS))

    def test_running_ones_first(self):
        made = self.make_jobs()
        made["renewal"].write({"state": "queued"})
        made["import"].sudo().write({"state": "running", "expected": 4, "records": 1})
        made["sync"].write({"state": "failed", "error": "Not reached."})
        entries = self.entries()
        self.assertEqual(entries[:2].mapped("kind"), ["import", "renewal"])
        self.assertEqual(entries[0].progress, 25)
        self.assertEqual(entries.count_unfinished(), 2)
        self.assertEqual(
            entries.filtered(lambda e: e.kind == "sync").error, "Not reached."
        )

    def test_the_import_of_a_sync_is_part_of_it(self):
        made = self.make_jobs()
        made["import"]._set_as_program({"sync_id": made["sync"].id})
        self.env.flush_all()
        self.assertNotIn("import", self.entries().mapped("kind"))

    def test_another_companys(self):
        self.make_jobs(self.env["res.company"].create({"name": "Other"}))
        self.assertEqual(set(self.entries().mapped("kind")), {"import", "sync"})
        self.assertEqual(
            self.env["metered.job.entry"].with_user(self.user).count_unfinished(), 0
        )


@tagged("post_install", "-at_install")
class TestJobEntriesTour(MeteredMakers, HttpCase):
    def test_tour(self):
        self.set_up_rates()
        source = self.make_source(name="Switch")
        self.make_customer("Acme", PHONE)
        new_test_user(self.env, "operator", "metered_billing.group_metered_user")
        batch = self.import_calls(source, CALL)
        self.env["metered.rerate"].sudo().create(
            {
                "company_id": self.company.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
                "state": "running",
                "expected": 4,
                "records": 1,
            }
        )
        self.assertTrue(batch)
        self.start_tour("/odoo", "metered_billing_jobs", login="operator")
