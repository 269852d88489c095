# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from odoo import models

from ...ingest.usage_store import as_array
from ...stored.simulate import SUMS, add_up, read_calls
from ..screen.actions import window_action

#: seconds of work that are committed together
PORTION_SECONDS = 2


@dataclass
class Portion:
    """Some of the work, done.

    :ivar sums: DataFrame of ``simulate.sum_up``
    :ivar read: number of calls or records that were looked at
    :ivar standing: values of the record that say where it stands then
    :ivar last: whether it was the last one
    """

    sums: pd.DataFrame
    read: int
    standing: dict
    last: bool


class MeteredWhatIf(models.Model):
    """How What If works, portion by portion."""

    _inherit = "metered.simulation"

    def _run(self, commit, seconds):
        if not self._get_ready(commit, seconds):
            return False
        begun = since = time.monotonic()
        self.env.flush_all()
        worth = self._worth()
        portions = []
        for portion in self._portions(self._load(), worth):
            portions.append(portion)
            now = time.monotonic()
            stop = seconds is not None and now - begun > seconds
            if stop or now - since > PORTION_SECONDS:
                self._keep(portions, now - since, commit)
                portions, since = [], now
            if stop:
                return portion.last
        self._keep(portions, time.monotonic() - since, commit)
        return True

    def _keep(self, portions, worked, commit):
        """Store what came of portions together with where it stands."""
        if portions:
            read = sum(portion.read for portion in portions)
            sums = [portion.sums for portion in portions if len(portion.sums)]
            kept = sum(int(part["calls"].sum()) for part in sums)
            self.write(portions[-1].standing)
            if sums:
                self._add_lines(add_up(sums))
            self._add_to_counters(
                records=read, left_out=read - kept, run_seconds=worked
            )
        if commit:
            commit()

    # === PORTIONS === #

    def _portions(self, tried, worth):
        """Do what is left, and yield each :class:`Portion` of it.

        :param tried: what `_load` returned
        :param worth: see ``Simulation.rate``
        """
        phases = []
        if tried.decks and not self.plan_id:
            phases.append("calls")
        if tried.families:
            phases.append("plans")
        if self.price_id:
            phases.append("prices")
        if self.phase in phases:
            phases = phases[phases.index(self.phase) :]
        for phase in phases:
            last = phase == phases[-1]
            work = getattr(self, f"_portions_of_{phase}")
            begun = self.phase == phase
            for portion in work(tried, worth, self.position_id if begun else 0):
                portion.last &= last
                portion.standing["phase"] = phase
                yield portion

    def _portions_of_calls(self, tried, worth, _position):
        """Calls of customers without plans, day by day."""
        meters = self.env["metered.meter"].with_context(active_test=False)
        meter_ids = meters.search([("kind", "=", "call")]).ids
        partner_ids = self._partner_ids(self.company_id) if self.partner_ids else None
        zone = ZoneInfo(self.company_id._metered_timezone())
        day = self.position
        while day <= self.date_to:
            found = read_calls(
                self.env.cr,
                self.company_id.id,
                _midnight(day, zone),
                _midnight(day + timedelta(days=1), zone),
                meter_ids,
                partner_ids,
                tried.partner_ids,
            )
            day += timedelta(days=1)
            yield Portion(
                tried.decks.rate(found, worth),
                len(found),
                {"position": day},
                day > self.date_to,
            )

    def _portions_of_plans(self, tried, worth, position):
        """Calls of customers with plans, some customers at a time."""
        chunks = [
            [family for family in chunk if family.root_id > position]
            for chunk in tried.families
        ]
        chunks = [chunk for chunk in chunks if chunk]
        for place, chunk in enumerate(chunks, start=1):
            sums, read = tried.plans.rate(chunk, worth)
            standing = {"position_id": chunk[-1].root_id}
            yield Portion(sums, read, standing, place == len(chunks))

    def _worth(self):
        """What one unit of a currency is in another, on the last day; remembered."""
        known = {}

        def worth(currency_id, to_currency_id):
            pair = currency_id, to_currency_id
            if pair not in known:
                currency, to_currency = self.env["res.currency"].browse(pair)
                known[pair] = self.env["res.currency"]._get_conversion_rate(
                    currency, to_currency, self.company_id, self.date_to
                )
            return known[pair]

        return worth

    # === SUMS === #

    def _add_lines(self, sums):
        """Add sums to the lines; charges in another currency are converted.

        :param sums: DataFrame of ``stored.simulate``
        """
        keys = ["partner_id", "meter_id", "destination_id", "currency_id"]
        sums = self._converted(sums)
        before, after = sums["before_micro"], sums["after_micro"]
        change = before - after if self.kind == "margin" else after - before
        sums = sums.assign(difference=change).groupby(keys, as_index=False)
        sums = sums[[*SUMS, "difference"]].sum()
        self.flush_recordset()
        self.env.cr.execute(
            """
            INSERT INTO metered_simulation_line AS line (
                simulation_id, company_id, partner_id, meter_id, destination_id,
                currency_id, calls, seconds, unrated, below, before, after, difference,
                lost)
            SELECT %s, %s, partner_id, meter_id, nullif(destination_id, 0), currency_id,
                   calls, seconds, unrated, below, before * 0.000001, after * 0.000001,
                   difference * 0.000001, lost * 0.000001
              FROM unnest(%s::int[], %s::int[], %s::int[], %s::int[], %s::int[],
                          %s::bigint[], %s::int[], %s::int[], %s::numeric[],
                          %s::numeric[], %s::numeric[], %s::numeric[])
                   AS new (partner_id, meter_id, destination_id, currency_id, calls,
                           seconds, unrated, below, before, after, difference, lost)
            ON CONFLICT (simulation_id, partner_id, meter_id,
                         coalesce(destination_id, 0), currency_id)
            DO UPDATE SET calls = line.calls + excluded.calls,
                seconds = line.seconds + excluded.seconds,
                unrated = line.unrated + excluded.unrated,
                below = line.below + excluded.below,
                before = line.before + excluded.before,
                after = line.after + excluded.after,
                difference = line.difference + excluded.difference,
                lost = line.lost + excluded.lost
            """,
            (
                self.id,
                self.company_id.id,
                *(
                    as_array(sums[name])
                    for name in (
                        *(*keys, "calls", "seconds", "unrated", "below"),
                        *("before_micro", "after_micro", "difference", "lost"),
                    )
                ),
            ),
        )
        self.env["metered.simulation.line"].invalidate_model(flush=False)
        self.invalidate_recordset(["line_ids", "result", "unrated", "below"])

    def _converted(self, sums):
        """What calls would cost in the currency of what they are charged."""
        foreign = np.flatnonzero(sums["to_currency_id"] != sums["currency_id"])
        if not len(foreign):
            return sums
        worth = self._worth()
        rows = sums.iloc[foreign]
        # Of any size: a currency may be worth a thousandth of another.
        after = sums["after_micro"].astype(object).to_numpy().copy()
        after[foreign] = [
            int((micro * Decimal(repr(worth(to_id, own_id)))).quantize(Decimal(1)))
            for micro, to_id, own_id in zip(
                rows["after_micro"].tolist(),
                rows["to_currency_id"].tolist(),
                rows["currency_id"].tolist(),
                strict=True,
            )
        ]
        return sums.assign(after_micro=after)

    # === MARGINS KEEP WHAT A CALL COSTS === #

    def _get_ready(self, commit, seconds):
        """Do what has to be done before any portion; see :meth:`_run`.

        Margins first keep what is not kept yet; a run that is killed goes on. Calling
        plans that wait are applied before: what calls are sold for is then what they
        will be billed at.

        :return: False when it is not done yet
        """
        if self.kind == "margin":
            plans = self.env["metered.plan.mark"].sudo()
            if not plans._apply_plans(self._marked_owners(), commit, seconds):
                return False
            done = (
                self.env["metered.usage.cost"]
                .sudo()
                ._look_up(
                    self.company_id,
                    self.date_from,
                    self.date_to + timedelta(days=1),
                    commit,
                    seconds,
                )
            )
            if not done:
                return False
        return True

    def _marked_owners(self):
        """The customers that it is about; None: all."""
        chosen = self._chosen_partners()
        if chosen is None:
            return None
        return self.env["res.partner"].browse(chosen).commercial_partner_id

    def action_view_below(self):
        """Open the calls that were sold below cost."""
        self.ensure_one()
        domain = [
            ("company_id", "=", self.company_id.id),
            ("usage_id.day", ">=", self.date_from),
            ("usage_id.day", "<=", self.date_to),
        ]
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        action = window_action(
            self.env,
            "action_metered_cdr",
            domain,
            context={"search_default_below_cost": 1},
            display_name=self.env._("Calls Below Cost"),
        )
        # What they cost is what it is about.
        view = self.env.ref("metered_billing.metered_cdr_view_list_cost")
        action["views"] = [
            (view.id if mode == "list" else view_id, mode)
            for view_id, mode in action["views"]
        ]
        return action


def _midnight(day, zone):
    """When a day begins in a time zone, naive UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone)
    return local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
