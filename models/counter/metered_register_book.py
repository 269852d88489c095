# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import datetime
import logging
import time

from odoo import api, models

from ...ingest.conflicts import again, is_temporary, wait_briefly
from ...ingest.load import company_zone, customer_zone, to_us
from ...ingest.marks import mark_alerts_of_usage
from ...ingest.reading_store import lock_registers, mark_registers, read_dials
from ...rating import MAX_US, MIN_US
from ...rating.counters import Owner, day_start
from ...stored.book_registers import RegisterTerms, book_registers

_logger = logging.getLogger(__name__)

#: registers that are booked and committed together
PORTION = 500
#: registers that are booked while somebody waits
AT_ONCE = 2000
SLICE_SECONDS = 60
CRON = "metered_billing.ir_cron_book_readings"


class MeteredRegister(models.Model):
    """Finding what was used of registers whose readings changed.

    What changes a ledger notes it on the register, in the same transaction. An import
    finds what was used at its end, a form before it is stored, a renewal before it
    bills, and a scheduled action what is left.
    """

    _inherit = "metered.register"

    @api.model
    def _cron_book_readings(self):
        """Find what was used of what is left, for a slice of time."""
        self._book(commit=self.env.cr.commit, seconds=SLICE_SECONDS)
        self.env["ir.cron"]._commit_progress(
            remaining=self.search_count([("changed_from", "!=", False)])
        )

    @api.model
    def _book_quietly(self, commit=None, seconds=None):
        """Find what was used after a job's own work; what fails stays noted."""
        try:
            self._book(commit=commit, seconds=seconds)
        except Exception as error:
            if not commit or self.env.cr.closed:
                raise
            self.env.cr.rollback()
            told = _logger.info if is_temporary(error) else _logger.exception
            told("What was used of registers could not be found yet: %s", error)
            self._book_later()
            commit()

    @api.model
    def _book_later(self):
        """Have the scheduled action go on with what is left."""
        self.env.ref(CRON).sudo()._trigger()

    @api.model
    def _book(self, registers=None, commit=None, seconds=None):
        """Find what was used of registers whose ledgers changed.

        :param registers: only of these; None: of all
        :param commit: function that commits after each portion; None: the caller's
            transaction has it all, or as much as somebody can wait for
        :param seconds: stop before a further portion after this time
        """
        begun = time.monotonic()
        self.env.flush_all()
        domain = [("changed_from", "!=", False)]
        if registers is not None:
            domain.append(("id", "in", registers.ids))
        waiting = self.sudo().with_context(active_test=False).search(domain, order="id")
        if registers is None and not commit and len(waiting) > AT_ONCE:
            self._book_later()
            waiting = waiting[:AT_ONCE]
        for first in range(0, len(waiting), PORTION):
            if seconds is not None and time.monotonic() - begun > seconds:
                self._book_later()
                return
            waiting[first : first + PORTION]._book_portion(commit)

    def _book_portion(self, commit):
        def work(_failed):
            if commit:
                wait_briefly(self.env.cr)
            lock_registers(self.env.cr, self.ids)
            self.invalidate_recordset(flush=False)
            changed = self.exists().filtered("changed_from")
            if changed:
                touched = book_registers(self.env.cr, changed._terms())
                if self.env["metered.alert.mark"]._exist_alerts():
                    mark_alerts_of_usage(self.env.cr, touched)
                    self.env["metered.alert.mark"]._enqueue()
                self.env.cr.execute(
                    "UPDATE metered_register SET changed_from = NULL"
                    " WHERE id = ANY(%s)",
                    (changed.ids,),
                )
                changed._retry_contradicted()
            self.env.invalidate_all()
            if commit:
                commit()

        again(self.env.cr, work, commit)

    def _retry_contradicted(self):
        """Try readings again that contradicted what these registers held before."""
        for company, registers in self.grouped("company_id").items():
            jobs = self.env["metered.exception.job"]._create_jobs(
                "retry",
                {
                    "reasons": ["negative_increase"],
                    "tried": [f"register {key}" for key in registers.ids],
                },
                because=self.env._("Another reading was imported"),
                companies=company,
            )
            if jobs:
                jobs._enqueue()

    def _terms(self):
        """What decides what was used of each, as plain values.

        :return: list of ``RegisterTerms``
        """
        dials = read_dials(self.env.cr, self.ids)
        identifiers = self._identifiers()
        found = []
        for register in self:
            company = register.company_id
            dial, serial = dials[register.id]
            zone = company_zone(company)
            meter = register.meter_id
            found.append(
                RegisterTerms(
                    register_id=register.id,
                    company_id=company.id,
                    meter_id=meter.id,
                    currency_id=company.currency_id.id,
                    serial=serial,
                    dial=dial,
                    owners=tuple(
                        Owner(
                            to_us(one.date_from, MIN_US),
                            to_us(one.date_to, MAX_US),
                            customer_zone(one.partner_id, zone),
                            (one.id, one.partner_id.id, one.subscription_id.id or 0),
                        )
                        for one in identifiers[register].sorted(
                            lambda i: (i.date_from or datetime.datetime.min, i.id)
                        )
                    )
                    if register.active
                    else (),
                    factors=register._factors(zone),
                    daily=meter.at_period_end == "interpolate",
                    since=register.changed_from,
                    until_us=to_us(register.projected_until, None)
                    if meter.at_period_end == "interpolate"
                    else None,
                )
            )
        return found

    def _factors(self, zone):
        """The factors of a register: ((from when on, factor in 10⁻⁹), ..)."""
        self.ensure_one()
        lines = self.factor_ids.sorted(lambda f: f.date_from or datetime.date.min)
        first = self.meter_id.factor or 1.0
        factors = [(None, lines._in_nano(first))]
        for line in lines:
            factor = line._in_nano(line.factor)
            if not line.date_from:
                factors[0] = (None, factor)
                continue
            day = (line.date_from - datetime.date(1970, 1, 1)).days
            factors.append((day_start(zone, day), factor))
        return tuple(factors)

    # === BEFORE IT IS BILLED === #

    @api.model
    def _book_for(self, partners, until=None):
        """Find what these customers used, before they are billed.

        :param partners: ``res.partner`` records
        :param until: ``sale.subscription`` id -> first day after the period that is
            billed; registers whose meter says so go on to it without a reading
        """
        registers = self.sudo()
        if not registers.search_count([], limit=1):
            return
        identifiers = (
            registers.env["metered.identifier"]
            .with_context(active_test=False)
            .search([("partner_id", "in", partners.ids)])
        )
        registers = registers._of_identifiers(identifiers) if identifiers else registers
        if not registers:
            return
        for subscription, day in until or ():
            registers._go_on(subscription, day)
        self._book(registers)

    def _go_on(self, subscription, day):
        """Have registers of a subscription's customer go on to a day, if not read.

        :param subscription: ``sale.subscription``
        :param day: first day after the period that is billed
        """
        owner = subscription.partner_id.commercial_partner_id
        household = owner.with_company(subscription.company_id)._metered_households()[
            owner.id
        ]
        self.filtered(lambda r: r.company_id == subscription.company_id)._go_on_to(
            day,
            lambda identifier: (
                identifier.partner_id.id in household.named
                and identifier.subscription_id.id in (False, subscription.id)
            ),
        )

    @api.model
    def _go_on_for(self, partners, company, day, meters=None):
        """Have registers of customers go on to a day that is over, if not read.

        :param partners: ``res.partner`` records
        :param day: first day after those that are billed
        :param meters: only of these; empty: of all
        """
        registers = self.sudo()
        if day > datetime.date.today() or not registers.search_count([], limit=1):
            return
        registers = registers.search(
            [
                ("company_id", "=", company.id),
                ("partner_id", "in", partners.ids),
                *([("meter_id", "in", meters.ids)] if meters else []),
            ]
        )
        registers._go_on_to(day, lambda identifier: identifier.partner_id in partners)

    def _go_on_to(self, day, is_theirs):
        """Have registers go on to a day without a reading, where their meters say so.

        :param is_theirs: function of ``metered.identifier``: whose usage is billed
        """
        registers = self.filtered(
            lambda r: r.active and r.meter_id.at_period_end == "interpolate"
        )
        if not registers:
            return
        identifiers = registers._identifiers()
        for register in registers:
            zone = company_zone(register.company_id)
            ends = [
                min(
                    to_us(one.date_to, MAX_US),
                    day_start(
                        customer_zone(one.partner_id, zone),
                        (day - datetime.date(1970, 1, 1)).days,
                    ),
                )
                for one in identifiers[register]
                if is_theirs(one)
            ]
            register.invalidate_recordset(["last_time"], flush=False)
            last = register.last_time
            if not ends or not last:
                continue
            end = datetime.datetime(1970, 1, 1) + datetime.timedelta(
                microseconds=max(ends)
            )
            known = max(last, register.projected_until or datetime.datetime.min)
            if end > known:
                register._set_as_program({"projected_until": end})
                self.env.flush_all()
                mark_registers(self.env.cr, register.ids, [last])
                register.invalidate_recordset(["changed_from"], flush=False)
