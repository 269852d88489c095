# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from decimal import Decimal

from babel.dates import format_skeleton

from odoo import api, models
from odoo.tools import SQL, babel_locale_parse, format_date, format_datetime, formatLang

from ...ingest.load import company_zone, customer_zone

#: days of the graph
DAYS = 31
#: types that have a series of their own; the others are one
MOST_TYPES = 6
#: invoices that are listed
MOST_PERIODS = 24


class MeteredPortal(models.AbstractModel):
    """What a customer used so far, and in past periods."""

    _inherit = "metered.portal"

    @api.model
    def _has_usage(self, user):
        """Whether there is anything to see for a portal user."""
        usage = self.env["metered.usage"].sudo()
        return any(
            usage.search_count(
                [("company_id", "=", company.id), ("partner_id", "in", family.ids)],
                limit=1,
            )
            or customer._metered_subscriptions()
            for company, family in self._families(user)
            for customer in [self._customer(user).with_company(company)]
        )

    @api.model
    def _usage_so_far(self, user):
        """The running periods of a portal user's customer, by company.

        :return: list of dicts of texts: `company` (empty for who has one only),
            `blocks` (as ``res.partner._metered_usage_blocks``), `allowances` (as
            ``sale.subscription._metered_gauges``), `measured` (list of dicts: `name`,
            `price`), `carried` (list), `newest`
        """
        families = self._families(user)
        found = []
        for company, family in families:
            customer = self._customer(user).with_company(company)
            if customer._metered_payer() == customer:
                blocks = customer._metered_usage_blocks()
                allowances = customer._metered_allowance_blocks()
                measured = self._measured_services(customer)
            else:
                # Another company's subscription pays: what is on it is not theirs.
                first = customer._metered_today().replace(day=1)
                domain = [
                    *customer._metered_domain("metered.usage"),
                    ("day", ">=", first),
                ]
                title = self.env._("Since %s", format_date(self.env, first))
                blocks = customer._metered_block(domain, title, "", always=True)
                allowances, measured = [], []
            for block in blocks:
                for row in block["rows"]:
                    # Why there is no price is for the operator to know.
                    row.pop("problem", None)
            for gauge in (one for block in allowances for one in block["gauges"]):
                gauge.update(self._gauge_texts(gauge))
            newest = self._newest(company, family)
            if newest or allowances or customer._metered_subscriptions():
                found.append(
                    {
                        "company": company.name if len(families) > 1 else "",
                        "blocks": blocks,
                        "allowances": allowances,
                        "measured": measured,
                        "carried": self._carried(customer, company),
                        "newest": self.env._(
                            "Includes usage up to %s. Newer usage may be missing.",
                            newest,
                        )
                        if newest
                        else "",
                    }
                )
        return found

    @api.model
    def _carried(self, customer, company):
        """What waits for a larger invoice: list of texts."""
        return [
            self.env._(
                "Carried forward: %(amount)s since %(day)s. It will be invoiced "
                "together with later usage.",
                amount=self._money(one["amount"], one["currency"]),
                day=format_date(self.env, one["since"]),
            )
            for one in customer._metered_carried(company)
        ]

    @api.model
    def _measured_services(self, customer):
        """What a customer is charged for levels: list of dicts of texts."""
        services = customer._metered_measured_services(customer._metered_today())
        return [
            {"name": meter.name, "price": service.price_text or ""}
            for meter, service in services.items()
            if service.charge_basis != "none"
        ]

    @api.model
    def _gauge_texts(self, gauge):
        """What is beside the gauge of an allowance."""
        share = self.env._("%s%% used", gauge["percent_text"])
        if gauge["unlimited"]:
            text = self.env._("%s used, unlimited", gauge["used"])
        elif gauge["expires"]:
            text = self.env._(
                "%(used)s of %(total)s, %(left)s left until %(day)s",
                used=gauge["used"],
                total=gauge["total"],
                left=gauge["left"],
                day=gauge["expires"],
            )
        else:
            text = self.env._(
                "%(used)s of %(total)s, %(left)s left",
                used=gauge["used"],
                total=gauge["total"],
                left=gauge["left"],
            )
        return {"share": share, "text": text}

    @api.model
    def _newest(self, company, family):
        """When the newest usage was that is included, as text; empty for none."""
        usage = self.env["metered.usage"].sudo()
        domain = [
            ("company_id", "=", company.id),
            ("partner_id", "in", family.ids),
            ("records", ">", 0),
        ]
        last = usage.search(domain, order="day desc", limit=1)
        if not last:
            return ""
        of_day = usage.search([*domain, ("day", "=", last.day)])
        [[moment]] = (
            self.env["metered.cdr"]
            .sudo()
            ._read_group([("usage_id", "in", of_day.ids)], [], ["start_time:max"])
        )
        if not moment:
            return format_date(self.env, last.day)
        zone = customer_zone(family[:1], company_zone(company))
        return format_datetime(self.env, moment, tz=zone, dt_format="medium")

    # === DAYS === #

    @api.model
    def _usage_by_day(self, user):
        """Usage of the last days by call type and meter, for a graph and a table.

        :return: dict: `types` (list of names), `days` (list of dicts: `day`,
            `texts`, `total`), `chart` (dict: `labels`, `series` of `name` and
            `values`, `unit`); None without usage. Amounts are of the currency of most
            of them; usage that has no price yet has quantities only
        """
        last = max(
            (company._metered_today() for company, _f in self._families(user)),
            default=None,
        )
        if last is None:
            return None
        first = last - timedelta(days=DAYS - 1)
        rows = self._sums_by_day(user, first, last)
        if not rows:
            return None
        totals, sizes = {}, {}
        for _day, meter, currency, records, _quantity, amount in rows:
            totals[currency] = totals.get(currency, 0) + amount
            sizes[meter] = sizes.get(meter, 0) + (amount or Decimal(records) / 10**9)
        main = max(totals, key=lambda one: (totals[one], -one.id))
        meters = sorted(sizes, key=lambda one: (-sizes[one], one.id))
        kept, rest = meters[:MOST_TYPES], meters[MOST_TYPES:]
        names = [meter.name for meter in kept]
        if rest:
            names.append(self.env._("Others"))
        cells = {}
        for day, meter, currency, records, quantity, amount in rows:
            place = kept.index(meter) if meter in kept else len(kept)
            cell = cells.setdefault((day, place), [Decimal(), 0, []])
            cell[1] += records
            if meter.kind == "call":
                if currency == main:
                    cell[0] += amount
                cell[2].append(self._money(amount, currency))
            else:
                cell[2].append(self._quantity(meter, quantity))
        days = [first + timedelta(days=number) for number in range(DAYS)]
        locale = babel_locale_parse(self.env.lang or "en_US")
        priced = bool(totals[main])
        return {
            "types": names,
            "days": [
                {
                    "day": format_date(self.env, day),
                    "texts": [
                        " + ".join(cells.get((day, place), [0, 0, []])[2])
                        for place in range(len(names))
                    ],
                }
                for day in reversed(days)
                if any((day, place) in cells for place in range(len(names)))
            ],
            "chart": {
                "labels": [format_skeleton("MMMd", day, locale=locale) for day in days],
                "unit": main.symbol or main.name if priced else self.env._("Records"),
                "series": [
                    {
                        "name": name,
                        "values": [
                            float(cells.get((day, place), [0, 0])[0 if priced else 1])
                            for day in days
                        ],
                    }
                    for place, name in enumerate(names)
                ],
            },
        }

    @api.model
    def _sums_by_day(self, user, first, last):
        """Sums of usage by day.

        :return: list of (day, ``metered.meter``, ``res.currency``, records, Decimal
            quantity, Decimal amount)
        """
        whose = self._usage_of(user)
        if whose is None:
            return []
        self.env.flush_all()
        found = self.env.execute_query(
            SQL(
                """
                SELECT day, meter_id, currency_id, sum(records), sum(quantity)::text,
                       sum(amount)::text
                  FROM metered_usage usage
                 WHERE %s AND day BETWEEN %s AND %s AND records > 0
                 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
                """,
                whose,
                first,
                last,
            )
        )
        meters = self.env["metered.meter"].sudo()
        currencies = self.env["res.currency"].sudo()
        return [
            (
                day,
                meters.browse(meter),
                currencies.browse(currency),
                records,
                Decimal(quantity),
                Decimal(amount or 0),
            )
            for day, meter, currency, records, quantity, amount in found
        ]

    @api.model
    def _usage_of(self, user):
        """The condition that a row of ``metered_usage`` (`usage`) is the customer's.

        :return: ``SQL``; None for who is no customer's
        """
        families = [(c, family) for c, family in self._families(user) if family]
        if not families:
            return None
        return SQL(
            "(%s)",
            SQL(" OR ").join(
                SQL(
                    "(usage.company_id = %s AND usage.partner_id = ANY(%s))",
                    company.id,
                    family.ids,
                )
                for company, family in families
            ),
        )

    # === PAST PERIODS === #

    @api.model
    def _past_usage(self, user):
        """Posted invoices of a portal user's customer that charge usage.

        :return: list of dicts: `invoice` (its name), `url`, `period`, `amount` (texts),
            `first`, `last` (dates)
        """
        customer = self._customer(user)
        if not customer:
            return []
        groups = (
            self.env["account.move.line"]
            .sudo()
            ._read_group(
                [
                    ("move_id.commercial_partner_id", "=", customer.id),
                    ("move_id.move_type", "=", "out_invoice"),
                    ("parent_state", "=", "posted"),
                    ("company_id", "in", self._companies(user).ids),
                    ("metered_date_from", "!=", False),
                ],
                ["move_id"],
                ["metered_date_from:min", "metered_date_to:max", "price_subtotal:sum"],
                order="metered_date_to:max desc, move_id desc",
                limit=MOST_PERIODS,
            )
        )
        found = []
        for move, first, after, amount in groups:
            last = after - timedelta(days=1)
            days = f"{format_date(self.env, first)} – {format_date(self.env, last)}"
            found.append(
                {
                    "invoice": move.name,
                    "url": f"/my/invoices/{move.id}",
                    "period": days,
                    "first": first,
                    "last": last,
                    "amount": self._money(amount, move.currency_id),
                }
            )
        return found

    # === TEXTS === #

    @api.model
    def _money(self, amount, currency):
        return formatLang(self.env, float(amount), currency_obj=currency)

    @api.model
    def _quantity(self, meter, quantity):
        return f"{formatLang(self.env, float(quantity), digits=2)} {meter.unit or ''}"
