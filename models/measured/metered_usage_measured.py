# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, timedelta
from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_date, format_time
from odoo.tools.misc import babel_locale_parse, get_lang, posix_to_ldml

from ...rating.exact import SHOWN_PLACES, exact, rounded


class MeteredUsage(models.Model):
    """Levels that measured services charge: which of them, and their invoice lines."""

    _inherit = "metered.usage"

    @api.model
    def _is_charged(self, meter, owner, partner, company, begin, end):
        """Whether a meter is charged in a period, or its levels are statistics only.

        :param owner: ``sale.subscription``, may be empty
        :param partner: the customer
        """
        if not meter.is_measured or meter in owner._metered_lines().metered_meter_id:
            return True
        partner = partner.with_company(company)
        service = partner._metered_measured_service(meter, end - timedelta(days=1))
        if service:
            return service.price_id._is_charged_in(begin, end)
        try:
            meter._price_for(
                self.env["sale.subscription.line"], partner, company, meter.product_id
            )
        except UserError:
            return False
        return True

    @api.model
    def _find_measured(self, found, partner, company):
        """Note which measured service sets the price of a meter, and from which day.

        :param found: ``PricedMeter`` without a price
        :return: ``metered.measured.service``, empty where a line or nothing does
        """
        partner = partner.with_company(company)
        meter, last = found.meter, found.date_to - timedelta(days=1)
        found.service = partner._metered_measured_service(meter, last)
        begins = found.service.date_from
        if found.service and begins > found.date_from:
            # What the group had before goes on to be measured.
            if not partner._metered_measured_service(meter, found.date_from):
                found.measured_from = begins
        if found.service:
            self._leave_out_billed(found, partner, company)
        return found.service

    # === WHAT ANOTHER SUBSCRIPTION BILLED === #

    @api.model
    def _billed_by_others(self, meter, owner, partner, company, begin, end):
        """Usage of a level that other subscriptions of the customer billed.

        Not levels of their own: of samples that name a subscription.
        """
        if not meter.is_measured:
            return self.browse()
        return self.search(
            [
                *self._billed_domain(meter, partner, company, begin, end),
                (
                    "invoice_line_id.metered_subscription_id",
                    "not in",
                    [False, *owner.ids],
                ),
                "|",
                ("subscription_id", "=", False),
                ("records", "=", 0),
            ]
        )

    @api.model
    def _billed_levels(self, meter, owner, partner, company, begin, end):
        """What others billed for the same days: the rest is the difference to it."""
        others = self._billed_by_others(meter, owner, partner, company, begin, end)
        if not others or meter in owner._metered_lines().metered_meter_id:
            return self.browse()
        return others.filtered(
            lambda row: (
                row.invoice_line_id.metered_date_from == begin
                and row.invoice_line_id.metered_date_to == end
            )
        )

    @api.model
    def _leave_out_billed(self, found, partner, company):
        """Have levels count from the day up to which others billed them."""
        period = (found.date_from, found.date_to)
        rows = self._billed_by_others(
            found.meter, found.subscription, partner, company, *period
        )
        lines = rows.invoice_line_id.filtered(
            lambda line: (line.metered_date_from, line.metered_date_to) != period
        )
        ends = [end for end in lines.mapped("metered_date_to") if end]
        if ends:
            begins = min(max(*ends, found.measured_from or period[0]), period[1])
            found.measured_from = begins

    # === THE LINE OF AN INVOICE === #

    @api.model
    def _describe_measured(self, found, shown, price, env):
        """What a measured service is charged: how its level was found, and times what.

        :param shown: ``ShownLine``
        :param price: its price, in the language of the invoice
        :param env: in that language
        """
        values = {
            "measured": self._describe_level(found, price, env),
            "free": price._format_exact(found.priced.free),
            "quantity": price._format_exact(shown.counted),
            "unit": price._priced_unit(),
        }
        if found.billed_usage:
            return env._(
                "%(measured)s; difference from earlier invoices: %(quantity)s %(unit)s",
                **values,
            )
        if shown.line is None:
            values["quantity"] = price._format_exact(found.priced.billable)
            if found.priced.free:
                return env._(
                    "%(measured)s, %(free)s free: %(quantity)s %(unit)s", **values
                )
            return env._("%(measured)s: %(quantity)s %(unit)s", **values)
        values["quantity"] = price._format_exact(shown.line.quantity)
        values["price"] = price._format_money(shown.line.unit_price)
        if found.priced.free:
            return env._(
                "%(measured)s, %(free)s free: %(quantity)s × %(price)s", **values
            )
        return env._("%(measured)s: %(quantity)s × %(price)s", **values)

    @api.model
    def _format_moment(self, moment, env):
        """A minute as the language of the invoice writes dates and times."""
        pattern = get_lang(env).time_format
        for seconds in (":%S", ".%S", "%S"):
            pattern = pattern.replace(seconds, "")
        locale = babel_locale_parse(get_lang(env).code)
        clock = format_time(
            env, moment.time(), time_format=posix_to_ldml(pattern.strip(), locale)
        )
        return f"{format_date(env, moment.date())} {clock}"

    @api.model
    def _describe_level(self, found, price, env):
        basis, percent = found.basis
        steps = {step.code: step.values for step in found.priced.steps}
        level = steps.get("level", {})
        text = level.get("level") or steps["measured"]["measured"]
        measured = exact(Decimal(text.rstrip("…")))
        if text.endswith("…"):
            measured = rounded(measured, SHOWN_PLACES)
        values = {
            "level": price._format_exact(measured),
            "percent": percent,
        }
        if level.get("since") and basis in ("max", "min"):
            moment = datetime.fromisoformat(level["since"])
            values["moment"] = self._format_moment(moment, env)
            if basis == "max":
                return env._("maximum %(level)s on %(moment)s", **values)
            return env._("minimum %(level)s on %(moment)s", **values)
        texts = {
            "max": env._("maximum %(level)s", **values),
            "min": env._("minimum %(level)s", **values),
            "last": env._("last level %(level)s", **values),
            "average": env._("average of samples %(level)s", **values),
            "time_average": env._("average by time %(level)s", **values),
            "percentile": env._("%(percent)sth percentile %(level)s", **values),
        }
        return texts.get(basis, values["level"])
