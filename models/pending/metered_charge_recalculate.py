# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, timedelta
from decimal import Decimal

from odoo import Command, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ...ingest.load import company_zone, customer_zone
from ...rating.counters import day_start
from ...rating.exact import exact, exact_text
from ...stored.given_quantity import Given, store_given, take_back_given
from ..guard.untrusted import own_context

EPOCH = datetime(1970, 1, 1)
#: how a meter may come to its quantity, so that one record can say what it is
BY_ONE_RECORD = ("sum", "max", "min", "last")


class MeteredCharge(models.Model):
    """A program says how much was used: it becomes usage, which is priced as all is.

    What is stored is one record of the difference to what was recorded already, on the
    last day of the charge's period. A quantity that is given again takes its place.
    """

    _inherit = "metered.charge"

    def _recalculate(self, quantity, who):
        """Bill a quantity instead of the one that was recorded.

        :param Decimal quantity: of the whole period, in the meter's unit
        :param str who: gives it
        :raises NotPendingError: the invoice does not wait for usage
        :raises UserError: the quantity of this charge cannot be given
        """
        self.ensure_one()
        charge = own_context(self).sudo().with_company(self.company_id)
        charge.move_id._metered_lock_pending()
        charge._check_can_be_given()
        before = charge._figures()
        charge._give_whole(quantity, who)
        charge._add_version(who, before, exact_text(exact(quantity)))

    def _give_whole(self, quantity, who):
        """Bill a quantity of the whole period, whatever was recorded by now."""
        sequence = self._lines()[:1].sequence
        usage = self._take_usage()
        usage |= self._give(usage, quantity, who)
        self._bill(usage, sequence)

    def _given_quantities(self):
        """What these were given, and by whom.

        :return: dict charge -> (Decimal, text)
        """
        given = {}
        for charge in self.filtered("given_usage_id"):
            told = self.env["metered.cdr"].search(
                [
                    ("usage_id", "=", charge.given_usage_id.id),
                    ("source_id", "=", False),
                    ("call_id", "=like", "CHG-%"),
                ],
                order="id desc",
                limit=1,
            )
            if told:
                quantity = Decimal(told.properties["given_quantity"])
                given[charge] = quantity, told.properties["given_by"]
        return given

    def _check_can_be_given(self):
        """:raises UserError: one record cannot say what the meter comes to"""
        self.ensure_one()
        meter = self.meter_id
        if not self.subscription_id or meter.kind not in ("event", "gauge"):
            raise UserError(
                self.env._(
                    "The quantity of %s cannot be set, because its records are "
                    "rated one by one or come from counters. Push or import them "
                    "instead, then recalculate the invoice.",
                    meter.name,
                )
            )
        if meter.aggregation not in BY_ONE_RECORD or meter._prices_level():
            raise UserError(
                self.env._(
                    "The quantity of %s cannot be set, because it depends on its "
                    "individual records. Push or import them instead, then "
                    "recalculate the invoice.",
                    meter.name,
                )
            )

    def _take_usage(self):
        """Take what is recorded for this charge off its lines, and lock it.

        What came in since the invoice was made is of the same period: without it, it
        would be billed beside the quantity that is given.

        :return: open ``metered.usage`` with records
        """
        self.ensure_one()
        given = self.given_usage_id
        held = self._lines()._metered_take_off() - given
        if given:
            self.given_usage_id = False
            self.env.flush_all()
            take_back_given(self.env.cr, given.id)
            self.env.invalidate_all(flush=False)
        subscription = self.subscription_id.with_company(self.company_id)
        owner = subscription.partner_id.commercial_partner_id
        household = owner.with_company(self.company_id)._metered_households()[owner.id]
        arrived = Domain(subscription._metered_usage_domain(self.date_to, household))
        arrived &= Domain("meter_id", "=", self.meter_id.id)
        arrived &= Domain("day", ">=", self.date_from)
        domain = Domain("records", ">", 0) & (arrived | Domain("id", "in", held.ids))
        return self.env["metered.usage"]._lock(list(domain))

    def _give(self, usage, quantity, who):
        """Store the difference between what is recorded and a quantity.

        :param usage: ``metered.usage`` of what is recorded
        :return: ``metered.usage`` that holds it; empty where there is no difference
        """
        self.ensure_one()
        # What is on other invoices is of the same period, and billed there.
        subscription = self.subscription_id
        elsewhere = usage._billed_usage(
            self.meter_id,
            subscription,
            subscription.partner_id,
            self.company_id,
            self.date_from,
            self.date_to,
        ).filtered("records")
        recorded = self._recorded(usage | elsewhere)
        difference = exact(quantity) - exact(recorded)
        if self.meter_id.aggregation != "sum":
            if usage | elsewhere:
                raise UserError(
                    self.env._(
                        "%s already has records in this period. In that case, only "
                        "the quantity of a meter that sums its records can be set.",
                        self.meter_id.name,
                    )
                )
            difference = exact(quantity)
        if not difference:
            return usage.browse()
        owner = subscription.partner_id.commercial_partner_id
        number = self.version_number + 1
        usage_id = store_given(
            self.env.cr,
            Given(
                company_id=self.company_id.id,
                partner_id=owner.id,
                subscription_id=subscription.id,
                meter_id=self.meter_id.id,
                currency_id=self.company_id.currency_id.id,
                call_id=f"CHG-{self.id}/{number}",
                day=fields.Date.subtract(self.date_to, days=1),
                moment=self._instant(self.date_to) - timedelta(seconds=1),
                quantity=exact_text(difference),
                properties={
                    "charge": f"CHG-{self.id}",
                    "version": str(number),
                    "given_by": who,
                    "given_quantity": exact_text(exact(quantity)),
                    "recorded": recorded,
                },
            ),
        )
        self.given_usage_id = usage_id
        return usage.browse(usage_id)

    def _adopt_given(self):
        """Know a quantity that was given for an invoice that was deleted since.

        So another quantity replaces it here, too.
        """
        self.ensure_one()
        given = self.env["metered.cdr"].search(
            [
                ("usage_id", "in", self._lines().metered_usage_ids.ids),
                ("source_id", "=", False),
                ("call_id", "=like", "CHG-%"),
            ],
            order="id desc",
            limit=1,
        )
        self.given_usage_id = given.usage_id

    def _recorded(self, usage):
        """The sum of the quantities of usage, as decimal text."""
        [(text,)] = self.env.execute_query(
            SQL(
                "SELECT trim_scale(coalesce(sum(quantity), 0))::text"
                "  FROM metered_usage WHERE id = ANY(%s)",
                usage.ids,
                to_flush=usage._fields["quantity"],
            )
        )
        return text

    def _instant(self, day):
        """When a day begins for the customer: naive datetime in UTC."""
        self.ensure_one()
        zone = customer_zone(self.move_id.partner_id, company_zone(self.company_id))
        return EPOCH + timedelta(
            microseconds=day_start(zone, (day - EPOCH.date()).days)
        )

    def _bill(self, usage, sequence):
        """Make the lines of this charge, of its usage.

        :param usage: ``metered.usage``, open and locked
        :param sequence: of the lines before
        """
        self.ensure_one()
        move, subscription = self.move_id, self.subscription_id
        found = usage._price_meter(
            self.meter_id,
            subscription,
            subscription.partner_id,
            self.company_id,
            self.date_from,
            self.date_to,
            usage,
        )
        if found.price._prices_events() and self.given_usage_id:
            raise UserError(
                self.env._(
                    "The quantity of %s cannot be set, because each of its records "
                    "has its own price. Push or import them instead, then "
                    "recalculate the invoice.",
                    self.meter_id.name,
                )
            )
        period = move.metered_period_id
        found.late = bool(period) and self.date_to <= period.date_from
        prepared = usage._lines_of_meter(
            found,
            self.company_id,
            move.currency_id,
            move.partner_id,
            period.date_to or self.date_to,
        )
        usage._check_fits_invoice(prepared, move.currency_id)
        before = move.invoice_line_ids
        move.invoice_line_ids = [
            Command.create({**values, "sequence": sequence or 10})
            for values, _ids in prepared
        ]
        made = (move.invoice_line_ids - before).sorted("id")
        usage._link_to_lines(
            [
                (usage_id, line.id)
                for line, (_values, usage_ids) in zip(made, prepared, strict=True)
                for usage_id in usage_ids
            ]
        )
        self.invalidate_recordset()
