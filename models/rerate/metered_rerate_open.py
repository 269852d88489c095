# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models

from ...rating.exact import MICRO
from ...stored.payers import with_children, with_parents
from ...stored.rerate import Rerated, read_sums


class _Undo(Exception):
    """Takes back what was only tried."""


class MeteredRerate(models.Model):
    """Usage that is not invoiced, rated again, with what calling plans make of it.

    Other rates may have other increments: calls may take more or less of an allowance,
    and calls of other days are charged then that were included. So where customers
    have plans, a preview does it all and takes it back.
    """

    _inherit = "metered.rerate"

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
            return usage._rerate(writing)
        if writing:
            return self._rate_with_plans(domain)
        done = None
        try:
            with self.env.cr.savepoint():
                done = self._rate_with_plans(domain)
                raise _Undo
        except _Undo:
            self.env.invalidate_all()
        return done

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
        done = usage._rerate()
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
