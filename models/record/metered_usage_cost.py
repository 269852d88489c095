# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import hashlib
import time
from datetime import date, timedelta
from decimal import Decimal

from odoo import api, fields, models

from ...ingest.load_rates import load_engine
from ...stored.costs import cost_calls, read_costed, store_costs
from ..guard.unchecked_many2one import UncheckedMany2one
from ..job.metered_job import SLICE_SECONDS

#: key of the advisory locks of companies whose costs are looked up ("mbco")
COST_LOCK_CLASS = 0x6D62636F
#: days back from today whose costs are kept up to date by themselves
RECENT_DAYS = 62
#: calls that are read and stored at a time
CALLS_AT_ONCE = 50_000

_STALE = """
    SELECT usage.id, usage.records, trim_scale(usage.amount)::text
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id AND meter.kind = 'call'
      LEFT JOIN metered_usage_cost done ON done.id = usage.id
     WHERE usage.company_id = %s AND usage.day >= %s AND usage.day < %s
       AND usage.records > 0
       AND (done.id IS NULL OR done.records != usage.records
            OR done.amount != usage.amount OR done.signature != %s)
     ORDER BY usage.day, usage.id
"""
_NOTE = """
    INSERT INTO metered_usage_cost (id, company_id, records, amount, signature)
    SELECT new.id, %s, new.records, new.amount, %s
      FROM unnest(%s::int[], %s::int[], %s::numeric[]) AS new (id, records, amount)
    ON CONFLICT (id) DO UPDATE
       SET records = excluded.records, amount = excluded.amount,
           signature = excluded.signature
"""
#: whatever of the cost decks may change what a call costs
_SIGNATURE = """
    SELECT 'rate', rate.deck_id,
           sum(hashtextextended(ROW(
               rate.prefix, rate.destination_id, rate.meter_id, rate.band_id,
               rate.price, rate.per_seconds, rate.initial_increment, rate.increment,
               rate.connection_fee, rate.min_charge, rate.has_max_charge,
               rate.max_charge, rate.grace_seconds, rate.date_from, rate.date_to
           )::text, 0))::text
      FROM metered_rate rate
     WHERE rate.deck_id = ANY(%(decks)s) GROUP BY rate.deck_id
    UNION ALL
    SELECT 'tier', rate.deck_id,
           sum(hashtextextended(ROW(
               rate.id, tier.from_second, tier.price, tier.per_seconds, tier.increment
           )::text, 0))::text
      FROM metered_rate_tier tier JOIN metered_rate rate ON rate.id = tier.rate_id
     WHERE rate.deck_id = ANY(%(decks)s) GROUP BY rate.deck_id
    UNION ALL
    SELECT 'deck', id, ROW(timezone, decimals, rounding, crossing, currency_id)::text
      FROM metered_rate_deck WHERE id = ANY(%(decks)s)
    UNION ALL
    SELECT 'band', 0, ROW(count(*), max(write_date))::text FROM metered_time_band
    UNION ALL
    SELECT 'slot', 0, ROW(count(*), max(write_date))::text FROM metered_time_band_slot
     ORDER BY 1, 2
"""


class MeteredUsageCost(models.Model):
    """For which usage the costs of the calls were looked up, and as of what.

    Its id is that of the usage. When the usage has other calls or another amount by
    now, or a cost deck was changed, the costs are looked up again: every hour for the
    usage of the last two months, and for any days by a run of *Margins*.
    """

    _name = "metered.usage.cost"
    _description = "Calculated Costs"
    _inherit = ["metered.guarded"]
    _log_access = False

    company_id = UncheckedMany2one("res.company", readonly=True)
    records = fields.Integer(readonly=True)
    amount = fields.Float(digits=0, readonly=True)
    signature = fields.Char(
        readonly=True, help="Version of the cost decks that was used."
    )

    @api.model
    def _cron_look_up(self):
        """Look up the costs of recent usage that is new or was rated again."""
        end = time.monotonic() + SLICE_SECONDS
        done = True
        sources = self.env["metered.source"].sudo().with_context(active_test=False)
        for (company,) in sources._read_group([], ["company_id"]):
            today = company._metered_today()
            done &= self._look_up(
                company,
                today - timedelta(days=RECENT_DAYS),
                today + timedelta(days=2),
                commit=self.env.cr.commit,
                seconds=end - time.monotonic(),
            )
        self.env["ir.cron"]._commit_progress(remaining=0 if done else 1)

    @api.model
    def _look_up(self, company, date_from, date_to, commit=None, seconds=None):
        """Look up the costs of calls of some days, where they are not up to date.

        :param date_to: first day after them
        :param commit: function that commits after each portion
        :param seconds: time after which no further portion is begun
        :return: True when all is done
        """
        begun = time.monotonic()
        decks = self._cost_decks(company)
        if not decks:
            return True
        cr = self.env.cr
        cr.execute(
            "SELECT pg_advisory_xact_lock(%s, %s)", (COST_LOCK_CLASS, company.id)
        )
        self.env.flush_all()
        signature = self._signature(decks)
        cr.execute(_STALE, (company.id, date_from, date_to, signature))
        stale = cr.fetchall()
        if not stale:
            return True
        chains = {
            deck: place for place, deck in enumerate(dict.fromkeys(decks.values()))
        }
        env = company.with_company(company).env(
            context={**self.env.context, "allowed_company_ids": company.ids}
        )
        engine, currencies = load_engine(env, [(deck,) for deck in chains])
        chain_of = {source: chains[deck] for source, deck in decks.items()}
        for portion in _portions(stale, CALLS_AT_ONCE):
            if seconds is not None and time.monotonic() - begun > seconds:
                return False
            calls = read_costed(cr, [row[0] for row in portion])
            costs = cost_calls(
                calls, engine, chain_of, currencies, self._worths(company)
            )
            store_costs(cr, calls["id"].to_numpy(), costs, company.id)
            ids, records, amounts = map(list, zip(*portion, strict=True))
            cr.execute(_NOTE, (company.id, signature, ids, records, amounts))
            if commit:
                commit()
                cr.execute(
                    "SELECT pg_advisory_xact_lock(%s, %s)",
                    (COST_LOCK_CLASS, company.id),
                )
        self.env["metered.cdr"].invalidate_model(
            ["cost", "cost_currency_id", "margin", "below_cost", "has_cost"],
            flush=False,
        )
        return True

    @api.model
    def _cost_decks(self, company):
        """The cost decks of a company's sources: dict source id -> deck id."""
        sources = self.env["metered.source"].sudo().with_context(active_test=False)
        found = {
            source.id: source._cost_deck().id
            for source in sources.search([("company_id", "=", company.id)])
        }
        return {source_id: deck_id for source_id, deck_id in found.items() if deck_id}

    @api.model
    def _signature(self, decks):
        """What the cost decks are as of now, in short."""
        self.env.cr.execute(_SIGNATURE, {"decks": sorted(set(decks.values()))})
        state = repr((sorted(decks.items()), self.env.cr.fetchall()))
        return hashlib.sha256(state.encode()).hexdigest()[:32]

    @api.model
    def _worths(self, company):
        """What a unit of a currency is in another on a day; remembered."""
        known, Currency = {}, self.env["res.currency"]

        def worth(currency_id, to_currency_id, day):
            key = currency_id, to_currency_id, day
            if key not in known:
                known[key] = self._worth_on(
                    Currency.browse(currency_id),
                    Currency.browse(to_currency_id),
                    company,
                    date.fromordinal(day),
                )
            return known[key]

        return worth

    @api.model
    def _worth_on(self, currency, to_currency, company, day):
        """What a unit of a currency is in another: Decimal."""
        rate = self.env["res.currency"]._get_conversion_rate(
            currency, to_currency, company, day
        )
        return Decimal(repr(rate))


def _portions(rows, calls_at_once):
    """Cut rows of (id, records, amount) into portions of so many calls."""
    portion, calls = [], 0
    for row in rows:
        portion.append(row)
        calls += row[1]
        if calls >= calls_at_once:
            yield portion
            portion, calls = [], 0
    if portion:
        yield portion
