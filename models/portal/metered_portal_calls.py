# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.tools import format_datetime, formatLang

from ...ingest.load import company_zone, customer_zone
from ...rating.exact import number
from ...statement.formats import duration

#: of a charge
DECIMALS = 4


class MeteredPortal(models.AbstractModel):
    """Calls, as a portal user sees them."""

    _inherit = "metered.portal"

    @api.model
    def _masked_call(self, cdr):
        """What a customer may see of a call.

        :param cdr: one ``metered.cdr``
        :return: see :meth:`_masked_calls`; an empty dict for a call of which nothing
            is to be seen
        """
        return next(iter(self._masked_calls(cdr)), {})

    @api.model
    def _masked_calls(self, cdrs):
        """What a customer may see of calls: the one place where they are masked.

        :param cdrs: ``metered.cdr``; a call that statements do not list is left out
        :return: list of dicts: `id`, `start_time` (datetime, aware, in the customer's
            zone), `seconds`, `billed_seconds`, `covered_seconds`, `amount` (Decimal),
            and texts: `start`, `time_zone`, `direction`, `from`, `to`,
            `destination`, `call_type`, `duration`, `billed`, `covered`, `charge`,
            `currency`
        """
        policies, found = {}, []
        directions = dict(
            self.env["metered.cdr"]
            ._fields["direction"]
            ._description_selection(self.env)
        )
        for cdr in cdrs.sudo():
            owner = cdr.partner_id.commercial_partner_id
            key = cdr.company_id, owner
            if key not in policies:
                policies[key] = self._policy(*key)
            masking, zone = policies[key]
            if not cdr._is_call() or not cdr.partner_id:
                continue
            is_inbound = cdr.direction == "inbound"
            other = cdr.caller if is_inbound else cdr.callee
            if not masking.lists(other, bool(cdr.charge)):
                continue
            start = cdr.start_time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
            amount = number(cdr.charge)
            covered = cdr.plan_quantity or 0
            found.append(
                {
                    "id": cdr.id,
                    "start_time": start,
                    "start": format_datetime(
                        self.env, cdr.start_time, tz=zone, dt_format="medium"
                    ),
                    "time_zone": zone,
                    "direction": directions.get(cdr.direction, ""),
                    "from": masking.caller(cdr.caller or "")
                    if is_inbound
                    else cdr.caller or "",
                    "to": cdr.callee or ""
                    if is_inbound
                    else masking.called(cdr.callee or ""),
                    "destination": cdr.destination_id.name or "",
                    "call_type": cdr.meter_id.name or "",
                    "seconds": int(cdr.quantity),
                    "duration": duration(int(cdr.quantity)),
                    "billed_seconds": int(cdr.billed_quantity),
                    "billed": duration(int(cdr.billed_quantity)),
                    "covered_seconds": int(covered),
                    "covered": duration(int(covered)) if covered else "",
                    "amount": amount,
                    "currency": cdr.currency_id.name or "",
                    "charge": self._charge_text(amount, cdr.currency_id),
                }
            )
        return found

    @api.model
    def _policy(self, company, owner):
        """How numbers of a customer are masked, and in which zone its days begin.

        As on the statement, which who pays gets.
        """
        payer = owner.sudo().with_company(company)._metered_payer()
        zone = customer_zone(owner.with_company(company), company_zone(company))
        return payer.with_company(company)._metered_masking(company), zone

    @api.model
    def _charge_text(self, amount, currency):
        """An amount of a call, whose cents have decimals."""
        return formatLang(
            self.env,
            float(amount),
            digits=max(DECIMALS, currency.decimal_places),
            currency_obj=currency,
        )
