# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_datetime

from ...ingest.load_rates import deck_chain
from ...rating.exact import MICRO, exact, number
from ...rating.usage_price import price_usage
from ...stored.golden import AgreedCall, price_agreed

WEEK = timedelta(days=7)
#: A date begins within so many hours of its noon in UTC, in every time zone.
NOON = timedelta(hours=12)


class MeteredGoldenCall(models.Model):
    """A call, or an amount of usage, whose price is agreed.

    Like a test: what it costs is found by the engine whenever somebody looks, and
    compared with what it is to cost. A change of prices that alters it is refused
    until it is confirmed (``metered.golden.guard``).
    """

    _name = "metered.golden.call"
    _description = "Golden Call"
    _inherit = ["metered.guarded", "metered.audit", "mail.thread"]
    _order = "partner_id, number, id"

    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    kind = fields.Selection(
        [("call", "A call"), ("usage", "Usage of a billing period")],
        string="What",
        required=True,
        default="call",
        help="For usage: a number of units of a meter in a full billing period, "
        "priced with the metered price of the customer.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        ondelete="restrict",
        help="The customer whose rates and prices apply. Leave empty for customers "
        "without rates and prices of their own.",
        check_company=True,
    )
    number = fields.Char(
        help="In international format starting with +, or a short code."
    )
    meter_id = fields.Many2one(
        "metered.meter",
        string="Call Type or Meter",
        required=True,
        check_company=True,
    )
    moment = fields.Datetime(string="Start", required=True, default=fields.Datetime.now)
    seconds = fields.Integer(required=True, default=60)
    quantity = fields.Float(
        digits=0,
        aggregator=None,
        help="For a full billing period, in the measured unit. For a percentage "
        "price, the amount of one event.",
    )
    unit = fields.Char(related="meter_id.unit")
    plan = fields.Selection(
        [
            ("deck", "Ignored: use the rate deck's price"),
            ("left", "Included: with full allowances"),
            ("used", "Included: with used-up allowances"),
        ],
        string="Calling Plan",
        required=True,
        default="deck",
        help="Because allowances change daily, choose how the calling plan affects "
        "the expected charge: the rate deck's price regardless of the plan, the "
        "first call of a full billing period with nothing rolled over, or a call "
        "after all limited allowances are used up.",
    )
    standing = fields.Boolean(
        string="On Any Date",
        default=True,
        help="Check the price on the current day instead of the date of the call. "
        "Calls are checked at the same time of the week.",
    )
    expected = fields.Float(
        string="Expected Charge",
        digits=0,
        required=True,
        tracking=True,
        aggregator=None,
        help="The charge that was agreed.",
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        default=lambda self: self.env.company.currency_id,
    )
    note = fields.Char(
        help="Why this price matters, for example a contract or a promise."
    )
    charge = fields.Char(
        string="Current Charge", compute="_compute_verdict", compute_sudo=False
    )
    verdict = fields.Selection(
        [("same", "As expected"), ("differs", "Differs"), ("unrated", "No rate")],
        compute="_compute_verdict",
        compute_sudo=False,
        search="_search_verdict",
        string="Result",
    )

    _seconds_range = models.Constraint(
        "CHECK (seconds >= 0 AND seconds <= 604800)",
        "The duration must be between 0 seconds and 7 days.",
    )

    @api.depends("kind", "number", "moment", "partner_id", "meter_id", "quantity")
    def _compute_display_name(self):
        words = self.env["metered.explanation"]
        for call in self:
            customer = call.partner_id.display_name or self.env._("all customers")
            if not call._is_complete():
                call.display_name = False
            elif call.kind == "usage":
                call.display_name = self.env._(
                    "%(quantity)s %(unit)s of %(meter)s, %(customer)s",
                    quantity=words._number(exact(number(call.quantity))),
                    unit=call.meter_id.unit or "",
                    meter=call.meter_id.name,
                    customer=customer,
                )
            else:
                call.display_name = self.env._(
                    "%(number)s, %(seconds)s s, %(customer)s",
                    number=call.number,
                    seconds=call.seconds,
                    customer=customer,
                )

    @api.constrains("kind", "number", "meter_id", "quantity")
    def _check_kind(self):
        for call in self:
            if (call.kind == "call") != (call.meter_id.kind == "call"):
                raise ValidationError(
                    self.env._(
                        "%(meter)s cannot be used here: calls need a call type, usage "
                        "needs a different meter.",
                        meter=call.meter_id.name,
                    )
                )
            if call.kind == "call" and not call.number:
                raise ValidationError(self.env._("Enter the called number."))
            if call.quantity < 0:
                raise ValidationError(self.env._("The quantity cannot be negative."))

    # === WHAT IT COSTS === #

    @api.depends(
        "kind",
        "number",
        "moment",
        "partner_id",
        "seconds",
        "quantity",
        "plan",
        "meter_id",
        "standing",
        "expected",
        "currency_id",
    )
    def _compute_verdict(self):
        found = self.filtered(lambda call: call._is_complete())._looks()
        for call in self:
            call.charge, call.verdict = found.get(call, (False, False))

    def _is_complete(self):
        """Whether it says what is priced; a form that is being filled in may not."""
        return bool(self.meter_id and (self.number or self.kind == "usage"))

    def _search_verdict(self, operator, value):
        if operator != "in":
            return NotImplemented
        companies = [("company_id", "in", self.env.companies.ids)]
        found = self.search(companies).filtered(lambda call: call.verdict in value)
        return [("id", "in", found.ids)]

    def _looks(self, day=None, tried=None):
        """What they cost with the prices of now, all calls in one pass.

        :param day: date from which standing ones are checked; None: today
        :param tried: ``TriedRates``, with which calls are priced instead
        :return: dict golden call -> (charge as text, verdict)
        """
        prices = {}
        for company, calls in self.grouped("company_id").items():
            of_calls = calls.filtered(lambda call: call.kind == "call")
            prices.update(of_calls._prices_of_calls(company, day, tried))
            for call in calls - of_calls:
                prices[call] = call._price_of_usage(day)
        found = {}
        for call in self:
            amount, currency = prices[call]
            if amount is None:
                found[call] = self.env._("no price"), "unrated"
                continue
            expected = number(call.expected).quantize(MICRO)
            same = currency == call.currency_id and amount.quantize(MICRO) == expected
            found[call] = call._format(amount, currency), "same" if same else "differs"
        return found

    def _prices_of_calls(self, company, day, tried):
        """Dict call -> (Decimal, ``res.currency``), (None, None) without a price."""
        if not self:
            return {}
        company = company.sudo().with_company(company)
        asked = [
            AgreedCall(
                call.partner_id._origin.sudo(),
                call.number,
                call.meter_id._origin.sudo(),
                call._moment(day),
                call.seconds,
                None
                if call.plan == "deck" or not call.partner_id
                else call.plan == "left",
            )
            for call in self
        ]
        marks = self.env["metered.plan.mark"]
        priced = price_agreed(
            company, asked, lambda: marks._plan_book(company), tried=tried
        )
        currencies = self.env["res.currency"]
        return {
            call: (None, None)
            if micro is None
            else (micro * MICRO, currencies.browse(currency_id))
            for call, (micro, currency_id) in zip(self, priced, strict=True)
        }

    def _price_of_usage(self, day):
        """(Decimal, ``res.currency``), (None, None) where it has no price."""
        company = self.company_id.sudo().with_company(self.company_id)
        partner = self.partner_id._origin.sudo().with_company(company)
        meter = self.meter_id._origin.with_env(company.env)
        lines = self._subscription_lines(company, partner)
        line = lines.filtered(lambda line: line.metered_meter_id == meter)[:1]
        try:
            service = partner._metered_measured_service(meter, self._day(day))
            price = (not line and service.price_id) or meter._price_for(
                line, partner, company
            )
            # The version that holds on that day, alone.
            version = price._in_force(fields.Date.add(self._day(day), days=1))
            quantity = number(self.quantity)
            priced = price_usage(
                version._usage_price(), quantity=quantity, events=[quantity]
            )
        except (UserError, ValueError):
            return None, None
        return priced.amount, price.currency_id

    def _decks(self):
        """The rate decks that are asked for it."""
        self.ensure_one()
        partner = self.partner_id.with_company(self.company_id)
        chain = deck_chain(partner, self.company_id)
        return self.env["metered.rate.deck"].browse(chain)

    def _subscription_lines(self, company, partner):
        """The metered lines of a customer's running subscriptions."""
        subscriptions = company.env["sale.subscription"]
        if partner:
            subscriptions = subscriptions.search(
                [
                    ("company_id", "=", company.id),
                    ("in_progress", "=", True),
                    (
                        "partner_id.commercial_partner_id",
                        "=",
                        partner.commercial_partner_id.id,
                    ),
                ],
                order="id",
            )
        return subscriptions.sale_subscription_line_ids.filtered("metered_meter_id")

    def _day(self, day):
        """The date at which usage is checked."""
        today = fields.Date.context_today(self)
        own = self.moment.date() if self.moment else today
        return max(own, day or today) if self.standing else own

    def _moment(self, day=None):
        """When a call is checked: a standing one at its time of a week from then."""
        moment = self.moment or fields.Datetime.now()
        day = day or fields.Date.context_today(self)
        earliest = fields.Datetime.to_datetime(day) + NOON
        if not self.standing or moment >= earliest:
            return moment
        weeks = -((moment - earliest) // WEEK)
        return moment + weeks * WEEK

    def _format(self, amount, currency):
        words = self.env["metered.explanation"]
        return f"{words._number(exact(amount))} {currency.name}"

    # === CHANGES === #

    def _verdicts(self, day=None):
        """What the calls cost, and how what they cost is measured.

        :return: dict call -> (charge as text, verdict, text or False)
        """
        found = self._looks(day)
        return {call: (*found[call], call._measured()) for call in self}

    def _measured(self):
        """How records become an agreed quantity of usage, as text; False of a call."""
        if self.kind == "call":
            return False
        return self.meter_id.sudo()._golden_measure()

    def _of_families(self, partners):
        """Those whose price plans and prices of these customers may set."""
        owners = partners.sudo().commercial_partner_id
        of_families = self.env["res.partner"].with_context(active_test=False).sudo()
        family = of_families.search([("id", "child_of", owners.ids)])
        return self.filtered(lambda call: call.partner_id in family)

    @api.model
    def _alterations(self, before, after):
        """What a change alters: dict call -> line of text, in order of the calls.

        :param before, after: dicts day -> what `_verdicts` returned for it; a call is
            told with the first day on which it costs something else. One that brings a
            call to what it is to cost is welcome, and not told
        """
        found = {}
        for day, verdicts in before.items():
            for call, was in verdicts.items():
                now = after[day][call]
                if call in found or was == now:
                    continue
                if was[2] != now[2]:
                    found[call] = self.env._(
                        "%(call)s: the quantity is measured as %(before)s, and would "
                        "be measured as %(after)s",
                        call=call.display_name,
                        before=was[2],
                        after=now[2],
                    )
                    continue
                if now[1] == "same":
                    continue
                amount = call._format(number(call.expected), call.currency_id)
                found[call] = self.env._(
                    "%(call)s (%(time)s): expected %(expected)s, %(before)s before, "
                    "%(after)s after",
                    call=call.display_name,
                    time=call._format_moment(day),
                    expected=amount,
                    before=was[0],
                    after=now[0],
                )
        return found

    def _format_moment(self, day):
        if self.kind == "usage":
            return fields.Date.to_string(self._day(day))
        return format_datetime(self.env, self._moment(day))

    def _note_confirmed(self, line, reason):
        """Keep in the chatter who let its price change, and why."""
        self.ensure_one()
        self.sudo()._message_log(
            body=self.env._(
                "%(who)s confirmed a price change. %(line)s. %(reason)s",
                who=self.env.user.name,
                line=line,
                reason=reason,
            )
        )
