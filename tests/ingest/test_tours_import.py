# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The import of a file that leaves much open, in a real browser."""

import base64
import io

import openpyxl

from odoo.tests import HttpCase, new_test_user, tagged

from ..support.metered_case import MeteredMakers
from ..support.tour_worker import TourWorker


@tagged("post_install", "-at_install")
class TestToursImport(TourWorker, MeteredMakers, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_rates()
        cls.source = cls.make_source(name="Asking Switch")
        cls.source.payer_ids.unlink()
        cls.source.column_ids.unlink()
        cls.customer = cls.make_customer("Tour Customer", "+14045550100")
        new_test_user(
            cls.env,
            login="asked",
            groups="metered_billing.group_metered_administrator",
        )

    def test_answer_what_a_file_leaves_open(self):
        wait = self.start_worker()
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_import",
            "metered_billing_import_questions",
            login="asked",
        )
        wait()
        batch = self.env["metered.batch"].search([], limit=1)
        self.assertEqual((batch.rated, batch.exceptions), (2, 0))
        calls = self.env["metered.cdr"].search(
            [("batch_id", "=", batch.id)], order="line"
        )
        self.assertEqual(calls.mapped("quantity")[:2], [250, 12])
        self.assertEqual(
            {c.target: c.style or "" for c in self.source.column_ids},
            {
                "start_time": "dmy",
                "seconds": "mm:ss",
                "caller": "",
                "callee": "",
                "direction": "",
            },
        )
        self.assertEqual(
            self.source._remembered_words(),
            {"gehend": "outbound", "quer": "internal"},
        )

    def test_choose_the_sheet_of_a_workbook(self):
        source = self.make_source(name="Workbook Switch")
        header = ["call_id", "start_time", "duration", "caller", "callee"]
        call = ["2026-10-05 10:00:00", 60, "+14045550100", "+12125550199"]
        book = openpyxl.Workbook()
        book.active.append(["Acme Carrier"])
        for title, rows in {
            "October": [header, ["a1", *call]],
            "November": [[*header, "duration"], ["b1", *call, 90]],
        }.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        content = io.BytesIO()
        book.save(content)
        attachment = self.env["ir.attachment"].create(
            {
                "name": "calls.xlsx",
                "datas": base64.b64encode(content.getvalue()),
                "public": True,
            }
        )
        self.env["ir.model.data"].create(
            {
                "module": "metered_billing",
                "name": "tour_workbook",
                "model": "ir.attachment",
                "res_id": attachment.id,
            }
        )
        wait = self.start_worker()
        self.start_tour(
            "/odoo/action-metered_billing.action_metered_import",
            "metered_billing_import_sheets",
            login="asked",
        )
        wait()
        batch = self.env["metered.batch"].search([("source_id", "=", source.id)])
        self.assertEqual((batch.rated, batch.exceptions), (1, 0))
        self.assertEqual(source.file_sheet, "November")
        columns = {column.target: column.columns for column in source.column_ids}
        self.assertEqual(columns["seconds"], "duration_1,duration")
