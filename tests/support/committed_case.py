# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Tests that commit for real, for other processes and transactions to see it.

What they store in the test database is removed at the end.
"""

# Other processes see only what is committed.
# pylint: disable=invalid-commit

import signal
import socket
import subprocess
import sys
from pathlib import Path

from odoo import SUPERUSER_ID, Command, api
from odoo.tests import TransactionCase
from odoo.tools import SQL, config

from .nursery import Worker

MODULE = Path(__file__).resolve().parents[2]


class CommittedCase(TransactionCase):
    """``real`` is an environment that may commit, ``made`` what is removed."""

    real_context = {"tracking_disable": True}

    def setUp(self):
        super().setUp()
        self.cr = self.registry.cursor()
        self.addCleanup(self.cr.close)
        self.real = api.Environment(self.cr, SUPERUSER_ID, self.real_context)
        self.made = []
        self.subscriptions = self.real["sale.subscription"]
        self.addCleanup(self._remove)

    def make(self, model, **values):
        """Create a record that is removed at the end."""
        record = self.real[model].create(values)
        self.made.append(record)
        return record

    def make_deck(self, name, **rate):
        """A deck with one rate for every number."""
        deck = self.make("metered.rate.deck", name=name, timezone="UTC")
        self.make("metered.rate", deck_id=deck.id, **rate)
        return deck

    def make_source(self, name):
        """A source of generic files in UTC, that takes calls of any day."""
        return self.make(
            "metered.source",
            name=name,
            preset="generic",
            timezone="UTC",
            country_id=self.real.ref("base.us").id,
            max_age_days=0,
            future_hours=24 * 365 * 100,
        )

    def make_batch(self, source, content):
        """An import that waits.

        :param bytes content: of the file
        """
        attachment = self.make("ir.attachment", name="calls.csv", raw=content)
        batch = self.real["metered.batch"]._create_for_file(source, attachment)
        self.made.append(batch)
        return batch

    def make_customers(self, count, phone, deck):
        """Companies, each with a number.

        :param phone: the first one's number, an integer; the others' follow it
        """
        partners = self.real["res.partner"].create(
            [
                {
                    "name": f"Durable {place:02d}",
                    "is_company": True,
                    "metered_tz": "UTC",
                    "metered_deck_id": deck.id,
                }
                for place in range(count)
            ]
        )
        self.made.append(partners)
        for place, partner in enumerate(partners):
            self.make(
                "metered.identifier", partner_id=partner.id, value=f"+{phone + place}"
            )
        return partners

    def make_terms(self, mode):
        """What subscriptions by the month need, as values.

        :param mode: invoicing mode of their template
        """
        template = self.make(
            "sale.subscription.template",
            name="Durable",
            code="DU",
            recurring_rule_type="months",
            invoicing_mode=mode,
        )
        pricelist = self.make("product.pricelist", name="Durable")
        return {"template_id": template.id, "pricelist_id": pricelist.id}

    def sell_plan(self, partners, minutes):
        """A calling plan in a monthly subscription from October 2026 for each.

        :param partners: records, or a list of them
        :param minutes: that it includes a month
        """
        plan = self.make(
            "metered.calling.plan",
            name="Durable",
            allowance_ids=[Command.create({"name": "Minutes", "amount": minutes})],
        )
        product = self.make(
            "product.product", name="Durable", type="service", metered_plan_id=plan.id
        )
        terms = self.make_terms("draft")
        stage = self.real["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        self.subscriptions = self.real["sale.subscription"].create(
            [
                {
                    "partner_id": partner.id,
                    **terms,
                    "sale_subscription_line_ids": [
                        Command.create({"product_id": product.id, "name": "Durable"})
                    ],
                }
                for partner in partners
            ]
        )
        self.subscriptions.stage_id = stage
        self.subscriptions.write(
            {"date_start": "2026-10-01", "recurring_next_date": "2026-11-01"}
        )

    def _remove_subscriptions(self):
        for statement in (
            "DELETE FROM metered_allowance_balance WHERE subscription_id = ANY(%s)",
            "DELETE FROM sale_subscription_line WHERE sale_subscription_id = ANY(%s)",
            "UPDATE metered_usage SET subscription_id = NULL"
            " WHERE subscription_id = ANY(%s)",
            "DELETE FROM sale_subscription WHERE id = ANY(%s)",
        ):
            self.cr.execute(statement, (self.subscriptions.ids,))

    def made_ids(self, model):
        """Ids of what was made of a model."""
        return [
            id_ for record in self.made for id_ in record.ids if record._name == model
        ]

    def _remove(self):
        self.cr.rollback()
        self._remove_subscriptions()
        batches, partners = self.made_ids("metered.batch"), self.made_ids("res.partner")
        for statement, ids in (
            ("DELETE FROM metered_cdr WHERE batch_id = ANY(%s)", batches),
            ("DELETE FROM metered_exception WHERE batch_id = ANY(%s)", batches),
            ("DELETE FROM metered_usage WHERE partner_id = ANY(%s)", partners),
            ("DELETE FROM metered_fraud_day WHERE partner_id = ANY(%s)", partners),
            ("UPDATE metered_batch SET records = 0 WHERE id = ANY(%s)", batches),
        ):
            self.cr.execute(statement, (ids,))
        self.cr.execute("UPDATE metered_rate SET used = FALSE WHERE used")
        self.real.invalidate_all()
        for record in reversed(self.made):
            record.exists().unlink()
        for name, model in self.registry.items():
            # What is left to do later, by whoever looks next.
            if name.startswith("metered.") and name.endswith(".mark"):
                self.cr.execute(SQL("DELETE FROM %s", SQL.identifier(model._table)))
        self._remove_changes()
        self._remove_files()
        self._remove_messages()
        self.cr.commit()

    def _remove_changes(self):
        """Rows that the database does not let go otherwise."""
        for statement in ("DISABLE TRIGGER USER", None, "ENABLE TRIGGER USER"):
            self.cr.execute(
                f"ALTER TABLE metered_charge_change {statement}"
                if statement
                else "DELETE FROM metered_charge_change"
            )

    def _remove_files(self):
        """Files in fields of what SQL deleted: nobody would ever see them again."""
        files = self.real["ir.attachment"].search([("res_field", "!=", False)])
        for model, of_model in files.grouped("res_model").items():
            there = self.real[model].browse(of_model.mapped("res_id")).exists()
            of_model.filtered(
                lambda file, ids=there.ids: file.res_id not in ids
            ).unlink()

    def _remove_messages(self):
        """Messages, activities and followers of what SQL deleted."""
        for table, column in (
            ("mail_message", "model"),
            ("mail_activity", "res_model"),
            ("mail_followers", "res_model"),
        ):
            names = SQL.identifier(table), SQL.identifier(column)
            self.cr.execute(
                SQL("SELECT DISTINCT %s FROM %s WHERE res_id != 0", *names[::-1])
            )
            for (model,) in self.cr.fetchall():
                if model in self.registry:
                    self.cr.execute(
                        SQL(
                            "DELETE FROM %s WHERE %s = %s AND res_id != 0 AND NOT"
                            " EXISTS (SELECT FROM %s AS of WHERE of.id = res_id)",
                            *names,
                            model,
                            SQL.identifier(self.registry[model]._table),
                        )
                    )

    def refresh(self):
        """See what the other processes committed."""
        self.cr.commit()
        self.real.invalidate_all()

    def wait_until_blocked(self, thread, table):
        """Return when the thread waits for what this transaction has locked.

        :param table: name of the table that its statement is about
        """
        with self.registry.cursor() as watcher:
            while thread.is_alive():
                watcher.execute(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE datname = current_database()"
                    " AND wait_event_type = 'Lock' AND query ILIKE %s",
                    (f"%{table}%",),
                )
                if watcher.fetchone()[0]:
                    return
                watcher.rollback()

    def start(self, script, *arguments):
        """Start a process that runs a script of this folder in Odoo's environment."""
        worker = Worker(
            self.cr.dbname,
            Path(__file__).with_name(script),
            [str(one) for one in arguments],
        )
        self._end_with_the_test(worker)
        return worker

    def start_server(self, script, *arguments, log=None, log_level="warn", **elsewhere):
        """Start a process that answers requests, too, at its ``port``.

        :param log: open file that its log goes to; None: the log of the tests
        :param elsewhere: ``database`` and ``environment`` of another server, which it
            is told of by its standard input
        """
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        worker = subprocess.Popen(
            [
                sys.executable,
                MODULE / "scripts" / "odoo_env.py",
                "--config",
                config["config"],
                "--database",
                elsewhere.get("database", self.cr.dbname),
                "--http-port",
                str(port),
                "--log-level",
                log_level,
                Path(__file__).with_name(script),
                *map(str, arguments),
            ],
            stdin=subprocess.PIPE if elsewhere else None,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=elsewhere.get("environment"),
        )
        worker.port = port
        if elsewhere:
            self.addCleanup(worker.stdin.close)
        self._end_with_the_test(worker)
        return worker

    def _end_with_the_test(self, worker):
        self.addCleanup(worker.stdout.close)
        self.addCleanup(worker.wait)
        self.addCleanup(worker.kill)

    def kill(self, worker):
        """SIGKILL: no chance to clean up."""
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        self.refresh()

    def finish(self, worker):
        """Let a process come to its end, which has to be a good one."""
        output, _error = worker.communicate(timeout=300)
        self.assertEqual(worker.returncode, 0, output)
        self.refresh()
