# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What tests of connected sources start from, whatever they are connected to."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from odoo.tests import Form, new_test_user
from odoo.tests.common import _super_send

from odoo.addons.metered_billing.connectors.http import HttpLimits
from odoo.addons.metered_billing.models.source import metered_sync_job

from .metered_case import MeteredCase

DAY = datetime(2026, 10, 5, tzinfo=UTC)


class LoopbackRequests:
    """Lets requests reach the test's own server; Odoo's tests forbid all of them."""

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        if request.url.startswith("http://127.0.0.1:"):
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **options)


class SourceTypeCase(LoopbackRequests, MeteredCase):
    """A source of one type, set up by its form, and a customer."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.env["res.partner"].create({"name": "Acme"})
        cls.other = cls.env["res.partner"].create({"name": "Bolt"})
        cls.chief = new_test_user(
            cls.env,
            "chief",
            "metered_billing.group_metered_administrator,base.group_system",
        )

    def setUp(self):
        super().setUp()
        # One attempt: those of a sync are what is tested, not those of a request.
        limits = patch.object(metered_sync_job, "LIMITS", HttpLimits(attempts=1))
        limits.start()
        self.addCleanup(limits.stop)

    def make_by_form(self, source_type, **values):
        """A source as an administrator enters it.

        :param values: field of the form -> what is entered, in this order
        """
        with Form(self.env["metered.source"].with_user(self.chief)) as form:
            form.name = "Switch of the test"
            form.source_type = source_type
            form.timezone = "UTC"
            form.country_id = self.usa
            form.max_age_days = 0
            for name, value in values.items():
                setattr(form, name, value)
        return form.record.with_user(self.env.user)

    def check_connection(self, source, *wrong):
        """Press the test button: exactly these checks fail.

        :return: what the button shows
        """
        action = source.with_user(self.chief).action_test_connection()
        found = [check["name"] for check in source.test_result if not check["ok"]]
        self.assertEqual(found, list(wrong), source.test_result)
        return action

    def start_sync(self, source, days=2):
        begin = DAY.replace(tzinfo=None)
        return source._start_syncs("manual", None, begin, begin + timedelta(days))

    def sync(self, source, days=2):
        """Sync two days, in the test's own transaction."""
        [sync] = self.start_sync(source, days)
        sync._process()
        self.assertEqual(sync.state, "done", sync.line_ids.mapped("message"))
        return sync

    def stored(self, source):
        """(CDRs, exceptions) of a source."""
        domain = [("source_id", "=", source.id)]
        return (
            self.env["metered.cdr"].search_count(domain),
            self.env["metered.exception"].search_count(domain),
        )

    def check_failing(self, source, break_it, mend_it, words):
        """A failing server: one clear line, waiting, and nothing lost afterwards.

        :param break_it, mend_it: functions
        :param words: what the line says
        """
        before = self.stored(source)
        break_it()
        [sync] = self.start_sync(source)
        waits = []
        for attempt in (1, 2, 3):
            sync._process()
            self.assertEqual((sync.state, sync.attempts), ("queued", attempt))
            waits.append(sync.not_before - self.env.cr.now())
            line = sync.line_ids[-1]
            self.assertEqual(line.level, "warning")
            self.assertIn("The next attempt is in", line.message)
            self.assertNotRegex(line.message, r"Errno|Connection\(|object at")
            for word in words:
                self.assertIn(word, line.message)
        self.assertTrue(waits[0] < waits[1] < waits[2], waits)
        mend_it()
        sync._process()
        self.assertEqual(sync.state, "done", sync.line_ids.mapped("message"))
        self.assertEqual(self.stored(source), before)

    def credentials_in(self, *texts):
        """Those credentials of the source's that stand in any of these texts."""
        secrets = self.env["metered.source.secret"].sudo().search([])
        return [s.name for s in secrets if any(s.value in text for text in texts)]
