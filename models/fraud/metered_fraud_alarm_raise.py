# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models
from odoo.tools import groupby
from odoo.tools.misc import formatLang

from ...connectors.harmless import shown
from .metered_fraud_alarm import PROBLEM, moment_of

#: characters of a text that somebody else wrote
MOST_CHARACTERS = 500
#: ranges that are kept of one finding
MOST_RANGES = 50


class MeteredFraudAlarm(models.Model):
    """Raising alarms, and having open ones grow."""

    _inherit = "metered.fraud.alarm"

    @api.model
    def _raise(self, source, suspicions):
        """Raise alarms about what was found in new calls.

        :param source: ``metered.source`` that they came from
        :param suspicions: ``ingest.fraud_store.Suspicion``, ordered by customer
        """
        for partner_id, found in groupby(
            suspicions, lambda suspicion: suspicion.finding.partner_id
        ):
            last = self.search(
                [
                    ("company_id", "=", source.company_id.id),
                    ("partner_id", "=", partner_id),
                ],
                limit=1,
            )
            newest = moment_of(max(suspicion.newest for suspicion in found))
            findings = [suspicion.finding for suspicion in found]
            if last.state == "open":
                last._grow(findings)
            elif last.state not in ("confirmed", "dismissed") or (
                newest > last.last_call
            ):
                self._raise_new(source, partner_id, findings)

    @api.model
    def _raise_new(self, source, partner_id, findings):
        partner = self.env["res.partner"].browse(partner_id)
        company = source.company_id
        alarm = self.create(
            {
                "company_id": company.id,
                "partner_id": partner_id,
                "source_id": source.id,
                "user_id": self.env["metered.fraud.limit"]
                ._user_to_notify(company, partner)
                .id,
                "first_call": moment_of(min(one.first for one in findings)),
                "last_call": moment_of(max(one.last for one in findings)),
                "findings": _merged([], findings),
            }
        )
        alarm._count_again()
        alarm._tell()
        return alarm

    def _grow(self, findings):
        """Add what was found later."""
        self.ensure_one()
        self._set_as_program(
            {
                "first_call": min(
                    self.first_call, moment_of(min(one.first for one in findings))
                ),
                "last_call": max(
                    self.last_call, moment_of(max(one.last for one in findings))
                ),
                "findings": _merged(self.findings or [], findings),
            }
        )
        self._count_again()
        if self.state == "open":
            self._metered_raise(PROBLEM, *self._activity_text(), counted=False)

    def _tell(self):
        """Tell a person, and other programs, about a new alarm."""
        self.ensure_one()
        activity = self._metered_raise(PROBLEM, *self._activity_text(), counted=False)
        person = activity.user_id.partner_id
        if person:
            summary, text = self.with_context(
                lang=person.lang or self.env.lang
            )._activity_text()
            self.message_notify(partner_ids=person.ids, subject=summary, body=text)
        self.env["metered.webhook"]._tell(
            "fraud.alarm", [(self.company_id, self._told(), self)]
        )

    def _activity_text(self):
        """(summary, note) for a person."""
        name = self.partner_id.display_name
        return (
            self.env._("Possible toll fraud: %s", name),
            self.env._(
                "%(customer)s: %(calls)s calls for %(charge)s since %(moment)s (UTC), "
                "%(rate)s an hour. %(reasons)s Check the calls, then confirm or "
                "dismiss the alarm.",
                customer=name,
                calls=self.calls,
                charge=self._money(self.charge),
                moment=self.first_call.strftime("%Y-%m-%d %H:%M"),
                rate=self._money(self.rate),
                reasons=self.reasons.replace("\n", " "),
            ),
        )

    def _money(self, amount):
        return formatLang(self.env, amount, currency_obj=self.company_id.currency_id)

    def _told(self):
        """What other programs are told: dict of JSON."""
        self.ensure_one()
        return {
            "alarm": self.id,
            "customer": {
                "id": self.partner_id.id,
                "name": shown(self.partner_id.display_name, MOST_CHARACTERS),
            },
            "first_call": f"{self.first_call.isoformat()}+00:00",
            "last_call": f"{self.last_call.isoformat()}+00:00",
            "calls": self.calls,
            "charge": str(self.charge),
            "charge_per_hour": str(self.rate),
            "currency": self.company_id.currency_id.name,
            "reasons": sorted({row[0] for row in self.findings or ()}),
        }


def _merged(rows, findings):
    """Findings by reason and destination, each once, with the largest value.

    :param rows: list as in the field ``findings``
    :param findings: list of ``fraud.Finding``
    """
    merged = {(row[0], row[1]): list(row) for row in rows}
    for one in findings:
        new = [
            *(one.reason, one.zone, one.value, one.limit, one.first, one.last),
            sorted(one.ranges)[:MOST_RANGES],
        ]
        old = merged.setdefault((one.reason, one.zone), new)
        merged[one.reason, one.zone] = [
            *old[:2],
            max(old[2], new[2]),
            old[3],
            min(old[4], new[4]),
            max(old[5], new[5]),
            sorted({*old[6], *new[6]})[:MOST_RANGES],
        ]
    return [merged[key] for key in sorted(merged)]
