# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What tests of the module start from; made for integrators' own tests too."""

import base64
import csv
import io
import socket
from pathlib import Path

from odoo import Command
from odoo.tests import TransactionCase

from odoo.addons.metered_billing.connectors.freeswitch_json import call_event

MODULE = Path(__file__).resolve().parents[2]
ASTERISK = MODULE / "demo" / "asterisk"


class MeteredMakers:
    """Makers of what a test needs; to be mixed into a case class of Odoo's."""

    @classmethod
    def set_up_rates(cls):
        """Price every call at 0.06 a minute, by the second, and count days in UTC."""
        cls.company = cls.env.company
        cls.company.metered_tz = "UTC"
        cls.usa = cls.env.ref("base.us")
        cls.deck = cls.make_deck("House")
        cls.make_rate(cls.deck, "", price=0.06)
        cls.company.metered_deck_id = cls.deck

    def receive_call(self, source, record):
        """Have a switch post a record, a dict column -> text; what became of it."""
        [outcome] = source._receive_events([call_event(record)])
        return outcome

    # === MAKERS === #

    @classmethod
    def make_deck(cls, name, **values):
        """A rate deck without rates, in UTC and the company's currency."""
        return cls.env["metered.rate.deck"].create(
            {"name": name, "timezone": "UTC", **values}
        )

    @classmethod
    def make_rate(cls, deck, prefix, price, **values):
        """A rate per minute, billed by the second where nothing else is said."""
        return cls.env["metered.rate"].create(
            {"deck_id": deck.id, "prefix": prefix or False, "price": price, **values}
        )

    def move_source(self, source, **values):
        """Another server, and the same credentials for it."""
        source.write({**source._get_secrets(), **values})

    def closed_address(self):
        """Where nobody answers: its port is this test's, and is not listened to."""
        closed = self.enterContext(socket.socket())
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}"

    @classmethod
    def make_source(cls, preset="generic", **values):
        """A source in UTC and North America that takes records of any age."""
        count = cls.env["metered.source"].search_count([])
        return cls.env["metered.source"].create(
            {
                "name": f"Switch {count}",
                "preset": preset,
                "timezone": "UTC",
                "country_id": cls.usa.id,
                "max_age_days": 0,
                # The calls of the tests lie where they lie, whatever the clock says.
                "future_hours": 24 * 365 * 100,
                **values,
            }
        )

    @classmethod
    def make_customer(cls, name, *numbers, **values):
        """A customer with telephone numbers."""
        partner = cls.env["res.partner"].create({"name": name, **values})
        for number in numbers:
            cls.make_identifier(partner, number)
        return partner

    @classmethod
    def make_identifier(cls, partner, value, kind="number", **values):
        """A service identifier of a customer."""
        return cls.env["metered.identifier"].create(
            {"partner_id": partner.id, "value": value, "kind": kind, **values}
        )

    @classmethod
    def make_subscription(cls, partner, start, due, **values):
        """A monthly subscription in progress, with a flat fee of 10 unless told."""
        fee = cls.env["product.product"].create(
            {"name": "Line rental", "type": "service", "list_price": 10.0}
        )
        template = cls.env["sale.subscription.template"].create(
            {
                "name": "Monthly",
                "code": "M",
                "recurring_rule_type": "months",
                "recurring_interval": 1,
                "recurring_rule_boundary": "unlimited",
                "invoicing_mode": "draft",
            }
        )
        stage = cls.env["sale.subscription.stage"].search(
            [("type", "=", "in_progress")], limit=1
        )
        pricelist = cls.env["product.pricelist"].create(
            {"name": "List", "currency_id": cls.company.currency_id.id}
        )
        subscription = cls.env["sale.subscription"].create(
            {
                "partner_id": partner.id,
                "template_id": template.id,
                "pricelist_id": pricelist.id,
                "stage_id": stage.id,
                "in_progress": True,
                "date_start": start,
                "recurring_next_date": due,
                "sale_subscription_line_ids": [
                    Command.create(
                        {
                            "product_id": fee.id,
                            "name": fee.name,
                            "product_uom_qty": 1,
                            "price_unit": 10.0,
                            "tax_ids": [Command.clear()],
                        }
                    )
                ],
                **values,
            }
        )
        # Moving to a stage in progress sets both anew.
        subscription.write({"date_start": start, "recurring_next_date": due})
        return subscription

    @classmethod
    def make_meter(cls, name, **values):
        """A meter that is no call type; its records are summed unless told."""
        return cls.env["metered.meter"].create(
            {
                "name": name,
                "code": name.lower().replace(" ", "_"),
                "kind": "event",
                "unit": "unit",
                **values,
            }
        )

    @classmethod
    def make_price(cls, meter, *tiers, **values):
        """A metered price.

        :param tiers: pairs (up to, price per unit), 0 for no end; graduated unless told
        """
        if tiers:
            values.setdefault("charge_model", "graduated")
            values["tier_ids"] = [
                Command.create({"up_to": up_to, "unit_price": unit_price})
                for up_to, unit_price in tiers
            ]
        return cls.env["metered.price"].create(
            {"name": meter.name, "meter_id": meter.id, **values}
        )

    @classmethod
    def make_metered_product(cls, name, price, **values):
        """A product whose usage has a price."""
        return cls.env["product.product"].create(
            {
                "name": name,
                "type": "service",
                "list_price": 0.0,
                "metered_meter_id": price.meter_id.id,
                "metered_price_id": price.id,
                "taxes_id": [Command.clear()],
                **values,
            }
        )

    # === IMPORTING === #

    @classmethod
    def import_text(cls, source, text, name="calls.csv", override=None):
        """Import a file with this text, in the test's own transaction."""
        return cls.import_bytes(source, text.encode(), name, override)

    @classmethod
    def import_bytes(cls, source, content, name="calls.csv", override=None):
        """Import a file with these bytes, in the test's own transaction."""
        batch_id = cls.env["metered.batch"].import_file(
            source.id, name, base64.b64encode(content).decode(), override
        )
        batch = cls.env["metered.batch"].browse(batch_id)
        batch._process()
        return batch

    @classmethod
    def import_calls(cls, source, *calls, **named):
        """Import calls of the generic layout.

        :param calls: tuples (call id, start, seconds, caller, callee)
        """
        return cls.import_text(source, generic_csv(calls), **named)

    def cdrs(self, batch):
        """The CDRs of an import, in the order of its lines."""
        return self.env["metered.cdr"].search(
            [("batch_id", "=", batch.id)], order="line"
        )

    def exceptions(self, batch):
        """The exceptions of an import, in the order of its lines."""
        return self.env["metered.exception"].search(
            [("batch_id", "=", batch.id)], order="line"
        )

    def usage(self, partner):
        """A customer's usage, in the order of days and call types."""
        return self.env["metered.usage"].search(
            [("partner_id", "=", partner.id)], order="day, meter_id, id"
        )


class MeteredCase(MeteredMakers, TransactionCase):
    """A company with a rate deck that prices every call, and makers of the rest."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context=dict(cls.env.context, tracking_disable=True))
        cls.set_up_rates()


GENERIC = ("call_id", "start_time", "duration", "caller", "callee")


def generic_csv(calls):
    """Calls as a file of the generic layout, with its header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(GENERIC)
    writer.writerows(calls)
    return text.getvalue()


def load_asterisk_customers(env, source):
    """The customers of the Asterisk month, with all their identifiers.

    Thames Print dials as in the United Kingdom.

    :param source: the ``metered.source`` that their identifiers are of
    :return: dict name -> ``res.partner``
    """
    kinds = {
        "did": "number",
        "extension": "extension",
        "accountcode": "account_code",
        "endpoint": "endpoint",
        "context": "context",
    }
    partners, identifiers = {}, []
    with (ASTERISK / "customers.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            name = row["customer"]
            if name not in partners:
                partners[name] = env["res.partner"].create({"name": name})
            identifiers.append(
                {
                    "partner_id": partners[name].id,
                    "source_id": source.id,
                    "kind": kinds[row["kind"]],
                    "value": row["identifier"],
                }
            )
    env["metered.source.account"].create(
        {
            "name": "tpl",
            "source_id": source.id,
            "partner_id": partners["Thames Print Ltd"].id,
            "country_id": env.ref("base.uk").id,
        }
    )
    env["metered.identifier"].create(identifiers)
    return partners


def read_control():
    """The control totals of the Asterisk month: customer -> (calls, seconds)."""
    with (ASTERISK / "control.csv").open(encoding="utf-8") as lines:
        return {
            row["customer"]: (
                int(row["answered_outbound_calls"]),
                int(row["total_billsec"]),
            )
            for row in csv.DictReader(lines)
        }
