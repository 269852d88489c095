# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import csv
import io
from datetime import UTC, date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import format_date

USER = "metered_billing.group_metered_user"
TAG = "metered_billing.level_window"
#: what the lower graph shows
MONTHS = 3
#: days of a span that is shown in detail: those of three months
MOST_DAYS = 93
#: customers that are proposed
MOST_CUSTOMERS = 20
EARLIEST = fields.Date.to_date("2000-01-01")
#: A text that begins so is a formula for a spreadsheet.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class MeteredMeter(models.Model):
    """The window with the graphs of a customer's level: who may ask, and for what."""

    _inherit = "metered.meter"

    def action_view_level(self, partner=None):
        """Open the graphs of this level.

        :param partner: ``res.partner``, or its id; None: it is chosen there
        :return: dict: an action
        """
        self.ensure_one()
        return self._level_action(partner)

    @api.model
    def _level_action(self, partner=None, company=None):
        """The graphs of a level; without a meter, of the first of a customer."""
        partner_id = partner if isinstance(partner, int) else partner and partner.id
        return {
            "type": "ir.actions.client",
            "tag": TAG,
            "name": self.env._("Statistics"),
            "params": {
                "meter_id": self.id or False,
                "partner_id": partner_id or False,
                "company_id": (company or self.env.company).id,
            },
        }

    # === WHAT THE SCREEN ASKS === #

    @api.model
    def level_meters(self, partner_id=False, company_id=False):
        """The levels that can be shown.

        :return: dict: ``meters`` (list of id and name), ``meter_id`` of the first one
            that the customer has, False without any
        """
        self._level_check_user()
        company = self._level_company(company_id)
        meters = self.search(
            [("kind", "=", "gauge"), ("company_id", "in", [False, company.id])]
        )
        own = meters[:1]
        if partner_id:
            partner = self._level_partner(partner_id, company)
            own = partner.with_company(company)._metered_levels() & meters or own
        return {
            "meters": [[meter.id, meter.display_name] for meter in meters],
            "meter_id": own[:1].id,
        }

    def level_window(self, partner_id=False, company_id=False, last_day=False):
        """What the window shows of a level: whose it is, and three months of it.

        :param last_day: of the three months; without one it is today
        :return: dict for the screen
        """
        company = self._level_check(company_id)
        today = self._level_today()
        last = min(self._level_day(last_day), today) if last_day else today
        first = last - relativedelta(months=MONTHS) + timedelta(days=1)
        shown = {
            "name": self.display_name,
            "unit": self.unit or "",
            "zone": str(self.env.tz),
            "today": fields.Date.to_string(today),
            "first": fields.Date.to_string(first),
            "last": fields.Date.to_string(last),
            "is_held": self._level_continues(),
            "terms": self._level_terms(),
            "customer": False,
        }
        if not partner_id:
            return {**shown, "customers": self._level_customers(company)}
        partner = self._level_partner(partner_id, company)
        begin, end = self._level_span(first, last)
        newest = self._level_newest(company, partner)
        customer = partner._metered_payer().sudo(False)
        if not customer.has_access("read"):
            customer = partner
        return {
            **shown,
            "customer": {"id": customer.id, "name": customer.display_name},
            "end": fields.Datetime.to_string(end),
            "series": newest
            and self._level_series(company, partner, begin, end, step="day"),
            "note": self._level_note(customer, newest, first),
        }

    def level_so_far(self, partner_id, company_id=False):
        """What the running billing periods of a customer have come to.

        Asked for by itself: it reads all that the period has.

        :return: list of dicts: title, rows (lists of label and text), problem
        """
        company = self._level_check(company_id)
        partner = self._level_partner(partner_id, company)
        return self._level_so_far(company, partner)

    def level_detail(self, partner_id, first_day, last_day, company_id=False):
        """A level in a span of days, in detail.

        :param first_day, last_day: the days, as ``2026-10-31``, of the user's time zone
        :return: dict: as of ``_level_series``, with ``begin`` and ``end`` (UTC)
        """
        company = self._level_check(company_id)
        partner = self._level_partner(partner_id, company)
        begin, end = self._level_asked_span(first_day, last_day)
        return {
            "begin": fields.Datetime.to_string(begin),
            "end": fields.Datetime.to_string(end),
            **self._level_series(company, partner, begin, end),
        }

    def level_csv(self, partner_id, first_day, last_day, company_id=False):
        """The same as a file for a spreadsheet.

        :return: dict: ``name`` of the file, ``text``
        """
        company = self._level_check(company_id)
        partner = self._level_partner(partner_id, company)
        begin, end = self._level_asked_span(first_day, last_day)
        series = self._level_series(company, partner, begin, end)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        rows = [
            [self.env._("Meter"), self.display_name],
            [self.env._("Customer"), partner.display_name],
            [self.env._("Unit"), self.unit or ""],
            [],
            self._level_titles(series["step"]),
        ]
        for row in rows:
            writer.writerow([harmless_cell(cell) for cell in row])
        for moment, lowest, highest, average in series["rows"]:
            local = datetime.fromisoformat(moment).astimezone(self.env.tz)
            shown = local.replace(microsecond=0, tzinfo=None).isoformat(" ")
            levels = [lowest, highest, average]
            if series["step"] == "raw":
                levels = levels[:1]
            writer.writerow([shown, local.strftime("%z"), *(v or "" for v in levels)])
        return {
            "name": f"{self.code}-{partner.id}-{first_day}-{last_day}.csv",
            # Without the mark a spreadsheet takes it for another encoding.
            "text": "\ufeff" + text.getvalue(),
        }

    def _level_titles(self, step):
        zone = [
            self.env._("Time (%s)", self.env.tz),
            self.env._("UTC Offset"),
        ]
        if step == "raw":
            return [*zone, self.env._("Level")]
        return [
            *zone,
            self.env._("Lowest"),
            self.env._("Highest"),
            self.env._("Average"),
        ]

    # === WHO MAY ASK, AND FOR WHAT === #

    @api.model
    def _level_check_user(self):
        if not self.env.user.has_group(USER):
            raise AccessError(
                self.env._("Only users of Metered Billing can see the statistics.")
            )

    @api.model
    def _level_company(self, company_id):
        """One of the companies that the user works in."""
        if not company_id:
            return self.env.company
        company = self.env.companies.filtered(lambda one: one.id == company_id)
        if not company:
            raise AccessError(
                self.env._(
                    "These statistics belong to another company. Switch to that "
                    "company."
                )
            )
        return company

    def _level_check(self, company_id):
        """Refuse who may not see this meter.

        :return: ``res.company``
        """
        self._level_check_user()
        self.ensure_one()
        self.check_access("read")
        company = self._level_company(company_id)
        if self.company_id and self.company_id != company:
            raise AccessError(
                self.env._(
                    "This meter belongs to another company. Switch to that company."
                )
            )
        if self.kind != "gauge":
            raise UserError(
                self.env._(
                    "Statistics are available only for meters of the kind Samples of "
                    "a level."
                )
            )
        return company

    @api.model
    def _level_partner(self, partner_id, company):
        """A customer that the user may see, with the company's settings."""
        # Not `isinstance`: True is no id.
        partner = self.env["res.partner"].browse(
            partner_id if type(partner_id) is int else False
        )
        if not partner.exists():
            raise UserError(self.env._("This customer no longer exists."))
        partner.check_access("read")
        if partner.company_id and partner.company_id != company:
            raise AccessError(
                self.env._(
                    "This customer belongs to another company. Switch to that company."
                )
            )
        return partner.with_company(company)

    def _level_today(self):
        now = fields.Datetime.now().replace(tzinfo=UTC)
        return now.astimezone(self.env.tz).date()

    def _level_day(self, text):
        """A day as the screen sends it."""
        try:
            day = fields.Date.to_date(text) if isinstance(text, str | date) else None
        except ValueError:
            day = None
        if not day or not EARLIEST <= day <= self._level_today() + timedelta(days=366):
            raise UserError(
                self.env._(
                    "'%s' is not a day that can be shown. Choose another day.",
                    str(text)[:20],
                )
            )
        return day

    def _level_asked_span(self, first_day, last_day):
        first, last = self._level_day(first_day), self._level_day(last_day)
        if last < first:
            first, last = last, first
        if (last - first).days >= MOST_DAYS:
            raise UserError(
                self.env._("Choose at most %s days.", MOST_DAYS),
            )
        return self._level_span(first, last)

    def _level_span(self, first, last):
        """When some days begin and end; what has not happened yet is left out."""
        zone = self.env.tz
        midnight = datetime.min.time()
        begin, end = (
            zone.normalize(zone.localize(datetime.combine(day, midnight)))
            .astimezone(UTC)
            .replace(tzinfo=None)
            for day in (first, last + timedelta(days=1))
        )
        now = fields.Datetime.now()
        end = max(min(end, now), begin + timedelta(minutes=1))
        return begin.replace(tzinfo=UTC), end.replace(tzinfo=UTC)

    # === WHOSE LEVEL === #

    def _level_records_domain(self):
        """The usage whose records make this level."""
        if self._counts_calls():
            return Domain("meter_id.kind", "=", "call") & Domain("records", ">", 0)
        return Domain("meter_id", "=", self.id) & Domain("records", ">", 0)

    def _level_newest(self, company, partner):
        """The last day with records of this level; False without any."""
        scope, _partners, _first = self._level_scope_of(company, partner)
        newest = (
            self.env["metered.usage"]
            .sudo()
            .search(scope & self._level_records_domain(), order="day desc", limit=1)
        )
        return newest.day

    def _level_customers(self, company):
        """Customers to choose from: those with the latest records.

        :return: list of dicts: id, name
        """
        groups = self.env["metered.usage"]._read_group(
            self._level_records_domain() & Domain("company_id", "=", company.id),
            ["partner_id"],
            ["day:max"],
            order="day:max desc, partner_id",
            limit=MOST_CUSTOMERS,
        )
        partners = self.env["res.partner"].union(
            *(partner.commercial_partner_id for partner, _day in groups)
        )
        return [
            {"id": partner.id, "name": partner.display_name} for partner in partners
        ]

    def _level_note(self, partner, newest, first):
        """What to do where the graphs are empty; empty text where they are not."""
        names = {"meter": self.display_name, "customer": partner.display_name}
        if not newest and self._counts_calls():
            return self.env._(
                "%(customer)s has no calls yet. Import call details, or fetch them "
                "from the switch under Sources.",
                **names,
            )
        if not newest:
            return self.env._(
                "There are no samples of %(meter)s for %(customer)s yet. Import a file "
                "with Import Usage, or send events with the code %(code)s.",
                code=self.code,
                **names,
            )
        if newest < first and not self._level_continues():
            return self.env._(
                "There are no samples of %(meter)s for %(customer)s in these months. "
                "The latest one is from %(day)s. Click Earlier.",
                day=format_date(self.env, newest),
                **names,
            )
        return ""


def harmless_cell(text):
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
