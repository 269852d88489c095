# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import datetime
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.tools import format_date
from odoo.tools.misc import get_lang

from ...ingest.load import company_zone, customer_zone
from ...ingest.usage_calls import USAGE_CDRS

#: registers whose readings a line names; of more it says how many
MOST_REGISTERS = 20

_SPANS = f"""
    SELECT register.id,
           (array_agg(cdr.properties
                      ORDER BY (cdr.properties ->> 'from_time')::timestamptz))[1],
           (array_agg(cdr.properties
                      ORDER BY (cdr.properties ->> 'to_time')::timestamptz DESC))[1]
      FROM {USAGE_CDRS}
      JOIN metered_register register ON register.id = cdr.register_id
     WHERE cdr.properties ? 'from'
     GROUP BY register.id
     ORDER BY register.serial, register.id
"""


class MeteredUsage(models.Model):
    """Which readings usage of counters lies between."""

    _inherit = "metered.usage"

    readings = fields.Text(
        compute="_compute_readings",
        help="For counters: the previous and current readings of each device.",
    )

    @api.depends_context("lang")
    def _compute_readings(self):
        for usage in self:
            lines = []
            if usage.meter_id.kind == "counter":
                lines = usage._reading_lines(usage.partner_id, self.env.lang)
            usage.readings = "\n".join(lines)

    def _reading_lines(self, partner, lang=None):
        """Old and new reading of each register, for an invoice or a screen.

        :param partner: in whose time zone they are
        :param lang: in which language; None: in the partner's
        :return: list of texts
        """
        if not self:
            return []
        env = self.with_context(lang=lang or partner.lang or self.env.lang).env
        self.env.cr.execute(_SPANS, {"usage": self.ids})
        found = self.env.cr.fetchall()
        lines = [
            reading_line(env, partner, self.company_id[:1], first, last)
            for _register, first, last in found[:MOST_REGISTERS]
        ]
        if len(found) > MOST_REGISTERS:
            lines.append(
                env._("and %(count)s more devices", count=len(found) - MOST_REGISTERS)
            )
        return lines


def reading_line(env, partner, company, first, last):
    """Old and new reading of a device, in a line.

    :param env: in whose language
    :param partner: in whose time zone, else that of the company
    :param first, last: what records of its use tell of readings, as they are kept
    """
    zone = ZoneInfo(customer_zone(partner, company_zone(company)))
    return env._(
        "%(serial)s: %(old)s → %(new)s",
        serial=first["serial"],
        old=_reading(env, first, "from", zone),
        new=_reading(env, last, "to", zone),
    )


def _reading(env, told, name, zone):
    """A reading with its date, and whether somebody read it."""
    at = datetime.datetime.fromisoformat(told[f"{name}_time"]).astimezone(zone)
    # As it stands on the device: its digits are not grouped.
    point = get_lang(env).decimal_point
    values = {
        "value": told[name].replace(".", point),
        "date": format_date(env, at.date()),
    }
    if told[f"{name}_estimated"]:
        return env._("%(value)s (%(date)s, estimated)", **values)
    return env._("%(value)s (%(date)s, read)", **values)
