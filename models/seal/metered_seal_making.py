# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ...ingest.conflicts import again
from ...ingest.load import company_zone
from ...stored import canonical

#: seconds that the scheduled action works at a time
SLICE_SECONDS = 40
#: days, and invoices, that are sealed together, and committed
SLICE_DAYS, SLICE_INVOICES = 7, 100
#: notes that are looked at together
SLICE_NOTES = 5_000
#: reasons of notes that say the number of an invoice
NUMBERED = ("posted", "drafted", "renumbered")
#: what is said of usage that is not there
NOTHING = ("", 0)


class MeteredSeal(models.Model):
    """Days are sealed when they are closed, invoices when they are posted."""

    _inherit = "metered.seal"

    @api.model
    def _cron_seal(self):
        """Seal what is closed, slice by slice; one company after the other."""
        begun = time.monotonic()
        companies = (
            self.env["res.company"].sudo().search([("metered_sealing", "=", True)])
        )
        remaining = 0
        for company in companies:
            while self._seal_slice_committed(company):
                if time.monotonic() - begun > SLICE_SECONDS:
                    remaining = 1
                    break
        self.env["ir.cron"]._commit_progress(remaining=remaining)

    def _seal_slice_committed(self, company):
        done = []

        def work(_failed):
            done[:] = [self._seal_slice(company)]
            self.env.cr.commit()  # pylint: disable=invalid-commit

        again(self.env.cr, work, self.env.cr.commit)
        return done[0]

    @api.model
    def _seal_slice(self, company):
        """Seal some of what is closed.

        :return: whether there was any
        """
        self.env.flush_all()
        return self._seal_noted(company) or self._seal_days(company)

    @api.model
    def _seal_days(self, company):
        today = fields.Date.context_today(self.with_context(tz=company_zone(company)))
        last = today - timedelta(days=1 + company.metered_seal_days)
        self.env.cr.execute(
            "SELECT DISTINCT day FROM metered_usage"
            " WHERE company_id = %s AND day > %s AND day <= %s ORDER BY day LIMIT %s",
            (
                company.id,
                company.metered_sealed_until or fields.Date.to_date("1900-01-01"),
                last,
                SLICE_DAYS,
            ),
        )
        days = [day for (day,) in self.env.cr.fetchall()]
        if not days:
            if (company.metered_sealed_until or last) < last:
                company._set_as_program({"metered_sealed_until": last})
            return False
        self._append(company, self._of_days(company, days, "closed"))
        company._set_as_program({"metered_sealed_until": days[-1]})
        return True

    @api.model
    def _of_days(self, company, days, reason, about=False):
        digests = canonical.days(self.env.cr, company.id, days)
        sums = canonical.day_sums(self.env.cr, company.id, days)
        for day in days:
            digest, records = digests.get(day, NOTHING)
            yield {
                "kind": "day",
                "day": day,
                "records": records,
                "sums": sums.get(day),
                "digest": digest,
                "reason": reason,
                "about": about,
            }

    @api.model
    def _of_invoices(self, names, reason, about=False):
        digests = canonical.invoices(self.env.cr, names)
        sums = canonical.invoice_sums(self.env.cr, digests)
        for move_id, name in names.items():
            digest, records = digests.get(move_id, NOTHING)
            yield {
                "kind": "invoice",
                "invoice_id": move_id,
                "invoice_name": name,
                "records": records,
                "sums": sums.get(move_id),
                "digest": digest,
                "reason": reason,
                "about": about,
            }

    # === WHAT CHANGED === #

    @api.model
    def _seal_noted(self, company):
        """Seal again what changed with a reason; whether there was any."""
        cr = self.env.cr
        cr.execute(
            SQL(
                "SELECT id, day, invoice_id, reason, about FROM metered_seal_note"
                " WHERE company_id = %s ORDER BY id LIMIT %s",
                company.id,
                SLICE_NOTES,
            )
        )
        notes = _slice(cr.fetchall())
        if not notes:
            return False
        why = {"day": {}, "invoice": {}}
        names = {}
        for _id, day, invoice_id, reason, about in notes:
            if day:
                why["day"].setdefault(day, {})[reason, about] = True
            if invoice_id:
                why["invoice"].setdefault(invoice_id, {})[reason, about] = True
                if reason in NUMBERED and about:
                    names[invoice_id] = about
        made = [
            *self._changed(company, "day", why["day"], names),
            *self._changed(company, "invoice", why["invoice"], names),
        ]
        self._append(company, made)
        cr.execute(
            "DELETE FROM metered_seal_note WHERE id = ANY(%s)",
            ([note[0] for note in notes],),
        )
        return True

    @api.model
    def _changed(self, company, kind, why, names):
        """What is to be sealed again: what is not as its last seal says.

        :param why: dict day or id -> dict of (reason, details)
        :param names: dict id of an invoice -> its number, where it is known
        """
        if not why:
            return
        latest = self._latest(company, kind, why)
        if kind == "day":
            sealed = company.metered_sealed_until
            wanted = sorted(day for day in why if sealed and day <= sealed)
            found = self._of_days(company, wanted, False)
        else:
            wanted = {
                key: names.get(key) or latest[key].invoice_name
                for key in sorted(why)
                if key in names or key in latest
            }
            found = self._of_invoices(wanted, False)
        for values in found:
            key = values["day"] if kind == "day" else values["invoice_id"]
            before = latest.get(key)
            if values["digest"] == (before.digest or "" if before else ""):
                continue
            reasons = [reason for reason, _about in why[key]]
            abouts = dict.fromkeys(about for _reason, about in why[key] if about)
            values["reason"] = reasons[0] if len(set(reasons)) == 1 else "several"
            values["about"] = ", ".join(abouts) or False
            yield values


def _slice(notes):
    """Notes of no more days and invoices than are sealed together, all of those.

    :param notes: list of (id, day or None, id of an invoice or None, ...)
    """
    days, invoices, taken = {None}, {None}, []
    for note in notes:
        _id, day, invoice_id, *_why = note
        if day not in days and len(days) > SLICE_DAYS:
            continue
        if invoice_id not in invoices and len(invoices) > SLICE_INVOICES:
            continue
        days.add(day)
        invoices.add(invoice_id)
        taken.append(note)
    return taken
