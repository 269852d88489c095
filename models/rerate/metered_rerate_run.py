# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from contextlib import closing
from decimal import Decimal

from odoo import Command, models

from ...ingest.conflicts import again, wait_briefly
from ...rating.exact import MICRO
from ...stored.payers import with_children, with_parents
from ...stored.rerate import Rerated, read_sums

#: calls that are rated and committed together, of one customer at least
SLICE_CALLS = 20_000


class MeteredRerate(models.Model):
    """Going through the customers of a re-rating, slice by slice.

    Other rates may have other increments: calls may take more or less of an allowance,
    and calls of other days are charged then that were included. So where customers
    have plans, a preview of usage that is not invoiced does it all and takes it back.
    """

    _inherit = "metered.rerate"

    # === WHAT IT IS ABOUT === #

    def _usage_domain(self):
        """The usage that is rated again."""
        self.ensure_one()
        domain = [
            ("company_id", "=", self.company_id.id),
            # Without its calls, it stays what it came to.
            ("details_gone", "=", False),
        ]
        if self.scope == "open":
            # What other meters come to is found when they are invoiced.
            domain.append(("meter_id.kind", "=", "call"))
            domain.append(("invoice_line_id", "=", False))
        else:
            domain.append(("is_posted", "=", True))
        if self.date_from:
            domain.append(("day", ">=", self.date_from))
        if self.date_to:
            domain.append(("day", "<=", self.date_to))
        if self.partner_ids:
            domain.append(("partner_id", "child_of", self.partner_ids.ids))
        if self.meter_ids:
            domain.append(("meter_id", "in", self.meter_ids.ids))
        return domain

    def _count_calls(self):
        [[calls]] = self.env["metered.usage"]._read_group(
            self._usage_domain(), [], ["records:sum"]
        )
        return calls or 0

    def _slices(self):
        """Customers that are left to be rated, as they are rated together.

        :return: list of (position after them, ids of the customers, number of calls)
        """
        groups = self.env["metered.usage"]._read_group(
            self._usage_domain(), ["partner_id"], ["records:sum"]
        )
        calls_of = {partner.id: calls for partner, calls in groups}
        together = {}
        for partner_id, key in self._rated_together(list(calls_of)).items():
            if key > self.position:
                together.setdefault(key, []).append(partner_id)
        slices = []
        for key, ids in sorted(together.items()):
            calls = sum(calls_of[partner_id] for partner_id in ids)
            if slices and slices[-1][2] + calls <= SLICE_CALLS:
                _key, known, before = slices.pop()
                ids, calls = known + ids, before + calls
            slices.append((key, sorted(ids), calls))
        return slices

    def _rated_together(self, partner_ids):
        """Which customers are rated together: the contacts of a company, where they
        may share an allowance, or a meter's price.

        A preview of some of them alone would not know what becomes of the others.

        :return: dict partner id -> number that those of one family have in common
        """
        key_of = {partner_id: partner_id for partner_id in partner_ids}
        marks = self.env["metered.plan.mark"].sudo()
        sharing = marks._plan_partners(self.company_id) & set(partner_ids)
        domain = [*self._usage_domain(), ("meter_id.kind", "!=", "call")]
        groups = self.env["metered.usage"]._read_group(domain, ["partner_id"])
        sharing |= {partner.id for (partner,) in groups}
        for partner_id, parents in with_parents(self.env.cr, sharing).items():
            if partner_id in key_of:
                key_of[partner_id] = parents[-1]
        return key_of

    # === RUN === #

    def _run(self, commit, seconds):
        begun = time.monotonic()
        slices = self._slices()
        for position, partner_ids, calls in slices:
            self._process_slice(position, partner_ids, calls, commit)
            if seconds is not None and time.monotonic() - begun > seconds:
                return position == slices[-1][0]
        self.env["metered.alert.mark"]._check_soon()
        return True

    def _process_slice(self, position, partner_ids, calls, commit):
        """Rate some customers' usage and commit, again where others were in the way."""

        def work(_failed):
            begun = time.monotonic()
            if commit and self.phase == "apply":
                wait_briefly(self.env.cr)
            self._rate_customers(partner_ids)
            self.position = position
            self._add_to_counters(records=calls, run_seconds=time.monotonic() - begun)
            if commit:
                commit()

        again(self.env.cr, work, commit)

    def _rate_customers(self, partner_ids):
        """Rate some customers' usage, and note what changes."""
        domain = [*self._usage_domain(), ("partner_id", "in", partner_ids)]
        if self.scope == "invoiced":
            return self._rate_invoiced(domain)
        done = self._rate_open(domain, self.phase == "apply")
        self._note(done, partner_ids)
        self._add_to_counters(changed=done.changed, unrated=len(done.unrated))

    def _write_lines(self, values):
        """Store the lines of customers.

        :param values: dict (partner id, currency id) -> dict: before and after as
            Decimals, calls, changed, unrated, note
        """
        commands = []
        for (partner_id, currency_id), line in sorted(values.items()):
            before, after = line.pop("before", Decimal()), line.pop("after", Decimal())
            if before == after and not any(
                line.get(name) for name in ("changed", "unrated", "note")
            ):
                continue
            commands.append(
                Command.create(
                    {
                        **line,
                        "partner_id": partner_id,
                        "currency_id": currency_id,
                        "before": float(before),
                        "after": float(after),
                        "difference": float(after - before),
                    }
                )
            )
        self.line_ids = commands

    # === USAGE THAT IS NOT INVOICED === #

    def _rate_open(self, domain, writing):
        """Rate usage that is not invoiced.

        :param domain: of ``metered.usage``, of customers whose plans are applied
            together
        :param writing: False: only tell what would come of it
        :return: ``stored.rerate.Rerated``
        """
        Usage = self.env["metered.usage"]
        usage = Usage._lock(domain) if writing else Usage.search(domain)
        if not self._take_from_plans(usage.partner_id):
            return usage._rerate(writing, self.create_uid)
        if writing:
            return self._rate_with_plans(domain)
        # What is only tried is taken back.
        with closing(self.env.cr.savepoint()):
            return self._rate_with_plans(domain)

    def _note(self, done, partner_ids):
        """Keep a line for each customer and currency that something changes for.

        :param done: ``stored.rerate.Rerated``
        """
        told = {*partner_ids, *done.before["partner_id"], *done.after["partner_id"]}
        self.line_ids.filtered(lambda line: line.partner_id.id in told).unlink()
        values = {}
        for name, frame in (("before", done.before), ("after", done.after)):
            sums = frame.groupby(["partner_id", "currency_id"])[
                ["records", "charge_micro"]
            ].sum()
            for (partner, currency), row in sums.iterrows():
                line = values.setdefault((int(partner), int(currency)), {})
                line[name] = int(row["charge_micro"]) * MICRO
                line.setdefault("calls", int(row["records"]))
        usage = done.before.set_index("usage_id")
        for usage_id, count in done.changed_of.items():
            row = usage.loc[usage_id]
            line = values[int(row["partner_id"]), int(row["currency_id"])]
            line["changed"] = line.get("changed", 0) + count
        for record in done.unrated:
            # Their usage may be in any currency; they are told with the first.
            key = min(key for key in values if key[0] == record.partner_id)
            values[key]["unrated"] = values[key].get("unrated", 0) + 1
        self._write_lines(values)

    def _take_from_plans(self, partners):
        marks = self.env["metered.plan.mark"].sudo()
        return bool(marks._plan_partners(self.company_id) & set(partners.ids))

    def _families(self, partners):
        """All companies and contacts that may share an allowance with these."""
        roots = {ids[-1] for ids in with_parents(self.env.cr, partners.ids).values()}
        return partners.browse(with_children(self.env.cr, roots))

    def _rate_with_plans(self, domain):
        """Rate usage, and apply the plans of its customers anew.

        What is told is what it comes to with plans, and what other usage comes to that
        changes by it: of these customers, and of those that share a plan with them.
        """
        Usage = self.env["metered.usage"]
        # Plans that wait are applied first: that is no change by these rates.
        Usage._apply_plans(domain)
        usage = Usage._lock(domain)
        partners = usage.partner_id
        families = self._families(partners)
        before = read_sums(self._open_usage(families))
        done = usage._rerate(user=self.create_uid)
        about = {*usage.ids, *done.after["usage_id"].tolist()}
        Usage._apply_plans([("partner_id", "in", partners.ids)])
        after = read_sums(self._open_usage(families))
        about |= _changed(before, after)
        return Rerated(
            before[before["usage_id"].isin(about)],
            after[after["usage_id"].isin(about)],
            done.changed,
            done.unrated,
            done.changed_of,
        )

    def _open_usage(self, partners):
        """The usage of calls of customers that is not invoiced."""
        self.env.invalidate_all()
        return self.env["metered.usage"].search(
            [
                ("company_id", "=", self.company_id.id),
                ("partner_id", "in", partners.ids),
                ("invoice_line_id", "=", False),
                ("meter_id.kind", "=", "call"),
            ]
        )


def _changed(before, after):
    """Ids of the usage with another charge."""
    was = before.set_index("usage_id")["charge_micro"]
    now = after.set_index("usage_id")["charge_micro"]
    now, was = now.align(was, fill_value=0)
    return set(now.index[now != was].tolist())
