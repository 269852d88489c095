# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which measured service a customer has: the group's, until it has one of its own."""

from datetime import date

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .test_measured_services import MeasuredCase

OCTOBER = date(2026, 10, 31)


@tagged("post_install", "-at_install")
class TestMeasuredGroups(MeasuredCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.of_group = cls.make_service(cls.group)
        cls.customer.metered_group_id = cls.group
        cls.chief = new_test_user(
            cls.env,
            "chief",
            "metered_billing.group_metered_administrator,base.group_partner_manager",
        )

    def effective(self, partner=None, day=OCTOBER):
        partner = partner or self.customer
        return partner._metered_measured_service(self.extensions, day)

    def test_read_through(self):
        """The group's, also for contacts; who leaves the group loses it."""
        contact = self.make_customer("Contact", parent_id=self.customer.id)
        self.assertEqual(self.effective(contact), self.of_group)
        self.sample(("2026-10-03 09:00:00", 10))
        self.of_group.unit_price = 3
        self.assertEqual(self.charged(self.renew(self.plan)), [15])
        self.customer.metered_group_id = False
        self.assertFalse(self.effective())
        self.assertEqual(self.charged(self.renew(self.plan)), [])

    def test_own_one_takes_its_place_from_its_first_day(self):
        own = self.make_service(date_from="2026-11-01", unit_price=1)
        self.assertEqual(own.status, "overridden")
        self.assertEqual(self.effective(), self.of_group)
        self.assertEqual(self.effective(day=date(2026, 11, 1)), own)
        own.active = False
        self.assertEqual(self.effective(day=date(2026, 11, 1)), self.of_group)
        self.of_group.active = False
        self.assertFalse(self.effective())
        other = self.make_customer("Other")
        self.assertEqual(self.make_service(other).status, "own")

    def test_archived(self):
        self.group.active = False
        self.assertFalse(self.effective())
        self.group.active = True
        self.extensions.active = False
        self.assertFalse(self.effective())

    def test_other_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.assertFalse(self.effective(self.customer.with_company(other)))
        mine = self.make_service()
        self.env["metered.measured.service"].with_company(other).create(
            {
                "partner_id": self.customer.id,
                "meter_id": self.extensions.copy({"company_id": False, "code": "x"}).id,
                "company_id": other.id,
            }
        )
        self.assertEqual(self.customer.metered_measured_ids, mine)

    def test_group_changes_from_a_day_on(self):
        """Whoever has no own one is charged by the new terms, from that day on."""
        self.sample(("2026-10-03 09:00:00", 10))
        self.of_group.price_id._keep_until(date(2026, 11, 1))
        self.of_group.unit_price = 7
        self.assertEqual(self.charged(self.renew(self.plan)), [20])
        self.assertEqual(self.charged(self.renew(self.plan)), [35])

    def test_override_and_reset(self):
        """What editing an inherited one opens, is saved as the customer's own."""
        self.of_group.price_id._keep_until(date(2026, 10, 1))
        self.of_group.write({"unit_price": 6, "rate_code": "G"})
        [row] = self.customer.metered_measured_ids
        self.assertEqual(row.status, "inherited")
        row = row.with_user(self.chief).with_context(
            default_partner_id=self.customer.id
        )
        action = row.action_edit()
        self.assertFalse(action.get("res_id"))
        services = row.browse().with_context(**action["context"])
        form = Form(services)
        self.assertEqual((form.unit_price, form.rate_code), (6, "G"))
        form.free_units = 9
        form.date_from = "2026-09-01"
        own = form.save()
        self.assertEqual(own.status, "overridden")
        self.assertEqual(self.customer.metered_measured_ids, own)
        # What the group had before it holds on the days before for the own one, too.
        self.assertEqual(own.price_id.version_ids.unit_price, 4)
        self.assertEqual(self.of_group.free_units, 5)
        self.assertNotEqual(own.price_id, self.of_group.price_id)
        price = own.price_id
        self.customer.with_user(self.chief).action_metered_reset_measured()
        self.assertFalse(own.exists() or price.exists())
        self.assertEqual(self.effective(), self.of_group)

    def test_what_is_inherited_cannot_be_removed(self):
        with self.assertRaisesRegex(UserError, "inherited from the customer group"):
            self.of_group.action_remove()
        own = self.make_service()
        own.action_remove()
        self.assertFalse(own.exists())

    def test_contacts_have_none_of_their_own(self):
        contact = self.make_customer("Contact", parent_id=self.customer.id)
        with self.assertRaisesRegex(ValidationError, "Add them to Acme"):
            self.make_service(contact)

    def test_golden_quantity_has_the_price_of_the_group(self):
        golden = self.env["metered.golden.call"].create(
            {
                "kind": "usage",
                "meter_id": self.extensions.id,
                "partner_id": self.customer.id,
                "quantity": 10,
                "expected": 20,
                "moment": "2026-10-05 10:00:00",
            }
        )
        self.assertEqual(golden._price_of_usage(OCTOBER)[0], 20)
        with self.assertRaisesRegex(UserError, "affects agreed prices"):
            self.of_group.unit_price = 5

    def test_calls_at_one_time(self):
        """Active calls need no samples; their average is that of the time."""
        self.of_group.unlink()
        self.customer.metered_group_id = False
        services = self.env["metered.measured.service"]
        services._add_usual(self.customer)
        active = self.customer.metered_measured_ids[0]
        self.assertEqual(active.meter_id.level_source, "calls")
        active.write(
            {"charge_basis": "max", "unit_price": 4, "date_from": "2026-09-01"}
        )
        self.make_identifier(self.customer, "+14045550100")
        switch = self.make_source(name="Switch")
        self.import_calls(
            switch,
            *(
                (f"c{n}", f"2026-10-05 10:00:0{n}", 60, "+14045550100", "+12125550199")
                for n in range(3)
            ),
        )
        invoice = self.renew(self.plan)
        [(text, *amounts)] = self.measured(invoice)
        self.assertIn("maximum 3 on 10/05/2026 10:00", text)
        self.assertEqual(amounts, [3, 4])
        self.assertEqual(active.price_id._level_basis()[0], "max")
        active.charge_basis = "average"
        self.assertEqual(active.price_id._level_basis()[0], "time_average")
