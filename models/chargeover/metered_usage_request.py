# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_date

from ...connectors.chargeover.usage import usage_event
from ...connectors.errors import SourceError
from ...connectors.harmless import shown
from ...ingest.event_inbox import store_events
from ...ingest.load import company_zone, customer_zone
from ...rating.exact import exact_text

ADMINISTRATOR = "metered_billing.group_metered_administrator"
TIME = "%Y-%m-%d %H:%M:%S"
#: places to which a share of a quantity is rounded, unless it had more
LEAST_PLACES = 6
#: of what went wrong
MOST_TEXT = 500


class MeteredUsageRequest(models.Model):
    """What a usage URL was asked about a line and a billing period, and its answer.

    Each is answered once: what was answered is charged, and not asked again.
    """

    _name = "metered.usage.request"
    _description = "Usage Request"
    _inherit = ["metered.guarded"]
    _order = "id desc"

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    line_id = fields.Many2one(
        "sale.subscription.line",
        string="Subscription Line",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    subscription_id = fields.Many2one(
        related="line_id.sale_subscription_id", string="Subscription"
    )
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(string="Until", required=True, readonly=True)
    state = fields.Selection(
        [
            ("answered", "Answered"),
            ("zero", "No Answer: Nothing Charged"),
            ("last", "No Answer: Last Quantity Charged"),
            ("held", "No Answer: Renewal Held"),
        ],
        string="Status",
        required=True,
        readonly=True,
    )
    quantity = fields.Char(readonly=True)
    error = fields.Char(string="Problem", readonly=True)
    asked = fields.Datetime(
        string="Last Requested",
        required=True,
        readonly=True,
        default=fields.Datetime.now,
    )
    attempts = fields.Integer(readonly=True, default=1, aggregator=None)

    _period_uniq = models.UniqueIndex(
        "(line_id, date_from, date_to)",
        "The usage of this line was already requested for this period.",
    )

    def _told(self):
        """What became of it, for the chatter of the subscription."""
        self.ensure_one()
        words = {
            "switch": self.source_id.name,
            "product": self.line_id.product_id.display_name,
            "first": format_date(self.env, self.date_from),
            "last": format_date(self.env, self.date_to - timedelta(days=1)),
            "quantity": self.quantity or "",
            "error": self.error or "",
        }
        texts = {
            "answered": self.env._(
                "%(switch)s answered %(quantity)s for %(product)s, %(first)s through "
                "%(last)s.",
                **words,
            ),
            "zero": self.env._(
                "%(switch)s did not answer for %(product)s, %(first)s through "
                "%(last)s. Nothing is charged for it. %(error)s",
                **words,
            ),
            "last": self.env._(
                "%(switch)s did not answer for %(product)s, %(first)s through "
                "%(last)s. The last quantity is charged again: %(quantity)s for "
                "these days. %(error)s",
                **words,
            ),
            "held": self.env._(
                "%(switch)s did not answer for %(product)s, %(first)s through "
                "%(last)s. The renewal is on hold. %(error)s",
                **words,
            ),
        }
        return texts[self.state]

    def _held_text(self, is_last):
        """Why a line is not invoiced, and what to do.

        :param bool is_last: whether its subscription is being closed
        """
        self.ensure_one()
        words = {
            "subscription": self.subscription_id.display_name,
            "switch": self.source_id.name,
            "product": self.line_id.product_id.display_name,
            "error": self.error or "",
        }
        if not is_last:
            return self.env._(
                "%(switch)s did not answer for %(product)s. %(error)s Try again "
                "later, or change If No Answer on the source.",
                **words,
            )
        return self.env._(
            "%(subscription)s was not closed, because %(switch)s did not answer for "
            "%(product)s and the last invoice would not include this usage. %(error)s "
            "Close it again later. To close it without an answer, set If No Answer of "
            "%(switch)s to charge the last quantity again or nothing, close the "
            "subscription, and set it back.",
            **words,
        )


class SaleSubscriptionLine(models.Model):
    _inherit = "sale.subscription.line"

    metered_usage_url_id = fields.Many2one(
        "metered.source",
        string="Usage URL",
        ondelete="restrict",
        index="btree_not_null",
        domain="[('asks_at_renewals', '=', True), ('company_id', '=', company_id)]",
        check_company=True,
        help="The source that this line's usage is requested from at each renewal.",
    )

    @api.constrains("metered_usage_url_id", "product_id")
    def _check_usage_url(self):
        """One answer is one record: it must be able to say what the meter comes to."""
        for line in self.filtered("metered_usage_url_id"):
            meter = line.metered_meter_id
            if meter and (
                meter.kind not in ("event", "gauge")
                or meter.aggregation not in ("sum", "max", "min", "last")
                or meter._prices_level()
            ):
                raise ValidationError(
                    self.env._(
                        "%s cannot have a usage URL because one number per billing "
                        "period does not determine its quantity. A usage URL requires "
                        "a meter that adds up its records or uses the highest, "
                        "lowest, or last one.",
                        meter.name,
                    )
                )

    def _metered_question(self, date_from, date_to):
        """What a usage URL is told of this line and a period.

        :param date_from, date_to: dates, the last one not included
        :return: dict, without the token
        """
        subscription = self.sale_subscription_id
        customer = subscription.partner_id
        owner = customer.commercial_partner_id
        last = datetime.combine(date_to, time()) - timedelta(seconds=1)
        return {
            "customer": {
                "customer_id": owner.id,
                "company": owner.name or "",
                "external_key": customer.ref or owner.ref or "",
            },
            "package": {
                "package_id": subscription.id,
                "external_key": subscription.code or "",
            },
            "this_line_item": {
                "line_item_id": self.id,
                "external_key": self.metered_external_key or "",
                "item_name": self.product_id.name or "",
                "item_external_key": self.product_id.default_code or "",
            },
            "from_datetime": datetime.combine(date_from, time()).strftime(TIME),
            "to_datetime": last.strftime(TIME),
        }

    def _metered_answer_event(self, date_from, date_to, quantity):
        """An answer as an event, at noon of the last day of its period.

        It is stored once, however often it is put into the inbox.
        """
        subscription = self.sale_subscription_id
        zone = ZoneInfo(
            customer_zone(
                subscription.partner_id, company_zone(subscription.company_id)
            )
        )
        noon = datetime.combine(date_to - timedelta(days=1), time(12), zone)
        said = {
            "usage_value": quantity,
            "from": noon.isoformat(),
            "external_key": f"usage-url {self.id} {date_from} {date_to}",
        }
        return usage_event(said, self.id, "", said["external_key"])


def _parts_between(date_from, date_to, requests):
    """The days of a period that no request is for.

    :param requests: ``metered.usage.request`` in the order of their days
    :return: list of (first day, first day after it)
    """
    parts, begin = [], date_from
    for one in requests:
        if begin < one.date_from:
            parts.append((begin, one.date_from))
        begin = max(begin, one.date_to)
    if begin < date_to:
        parts.append((begin, date_to))
    return parts


class MeteredSource(models.Model):
    """Usage URLs: programs of customers that are asked when a line is invoiced."""

    _inherit = "metered.source"

    asks_at_renewals = fields.Boolean(
        compute="_compute_asks_at_renewals", search="_search_asks_at_renewals"
    )
    usage_url_policy = fields.Selection(
        [
            ("hold", "Hold the renewal and try again"),
            ("last", "Charge the last quantity again"),
            ("zero", "Charge nothing for the period"),
        ],
        string="If No Answer",
        required=True,
        default="hold",
        groups=ADMINISTRATOR,
        help="What happens to a renewal if the usage URL does not answer, or does not "
        "answer with a number.",
    )
    usage_request_ids = fields.One2many(
        "metered.usage.request",
        "source_id",
        string="Usage Requests",
        readonly=True,
        copy=False,
    )

    @api.depends("source_type")
    def _compute_asks_at_renewals(self):
        for source in self:
            source.asks_at_renewals = source._kind().is_asked_at_renewals

    def _search_asks_at_renewals(self, operator, value):
        return self._search_kind("is_asked_at_renewals", operator, value)

    def _look_usage_url(self):
        """Look at the settings; see :meth:`_look_connection`."""
        return self._look_connector()

    def _ask_usage_url(self, line, date_from, date_to, since=None):
        """Ask for the usage of a line in a period, and put the answers into the inbox.

        Where a part of the period was answered before, because it was billed in other
        periods then, the others are asked for: no day is asked for twice.

        :param line: ``sale.subscription.line``
        :param date_from, date_to: dates, the last one not included
        :param since: what did not answer since then is not asked again; None: it is
        :return: ``metered.usage.request``: those that were asked
        """
        self.ensure_one()
        requests = self.env["metered.usage.request"].sudo()
        known = requests.search(
            [
                ("line_id", "=", line.id),
                ("date_from", "<", date_to),
                ("date_to", ">", date_from),
            ],
            order="date_from",
        )
        done = known.filtered(lambda one: one.state != "held")
        for begin, end in _parts_between(date_from, date_to, done):
            same = known.filtered(
                lambda one, b=begin, e=end: (one.date_from, one.date_to) == (b, e)
            )
            if same and since and same.asked >= since.replace(microsecond=0):
                requests |= same
            else:
                requests |= self._ask_once(same, line, begin, end)
        return requests

    def _ask_once(self, known, line, date_from, date_to):
        """Ask for the usage of a line in days that nobody answered yet.

        :param known: ``metered.usage.request`` that was not answered, may be empty
        :return: ``metered.usage.request``
        """
        source, requests = self.sudo(), self.env["metered.usage.request"].sudo()
        state, quantity, error = "answered", "", ""
        try:
            with source._make_connector() as connector:
                quantity = connector.ask(
                    line.sudo()._metered_question(date_from, date_to)
                )
        except SourceError as failure:
            error = shown(str(failure), MOST_TEXT)
            state = source.usage_url_policy
            if state == "last":
                quantity = source._last_answer(line, date_from, date_to)
                state = "last" if quantity else "held"
            state = "held" if state == "hold" else state
        if quantity:
            event = line.sudo()._metered_answer_event(date_from, date_to, quantity)
            self.env.flush_all()
            store_events(self.env.cr, source.id, [event])
            self.env["metered.inbox"].invalidate_model()
        values = {
            "state": state,
            "quantity": quantity,
            "error": error,
            "asked": fields.Datetime.now(),
        }
        if known:
            known.write({**values, "attempts": known.attempts + 1})
        else:
            known = requests.create(
                {
                    **values,
                    "source_id": source.id,
                    "line_id": line.id,
                    "date_from": date_from,
                    "date_to": date_to,
                }
            )
        line.sale_subscription_id.sudo()._message_log(body=known._told())
        return known

    def _last_answer(self, line, date_from, date_to):
        """The quantity that was charged for the line last, for some days.

        A quantity that adds up is charged in proportion to the days, unless both are
        whole billing periods: months of different lengths are alike.

        :param date_from, date_to: dates, the last one not included
        :return: decimal text; empty where nothing was charged before
        """
        last = (
            self.env["metered.usage.request"]
            .sudo()
            .search(
                [
                    ("line_id", "=", line.id),
                    ("state", "in", ("answered", "last")),
                ],
                order="date_to desc, id desc",
                limit=1,
            )
        )
        days = (last.date_from, last.date_to), (date_from, date_to)
        subscription = line.sale_subscription_id.sudo()
        if not last.quantity or line.sudo().metered_meter_id.aggregation != "sum":
            return last.quantity or ""
        if all(subscription._metered_is_whole_period(*some) for some in days):
            return last.quantity
        before, now = ((until - begin).days for begin, until in days)
        return share_of(last.quantity, now, before)


def share_of(quantity, days, of_days):
    """A quantity in proportion to its days.

    :param str quantity: decimal text
    :param int days, of_days: it is of so many days, and becomes that of so many
    :return: decimal text, to the places of the quantity and at least six
    """
    if days == of_days:
        return quantity
    places = max(len(quantity.partition(".")[2]), LEAST_PLACES)
    share = Fraction(quantity) * days / of_days
    return exact_text(Fraction(round(share * 10**places), 10**places))
