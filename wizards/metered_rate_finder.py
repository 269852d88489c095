# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import format_date

from ..ingest.dial_plans import dial_plan
from ..ingest.load_classes import own_country
from ..rating.exact import MICRO, exact
from ..stored.find_allowance import find_plan
from ..stored.find_rate import price_calls, read_number

#: lengths in seconds that the price is told for, besides the one that is asked for
LENGTHS = (30, 60, 180, 300, 600)
#: seconds of the longest call that can be asked for: a week
LONGEST = 7 * 86_400


class MeteredRateFinder(models.TransientModel):
    """Which rate would apply to a call, and what the call would cost."""

    _name = "metered.rate.finder"
    _description = "Rate Finder"
    _inherit = ["metered.guarded"]

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    number = fields.Char(
        help="As dialed, or in international format starting with +.",
    )
    moment = fields.Datetime(
        string="Start",
        required=True,
        default=fields.Datetime.now,
        help="Date and time of the call, used to choose prices and time bands.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        help="The customer whose rates apply: the customer's deck, then the deck of "
        "the group, then the company's. What is left in the customer's calling "
        "plans now is included. Leave empty to use the company's rates.",
        check_company=True,
    )
    deck_id = fields.Many2one(
        "metered.rate.deck",
        string="Limit to Deck",
        domain="[('company_id', '=', company_id)]",
        context={"active_test": False},
        help="Search this rate deck (which may be archived) instead of the "
        "customer's decks.",
        check_company=True,
    )
    source_id = fields.Many2one(
        "metered.source",
        string="Dialed On",
        domain="[('company_id', '=', company_id)]",
        compute="_compute_source_id",
        store=True,
        readonly=False,
        help="Numbers are read as dialed on this source. Leave empty to use the "
        "company's country.",
        check_company=True,
    )
    seconds = fields.Integer(string="Duration (s)", default=60)
    result = fields.Html(compute="_compute_result", sanitize=False)

    @api.depends("company_id")
    def _compute_source_id(self):
        for finder in self:
            finder.source_id = self.env["metered.source"].search(
                [("company_id", "=", finder.company_id.id)], limit=1
            )

    @api.depends(
        "number",
        "moment",
        "partner_id",
        "deck_id",
        "source_id",
        "seconds",
        "company_id",
    )
    @api.depends_context("uid", "lang", "tz")
    def _compute_result(self):
        for finder in self:
            finder.result = finder._find() if finder.number else False

    def action_find(self):
        """Show what is found for the number."""
        self.ensure_one()
        return self._get_records_action(
            name=self.env._("Rate Finder"),
            target="new",
            context={"dialog_size": "extra-large"},
        )

    # === FINDING === #

    def _find(self):
        """What is found, or what is in the way, as HTML."""
        self._check_readable()
        words = self.env["metered.explanation"]
        country, is_assumed = self._country()
        problem = self._problem(country)
        if problem:
            return words._render(warning=problem)
        company = self.company_id.sudo().with_company(self.company_id)
        found = read_number(
            company,
            self.number.strip(),
            country.sudo(),
            self.source_id.sudo(),
            self._caller(),
            is_assumed,
        )
        if found.number is None:
            return words._render(
                warning=self.env._(
                    "%(number)s is not a number that can be called from %(country)s. "
                    "Enter it as dialed there, with its area code, or in "
                    "international format starting with +.",
                    number=self.number,
                    country=country.name,
                )
            )
        destination = company.env["metered.destination"].browse(found.destination_id)
        meter = company.env["metered.meter"].browse(found.meter_id)
        before = self._rows_of_number(found, destination, meter)
        if not meter:
            return words._render(before=before, warning=self._no_meter(found))
        seconds = max(0, min(self.seconds, LONGEST))
        lengths = sorted({*LENGTHS, seconds})
        plan = self._plan(company)
        outcomes = price_calls(
            company,
            self.partner_id.sudo(),
            self.deck_id.sudo(),
            found.number,
            meter,
            self.moment,
            lengths,
            plan,
            found.destination_id,
        )
        asked = outcomes[lengths.index(seconds)]
        currency = self.env["res.currency"].browse(asked.currency_id)
        return words._render(
            before=before + self._rows_of_plan(plan),
            rows=words._rows(asked.steps, currency, self._names_of_allowances(plan)),
            prices=[
                (words._length(length), self._charge_text(outcome))
                for length, outcome in zip(lengths, outcomes, strict=True)
                if outcome.charge_micro is not None
            ],
            heading=self.env._("A call of %s", words._length(seconds)),
            warning=self._no_rate(asked, found),
        )

    def _country(self):
        """Where the number is dialled, as an import takes it.

        :return: (``res.country``, whether only the customer's address tells it)
        """
        partner, source = self.partner_id._origin.sudo(), self.source_id.sudo()
        accounts = source.account_ids.filtered(lambda a: a.partner_id == partner)
        home = source.country_id or self.company_id.country_id
        told = accounts.country_id[:1]
        country = told or own_country(partner) or home
        return country, not told and country != home

    def _check_readable(self):
        """Refuse what the user may not read: the prices are read with all rights."""
        if self.company_id not in self.env.companies:
            raise AccessError(
                self.env._(
                    "You do not have access to that company. Choose one of your own."
                )
            )
        for record in (self.partner_id, self.deck_id, self.source_id):
            record._origin.check_access("read")

    def _problem(self, country):
        """What is missing before anything can be found."""
        if not self.moment:
            return self.env._("Enter the start of the call.")
        if not country:
            return self.env._(
                "The dialing country is unknown. Set the country of %(company)s, or "
                "choose a source.",
                company=self.company_id.name,
            )
        try:
            dial_plan(country.code)
        except ValueError:
            return self.env._(
                "The dialing rules of %(country)s are not known. Choose a source in "
                "another country, and enter the number in international format "
                "starting with +.",
                country=country.name,
            )
        return False

    def _caller(self):
        """A number of the customer, which tells whether a call is local."""
        return self._identifier().normalised or None

    def _identifier(self):
        """The first number of the customer."""
        return self.partner_id._origin.sudo().metered_identifier_ids.filtered(
            lambda known: known.kind == "number" and known.normalised
        )[:1]

    # === PLANS === #

    def _plan(self, company):
        """What the customer's calling plans have left, None without any."""
        partner = self.partner_id._origin.sudo().with_company(company)
        book = self.env["metered.plan.mark"]._plan_book(company)
        return find_plan(book, partner, self.moment, self._identifier().id or 0)

    def _rows_of_plan(self, plan):
        """What is left of each allowance, in the period of the call."""
        if not plan:
            return []
        words, rows = self.env["metered.explanation"], []
        last = format_date(self.env, fields.Date.subtract(plan.period.date_to, days=1))
        for term in plan.terms:
            if term.allowance.id < 0:
                continue
            allowance = self._allowance(term)
            left = plan.left_of(term)
            text = (
                self.env._("unlimited")
                if left is None
                else self.env._(
                    "%(left)s left until %(day)s",
                    left=allowance._format_amount(left / term.per_unit),
                    day=last,
                )
            )
            name = allowance.name
            if term.scope == "identifier" and plan.identifier_id:
                name = f"{name}, {self._identifier().value}"
            rows.append(
                words._row("allowance_left", self.env._("Allowance"), f"{name}: {text}")
            )
        return rows

    def _allowance(self, term):
        allowances = self.env["metered.calling.plan.allowance"].sudo()
        return allowances.browse(abs(term.allowance.id))

    def _names_of_allowances(self, plan):
        """Names of the allowances of a plan: dict id -> name."""
        names = {}
        for term in plan.terms if plan else ():
            name = self._allowance(term).name
            names[term.allowance.id] = (
                name if term.allowance.id > 0 else self.env._("%s, used up", name)
            )
        return names

    def _rows_of_number(self, found, destination, meter):
        words = self.env["metered.explanation"]
        kind = meter.name or self.env._("none")
        if destination:
            kind = f"{kind}: {destination.name}"
        return [
            words._row("number", self.env._("Number"), found.number),
            words._row("kind", self.env._("Call type"), kind),
        ]

    def _no_meter(self, found):
        if not found.destination_id:
            return self.env._(
                "No destination matches %(number)s, so calls to it become exceptions. "
                "Add its prefix under Configuration, Destinations.",
                number=found.number,
            )
        return self.env._(
            "No call type matches calls to this destination, so they become "
            "exceptions. Set one under Configuration, Call Types, or on the "
            "destination."
        )

    def _no_rate(self, outcome, found):
        """What is missing where the call has no price, and what to do."""
        if outcome.charge_micro is not None:
            return False
        codes = {step.code for step in outcome.steps}
        who = self.partner_id.display_name or self.company_id.name
        if "no_deck" in codes:
            return self.env._(
                "No rate deck applies to %s. Set one on the customer, on its group, "
                "or in the company's settings.",
                who,
            )
        if "no_rate" in codes:
            return self.env._(
                "None of the decks has a rate for %(number)s at that time, so calls "
                "by %(who)s to it become exceptions. Add a rate for it, or a rate for "
                "all numbers.",
                number=found.number,
                who=who,
            )
        return self.env._("The charge is unreasonably large. Check the rate.")

    def _charge_text(self, outcome):
        words = self.env["metered.explanation"]
        currency = self.env["res.currency"].browse(outcome.currency_id)
        amount = exact(outcome.charge_micro * MICRO)
        return f"{words._number(amount)} {currency.name}"
