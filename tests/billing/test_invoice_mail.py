# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The mail that an invoice with usage is sent with."""

from odoo.tests import tagged

from ..support.metered_case import MeteredCase


@tagged("post_install", "-at_install")
class TestInvoiceMail(MeteredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.source = cls.make_source()
        cls.customer = cls.make_customer(
            "Acme", "+14045550100", email="billing@acme.example.com"
        )
        cls.ours = cls.env.ref("metered_billing.mail_template_invoice_usage")
        cls.stock = cls.env.ref("account.email_template_edi_invoice")

    def make_invoice(self, *calls):
        """A renewal's invoice of October."""
        if calls:
            self.import_calls(self.source, *calls)
        subscription = self.make_subscription(self.customer, "2026-10-01", "2026-11-01")
        subscription.generate_invoice()
        return subscription.invoice_ids

    def make_october(self):
        return self.make_invoice(
            ("1", "2026-10-05 10:00:00", 90, "+14045550100", "+12125550199"),
            ("2", "2026-10-06 10:00:00", 60, "+14045550100", "+442079460120"),
            ("3", "2026-10-07 10:00:00", 30, "+14045550100", "+442079460120"),
        )

    def template_of(self, invoice):
        return self.env["account.move.send"]._get_default_mail_template_id(invoice)

    def body(self, invoice):
        return self.ours._render_field("body_html", invoice.ids, compute_lang=True)[
            invoice.id
        ]

    def test_usage_is_named(self):
        invoice = self.make_october()
        self.assertEqual(self.template_of(invoice), self.ours)
        usage = invoice._metered_mail_usage()
        self.assertEqual(
            [(r["name"], r["records"], r["quantity"]) for r in usage["rows"]],
            [("National calls", "1", "1.5"), ("International calls", "2", "1.5")],
        )
        self.assertEqual([r["amount"] for r in usage["rows"]], ["$\xa00.09"] * 2)
        self.assertEqual(usage["total"], "$\xa00.18")
        body = self.body(invoice)
        for text in ("International calls", "10/01/2026", "10/31/2026", "0.18", "Acme"):
            self.assertIn(text, body)

    def test_others_keep_the_stock_mail(self):
        invoice = self.make_invoice()
        self.assertEqual(self.template_of(invoice), self.stock)
        refund = self.make_october()._reverse_moves()
        self.assertNotEqual(self.template_of(refund), self.ours)

    def test_a_chosen_template_stays(self):
        invoice = self.make_october()
        chosen = self.stock.copy({"name": "House style"})
        invoice.subscription_id.template_id.invoice_mail_template_id = chosen
        self.assertEqual(self.template_of(invoice), chosen)
        invoice.subscription_id.template_id.invoice_mail_template_id = self.stock
        self.assertEqual(self.template_of(invoice), self.ours)

    def test_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.customer.lang = "fr_FR"
        meter = self.env.ref("metered_billing.meter_international")
        meter.with_context(lang="fr_FR").name = "Appels internationaux"
        invoice = self.make_october()
        usage = invoice._metered_mail_usage()
        self.assertEqual(usage["rows"][1]["name"], "Appels internationaux")
        self.assertEqual(usage["rows"][1]["quantity"], "1,5")
        self.assertIn("01/10/2026", usage["period"])
        self.ours.with_context(lang="fr_FR").body_html = self.ours.body_html.replace(
            "Call type", "Type d'appel"
        )
        self.assertIn("Type d'appel", self.body(invoice))

    def test_late_usage_has_its_own_period(self):
        invoice = self.make_invoice(
            ("1", "2026-10-05 10:00:00", 90, "+14045550100", "+12125550199"),
        )
        subscription = invoice.subscription_id
        self.import_calls(
            self.source,
            ("2", "2026-10-20 10:00:00", 60, "+14045550100", "+12125550199"),
            ("3", "2026-11-06 10:00:00", 60, "+14045550100", "+12125550199"),
        )
        subscription.generate_invoice()
        second = subscription.invoice_ids - invoice
        usage = second._metered_mail_usage()
        self.assertFalse(usage["period"])
        self.assertEqual(len({row["period"] for row in usage["rows"]}), 2)
        for row in usage["rows"]:
            self.assertIn(row["period"], self.body(second))

    def test_what_is_sent(self):
        invoice = self.make_october()
        invoice.action_post()
        self.env["account.move.send"]._generate_and_send_invoices(
            invoice, sending_methods=["email"], allow_fallback_pdf=True
        )
        mail = invoice.message_ids.filtered("partner_ids")[:1]
        self.assertIn("International calls", mail.body)
        self.assertEqual(mail.partner_ids, self.customer)
