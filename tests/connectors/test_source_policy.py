# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What an invoice does when the server of its source is gone, for each kind of it."""

import getpass
from datetime import timedelta

from odoo.tests import tagged

from odoo.addons.metered_billing.demo.servers.rest import (
    API_KEY,
    SETTINGS,
    RestSwitch,
    make_tenant,
)

from ..support.file_servers import S3Server, Sshd
from ..support.metered_case import generic_csv
from ..support.source_case import DAY, SourceTypeCase

NUMBER = "14045550100"
ACME = "acme.example.com"


class PolicyCase(SourceTypeCase):
    """``connect`` makes a source of a server that answers, and ``go`` ends that."""

    def connect(self):
        raise NotImplementedError

    def go(self):
        raise NotImplementedError

    def setUp(self):
        super().setUp()
        self.make_identifier(self.customer, f"+{NUMBER}")
        self.source = self.connect()
        self.source.first_days = 400

    def renew(self):
        """Renew a month: the invoice, and the run."""
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.template_id.invoicing_mode = "invoice"
        run = self.env["metered.renewal"].create(
            {"company_id": self.company.id, "date": "2026-11-01", "expected": 1}
        )
        run._process()
        self.assertEqual(run.state, "done")
        self.assertFalse(run.failure_ids, run.failure_ids.mapped("reason"))
        return subscription.metered_period_ids.invoice_id, run

    def fall_behind(self):
        """The last time that it was asked is long ago."""
        (self.source | self.source.account_ids.source_id).synced_until = "2026-10-06"
        self.source.account_ids.synced_until = "2026-10-06"

    def records(self, invoice):
        return sum(invoice.invoice_line_ids.metered_usage_ids.mapped("records"))

    def search_by_hand(self):
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": self.customer.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        wizard.action_search()
        return wizard

    def check_policies(self):
        """Everything is fetched first; then held, and then billed without it."""
        self.tie()
        invoice, run = self.renew()
        self.assertEqual((run.sync_ids.kind, run.sync_ids.state), ("invoice", "done"))
        self.assertEqual((invoice.state, self.records(invoice)), ("posted", 40))
        self.fall_behind()
        self.go()
        invoice, run = self.renew()
        self.assertEqual(run.sync_ids.state, "failed")
        [line] = run.sync_ids.line_ids
        self.assertEqual(line.level, "error")
        self.assertEqual(invoice.state, "draft")
        [activity] = invoice.activity_ids
        self.assertIn(self.source.name, activity.note)
        self.source.unreachable_policy = "bill"
        invoice, run = self.renew()
        self.assertEqual(run.sync_ids.state, "failed")
        self.assertEqual(invoice.state, "posted")
        self.assertFalse(invoice.activity_ids)

    def check_by_hand(self):
        """A manual invoice asks first, and says so where that does not work."""
        self.tie()
        wizard = self.search_by_hand()
        self.assertIn("are being fetched", wizard.sync_note)
        [sync] = self.source.sync_ids
        self.assertEqual(sync.kind, "invoice")
        sync._process()
        self.assertEqual(sync.state, "done", sync.error)
        wizard = self.search_by_hand()
        self.assertFalse(wizard.sync_note)
        self.assertEqual(sum(wizard.line_ids.mapped("records")), 40)
        self.fall_behind()
        self.go()
        self.search_by_hand()
        self.source.sync_ids.filtered(lambda s: s.state == "queued")._process()
        wizard = self.search_by_hand()
        self.assertIn("could not be reached", wizard.sync_note)
        self.assertEqual(sum(wizard.line_ids.mapped("records")), 40)

    def tie(self):
        """Tell that the customer is on this source, without any call of it yet."""
        self.make_identifier(
            self.customer, "acme", "account_code", source_id=self.source.id
        )


@tagged("post_install", "-at_install")
class TestApiPolicy(PolicyCase):
    def connect(self):
        self.server = RestSwitch([make_tenant(ACME, "Acme", NUMBER, DAY, 40)])
        self.server.__enter__()
        self.addCleanup(lambda: self.server and self.server.stop())
        source = self.make_source(
            source_type="http_json",
            address=self.server.url,
            allowed_networks="127.0.0.1",
            api_key=API_KEY,
            **SETTINGS,
        )
        source._assign_account(ACME, self.customer)
        return source

    def go(self):
        self.server.stop()
        self.server = None

    def test_renewal(self):
        self.check_policies()

    def test_by_hand(self):
        self.check_by_hand()


class StorePolicyCase(PolicyCase):
    def content(self):
        start = DAY.replace(tzinfo=None)
        return generic_csv(
            (f"c{at}", start + timedelta(minutes=at), 60, f"+{NUMBER}", "+12125550199")
            for at in range(40)
        ).encode()

    def make_store(self, **values):
        return self.make_source(
            source_type="file_store",
            allowed_networks="127.0.0.1",
            store_settle_seconds=0,
            **values,
        )


@tagged("post_install", "-at_install")
class TestSftpPolicy(StorePolicyCase):
    def connect(self):
        self.server = Sshd()
        self.addCleanup(lambda: self.server and self.server.stop())
        folder = self.server.folder / "cdr"
        folder.mkdir()
        (folder / "a.csv").write_bytes(self.content())
        return self.make_store(
            store_kind="sftp",
            host="127.0.0.1",
            port=self.server.port,
            username=getpass.getuser(),
            private_key=(self.server.folder / "user_key").read_text(),
            store_host_key=(self.server.folder / "host_key.pub").read_text(),
            store_folder=str(folder),
        )

    def go(self):
        self.server.stop()
        self.server = None

    def test_renewal(self):
        self.check_policies()

    def test_by_hand(self):
        self.check_by_hand()

    def test_a_customer_of_another_source_is_not_held(self):
        self.go()
        invoice, run = self.renew()
        self.assertFalse(run.sync_ids)
        self.assertEqual(invoice.state, "posted")

    def test_a_call_of_it_tells_that_the_customer_is_on_it(self):
        self.source._start_syncs("manual")._process()
        self.fall_behind()
        self.go()
        invoice, _run = self.renew()
        self.assertEqual(invoice.state, "draft")

    def test_a_file_that_is_not_read_yet(self):
        """It is here, and its records are not: they are before the invoice is made."""
        [sync] = self.source._start_syncs("manual")
        sync._process()
        self.tie()
        taken = self.server.folder / "b.csv"
        other = self.content().replace(b"\nc", b"\nd").replace(b",60,", b",61,")
        taken.write_bytes(other)
        self.env["metered.batch"]._create_for_path(self.source, taken, "b.csv")
        wizard = self.search_by_hand()
        self.assertIn("are being fetched", wizard.sync_note)
        invoice, _run = self.renew()
        self.assertEqual((invoice.state, self.records(invoice)), ("posted", 80))


@tagged("post_install", "-at_install")
class TestS3Policy(StorePolicyCase):
    def connect(self):
        self.server = S3Server()
        self.addCleanup(lambda: self.server and self.server.stop())
        files = self.server.file_system()
        bucket = f"policy-{self._testMethodName.replace('_', '-')}"
        files.mkdir(bucket)
        files.pipe_file(f"{bucket}/a.csv", self.content())
        return self.make_store(
            store_kind="s3",
            address=f"http://127.0.0.1:{self.server.port}",
            store_region="eu-central-1",
            username="test",
            password="test",
            store_folder=bucket,
        )

    def go(self):
        self.server.stop()
        self.server = None

    def test_renewal(self):
        self.check_policies()


@tagged("post_install", "-at_install")
class TestPostedBeforeInvoice(SourceTypeCase):
    def test_what_was_posted_is_rated_first(self):
        source = self.make_source("freeswitch", source_type="freeswitch_json")
        self.receive_call(source, {"uuid": "u1"})
        run = self.env["metered.renewal"].create(
            {"company_id": self.company.id, "date": "2026-11-01", "expected": 1}
        )
        run._process()
        self.assertEqual((run.sync_ids.kind, run.sync_ids.state), ("invoice", "done"))
        self.assertFalse(self.env["metered.inbox"].search([]))
