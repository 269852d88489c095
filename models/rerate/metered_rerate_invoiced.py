# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter
from decimal import Decimal

from odoo import Command, fields, models
from odoo.exceptions import AccessError, UserError

from ...rating.exact import MICRO
from ...stored.rerate_plans import charges_with_plans


class MeteredRerate(models.Model):
    """Invoiced usage, rated again: what was charged stays, the difference is billed.

    The calls, their charges and the invoice line remain what they are. What each row
    of usage was charged and would be charged now is a ``metered.rerate.difference``;
    what they add up to goes, line by line of the old invoices and with their accounts
    and taxes, on one credit note or invoice per customer and currency.
    """

    _inherit = "metered.rerate"

    reason = fields.Text(
        readonly=True, help="Why invoiced usage is charged anew. It is on the document."
    )
    difference_ids = fields.One2many(
        "metered.rerate.difference", "rerate_id", readonly=True
    )
    difference_count = fields.Integer(
        string="Differences", compute="_compute_difference_count", compute_sudo=True
    )
    move_count = fields.Integer(
        string="Documents", compute="_compute_difference_count", compute_sudo=True
    )

    def _compute_difference_count(self):
        for run in self:
            run.difference_count = len(run.difference_ids)
            run.move_count = len(run.difference_ids.move_id)

    def action_approve(self):
        """Ask for the reason, before the difference is posted."""
        self.ensure_one()
        self._check_approver()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Approve the Difference"),
            "res_model": "metered.rerate.approve",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_rerate_id": self.id},
        }

    def _check_approver(self):
        self.check_access("read")
        if not self.env.user.has_group("metered_billing.group_metered_administrator"):
            raise AccessError(
                self.env._(
                    "Only an Administrator of Metered Billing approves a change of "
                    "invoiced usage."
                )
            )

    def _post_differences(self, reason):
        """Bill the differences that the preview showed.

        :param reason: text, for the documents
        """
        self._check_approver()
        if self.scope != "invoiced":
            raise UserError(self.env._("This usage is not invoiced: apply it."))
        if not (reason or "").strip():
            raise UserError(self.env._("Say why the invoiced usage is charged anew."))
        if not self.line_ids.filtered(lambda line: not line.note):
            raise UserError(self.env._("There is no difference to post."))
        self.sudo().reason = reason.strip()
        return self._apply()

    def action_view_moves(self):
        """Open the credit notes and invoices with the differences."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_invoice"
        )
        moves = self.sudo().difference_ids.move_id
        action["domain"] = [("id", "in", moves.ids)]
        action["context"] = {"create": False}
        return action

    def action_view_differences(self):
        """Open what was and is charged, day by day."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "metered_billing.action_metered_rerate_difference"
        )
        action["domain"] = [("rerate_id", "=", self.id)]
        return action

    # === RATE === #

    def _rate_invoiced(self, domain):
        """Rate invoiced usage in memory; note the differences, or post them."""
        Usage = self.env["metered.usage"]
        usage = Usage.search(domain, order="id")
        of_meters = usage.filtered(lambda row: row.meter_id.kind != "call")
        periods = self._periods_of(of_meters)
        if self.phase == "apply":
            # Nobody bills more of these periods before this is committed.
            of_meters.union(*periods.values())._claim()
            self.env.cr.execute(
                "SELECT id FROM metered_usage WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                (usage.ids,),
            )
        done = usage._rerate(write=False)
        self._give_plans_anew(done)
        priced, problems, pricings = self._price_again(of_meters, periods)
        values, rows = self._compare(done, priced, problems)
        if self.phase == "preview":
            self._write_lines(values)
            self._write_differences(rows, pricings)
        else:
            self._check_as_previewed(rows, {*usage.ids, *(row.id for row in priced)})
            self._post_documents(rows)
        self._add_to_counters(
            changed=sum(line.get("changed", 0) for line in values.values()),
            unrated=len(done.unrated),
        )

    def _give_plans_anew(self, done):
        """Charge usage that took from plans with what it took, given anew.

        :param done: ``stored.rerate.Rerated``; its sums after are changed
        """
        company = self.company_id.sudo().with_company(self.company_id)
        marks, usage = company.env["metered.plan.mark"], company.env["metered.usage"]
        if not marks._exist_plans():
            return
        usage = usage.browse(done.before["usage_id"].tolist())
        found = charges_with_plans(marks._plan_book(company), usage)
        charges = done.after["usage_id"].map(found)
        known = charges.notna()
        done.after.loc[known, "charge_micro"] = charges[known].astype("int64")

    def _compare(self, done, priced, problems):
        """What changes, with what earlier differences billed already.

        :param done: ``stored.rerate.Rerated`` of calls, nothing written
        :param priced: dict ``metered.usage`` row of meters -> (before, after)
        :param problems: dict partner id -> why its meters cannot be priced
        :return: (values of the lines, see `_write_lines`; list of (usage id, before,
            after) as Decimals in the usage's currency)
        """
        blocked = self._blocked(done, priced, problems)
        values, rows = {}, []
        for sums, before, after, changed in self._charges(done, priced):
            line = values.setdefault(
                (int(sums["partner_id"]), int(sums["currency_id"])),
                {"before": Decimal(), "after": Decimal(), "calls": 0, "changed": 0},
            )
            line["before"] += before
            line["after"] += after
            line["calls"] += int(sums["records"])
            line["changed"] += changed
            line["note"] = blocked.get(int(sums["partner_id"]))
            if before != after and not line["note"]:
                rows.append((int(sums["usage_id"]), before, after))
        lost = Counter(record.partner_id for record in done.unrated)
        for (partner_id, _currency), line in values.items():
            line["unrated"] = lost[partner_id]
            if line["before"] == line["after"]:
                # Charged otherwise, but billed already.
                line["changed"] = 0
        return values, rows

    def _charges(self, done, priced):
        """Yield (sums of usage, before, after, number of changed records)."""
        usage = self.env["metered.usage"].browse(done.before["usage_id"].tolist())
        billed = self.env["metered.rerate.difference"]._billed_of(usage)
        now = dict(zip(done.after["usage_id"], done.after["charge_micro"], strict=True))
        for sums in done.before.to_dict("records"):
            usage_id = int(sums["usage_id"])
            before = int(sums["charge_micro"]) * MICRO + billed.get(usage_id, 0)
            after = int(now.get(usage_id, 0)) * MICRO
            yield sums, before, after, done.changed_of.get(usage_id, 0)
        billed_as = {row: self._billed_as(row) for row in priced}
        changed = {
            billed_as[row] for row, (before, after) in priced.items() if before != after
        }
        for row, (before, after) in priced.items():
            sums = {
                "usage_id": row.id,
                "partner_id": row.partner_id.id,
                "currency_id": row.currency_id.id,
                "records": row.records,
            }
            # A period has one price: that of all its records is another one.
            is_changed = billed_as[row] in changed
            yield sums, before, after, row.records if is_changed else 0

    def _blocked(self, done, priced, problems):
        """Whose usage cannot be rated again, and why.

        A meter's price is that of a company and its contacts together: where one of
        them is in the way, all are.

        :return: dict partner id -> text
        """
        moved = {
            (int(row.partner_id), int(row.meter_id), row.day)
            for row in done.after.itertuples()
            if not row.usage_id
        }
        blocked = dict(problems)
        for row in done.before.itertuples():
            if (int(row.partner_id), int(row.meter_id), row.day) in moved:
                blocked[int(row.partner_id)] = self.env._(
                    "Some calls would be charged in another currency."
                )
        for partner_id, number in Counter(
            record.partner_id for record in done.unrated
        ).items():
            blocked[partner_id] = self.env._(
                "Calls that have no rate today: %s. Add it, and look again.", number
            )
        partners = self.env["res.partner"].browse(row.partner_id.id for row in priced)
        for family in partners.grouped("commercial_partner_id").values():
            texts = [blocked[key] for key in family.ids if key in blocked]
            blocked.update((key, texts[0]) for key in family.ids if texts)
        return blocked

    def _write_differences(self, rows, pricings):
        """Store the differences of a slice; they name no document yet.

        :param pricings: dict ``metered.usage`` row -> what explains its price now
        """
        usages = self.env["metered.usage"].browse([row[0] for row in rows])
        self.difference_ids = [
            Command.create(
                {
                    "usage_id": usage.id,
                    "partner_id": usage.partner_id.id,
                    "meter_id": usage.meter_id.id,
                    "day": usage.day,
                    "currency_id": usage.currency_id.id,
                    "invoice_line_id": usage.invoice_line_id.id,
                    "before": float(before),
                    "after": float(after),
                    "difference": float(after - before),
                    "pricing": pricings.get(usage, False),
                }
            )
            for usage, (_id, before, after) in zip(usages, rows, strict=True)
        ]

    def _check_as_previewed(self, rows, usage_ids):
        """Refuse to post what nobody has looked at.

        :param usage_ids: of all usage that was rated again
        """
        seen = {
            difference.usage_id.id: difference.difference
            for difference in self._differences_of(usage_ids)
        }
        now = {usage_id: float(after - before) for usage_id, before, after in rows}
        if now != seen:
            raise UserError(
                self.env._(
                    "Rates, usage or invoices have changed since the preview. Nothing "
                    "more is posted: begin a new re-rating and look at it again."
                )
            )

    def _differences_of(self, usage_ids):
        """The differences to some usage, that the preview found."""
        return self.env["metered.rerate.difference"].search(
            [("rerate_id", "=", self.id), ("usage_id", "in", list(usage_ids))]
        )
