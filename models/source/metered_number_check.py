# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter, defaultdict
from decimal import Decimal

from odoo import api, models

from ...connectors.checks import Check
from ...ingest.dial_plans import dial_plan, is_dialled_in
from ...ingest.dialled import LEAST_NUMBERS, judge
from ...ingest.load_classes import own_country, source_dial_plan
from ...ingest.usage_calls import NEWEST_OF_CONTACT
from ...rating.exact import exact
from ..screen.actions import window_action
from .metered_source_checks import OF_LAST_IMPORTS

#: of how many calls of a contact, and of a source's last imports, the numbers are read
CALLS_OF_CONTACT = 500
CALLS_OF_IMPORTS = 2000
#: so many numbers are looked for when the calls are listed
MOST_LISTED = 200
# The newest of a customer, or within imports, and never more rows than so many.
OF_CUSTOMER = f"""
    SELECT cdr.callee, cdr.charge::text, cdr.currency_id
      FROM unnest(%(contacts)s) AS contact (id) CROSS JOIN {NEWEST_OF_CONTACT}
     WHERE cdr.company_id = %(company)s AND cdr.source_id = %(source)s
       AND cdr.direction = 'outbound' AND starts_with(cdr.callee, '+')
"""
OF_IMPORTS = f"""
    SELECT source.id, callee, charge::text, currency_id
      FROM unnest(%(sources)s) AS source (id)
     CROSS JOIN LATERAL (
           SELECT callee, charge, currency_id, direction
             FROM metered_cdr WHERE batch_id = ANY({OF_LAST_IMPORTS})
            LIMIT %(most)s) cdr
     WHERE direction = 'outbound' AND starts_with(callee, '+')
"""


class MeteredNumberCheck(models.AbstractModel):
    """Whether numbers that were called are numbers of the country they were read in.

    Only the newest calls are looked at, so that it costs the same whatever there is.
    """

    _name = "metered.number.check"
    _description = "Dialed Number Check"

    @api.model
    def _of_customer(self, partner, source):
        """Look at what a customer's newest calls from a source were to.

        :param partner: commercial entity
        :param source: ``metered.source``
        :return: (``Check`` or None where there is too little to judge by, the numbers
            in question)
        """
        family = partner._metered_family()
        accounts = source.sudo().account_ids.filtered(
            lambda account: account.partner_id in family
        )
        told = accounts.country_id[:1]
        own = own_country(partner.sudo())
        home = source.sudo().country_id
        self.env.cr.execute(
            OF_CUSTOMER,
            {
                "contacts": family.ids,
                "most": CALLS_OF_CONTACT,
                "company": source.company_id.id,
                "source": source.id,
            },
        )
        rows = self.env.cr.fetchall()
        return self._look(rows, source, told or own or home, bool(told or own), own)

    @api.model
    def _of_source(self, source):
        """Look at what the calls of a source's last imports were to.

        :return: as :meth:`_of_customer`
        """
        rows = source._read_together("_read_dialed")
        # The home country is a setting, and the calls may know better.
        return self._look(rows, source, source.sudo().country_id, False)

    def _look(self, rows, source, country, is_told, own=None):
        """Judge calls; see :meth:`_of_customer`.

        :param rows: list of (number, charge as text, currency id)
        :param country: ``res.country`` that they were read in
        :param is_told: whether an account or an address tells it
        :param own: the ``res.country`` of the customer's address
        """
        if not rows or not is_dialled_in(country.code):
            return None, ()
        home = country == source.sudo().country_id
        plan = source_dial_plan(source.sudo()) if home else dial_plan(country.code)
        found = judge(
            [callee for callee, *_rest in rows],
            plan,
            self._other_plans(source, country, own),
            is_told,
        )
        name = self.env._("Numbers")
        if not found.is_wrong:
            if found.count < LEAST_NUMBERS:
                return None, ()
            return (
                Check(
                    name,
                    True,
                    self.env._(
                        "The last %(count)s numbers called are valid as dialed in "
                        "%(country)s.",
                        count=found.count,
                        country=country.name,
                    ),
                ),
                (),
            )
        return (
            Check(
                name,
                False,
                self._describe(
                    found, rows, country, self._others(source, country, own)
                ),
                self.env._("Open calls"),
                "numbers",
            ),
            sorted(found.suspect)[:MOST_LISTED],
        )

    def _others(self, source, country, own):
        """Countries that the numbers may have been dialled in.

        :return: dict code -> ``res.country``: of the customer, the company, the
            source, and of what other accounts of the source dial as
        """
        source = source.sudo()
        countries = (
            (own or country.browse())
            | source.company_id.country_id
            | source.country_id
            | source.account_ids.country_id
        ) - country
        return {c.code: c for c in countries if is_dialled_in(c.code)}

    def _other_plans(self, source, country, own):
        """How numbers are dialed there: read only where the numbers are in doubt."""
        for code in self._others(source, country, own):
            yield dial_plan(code)

    def _describe(self, found, rows, country, others):
        """What is wrong with numbers, and what to do."""
        words, sums = self.env["metered.explanation"], Counter()
        for callee, charge, currency_id in rows:
            if callee in found.suspect:
                sums[currency_id] += Decimal(charge or 0)
        currencies = self.env["res.currency"].browse(filter(None, sums))
        money = ", ".join(
            f"{words._number(exact(sums[currency.id]))} {currency.name}"
            for currency in currencies
        )
        values = {
            "share": _percent(len(found.suspect), found.count),
            "count": words._number(found.count),
            "country": country.name,
            "money": money or words._number(0),
        }
        if found.suspect is found.missing:
            text = self.env._(
                "%(share)s%% of the last %(count)s numbers called are not valid as "
                "dialed in %(country)s. Their calls cost %(money)s.",
                **values,
            )
        else:
            text = self.env._(
                "%(share)s%% of the last %(count)s numbers called were read as "
                "numbers in %(country)s only because that is the source's home "
                "country. Their calls cost %(money)s.",
                **values,
            )
        if found.country:
            text += " " + self.env._(
                "%(share)s%% of these are numbers in %(country)s.",
                share=_percent(found.explained, len(found.suspect)),
                country=others[found.country].name,
            )
        return (
            text
            + " "
            + self.env._(
                "Set the customer's country, or the Dialing Country of its account, "
                "then undo the imports and import them again."
            )
        )

    @api.model
    def _open(self, domain):
        """The calls in question.

        :param domain: of ``metered.cdr``
        """
        return window_action(self.env, "action_metered_cdr", domain, context={})


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _read_dialed(self):
        """Numbers that were called in the last imports of each source.

        :return: dict id -> list of (number, charge as text, currency id)
        """
        self.env.cr.execute(OF_IMPORTS, {"sources": self.ids, "most": CALLS_OF_IMPORTS})
        found = defaultdict(list)
        for source_id, *row in self.env.cr.fetchall():
            found[source_id].append(row)
        return found


def _percent(part, whole):
    return round(100 * part / whole)
