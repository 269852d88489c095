# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import defaultdict
from decimal import Decimal

from odoo import Command, fields, models
from odoo.exceptions import AccessError, UserError

from ..ingest.rerate import rerate
from ..ingest.rerate_plans import charges_with_plans
from .metered_rerate import MICRO


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
        if self.phase == "apply":
            self.env.cr.execute(
                "SELECT id FROM metered_usage WHERE id = ANY(%s)"
                " ORDER BY id FOR UPDATE",
                (usage.ids,),
            )
        done = rerate(usage, write=False)
        self._give_plans_anew(done)
        values, rows = self._compare(done)
        if self.phase == "preview":
            self._write_lines(values)
            self._write_differences(rows)
            self._add_to_counters(changed=done.changed, unrated=len(done.unrated))
            return
        self._check_as_previewed(rows, done.before["partner_id"].unique().tolist())
        self._post_documents(rows)
        self._add_to_counters(changed=done.changed, unrated=len(done.unrated))

    def _give_plans_anew(self, done):
        """Charge usage that took from plans with what it took, given anew.

        :param done: ``ingest.rerate.Rerated``; its sums after are changed
        """
        usage = self.env["metered.usage"].browse(done.before["usage_id"].tolist())
        company = self.company_id.sudo().with_company(self.company_id)
        found = charges_with_plans(company, usage.sudo())
        charges = done.after["usage_id"].map(found)
        known = charges.notna()
        done.after.loc[known, "charge_micro"] = charges[known].astype("int64")

    def _compare(self, done):
        """What changes, with what earlier differences billed already.

        :param done: ``ingest.rerate.Rerated``, nothing written
        :return: (values of the lines, see `_write_lines`; list of (usage id, before,
            after) in micro-units of the usage's currency)
        """
        billed = self._billed_before(done.before["usage_id"].tolist())
        now = dict(zip(done.after["usage_id"], done.after["charge_micro"], strict=True))
        moved = {
            (int(row.partner_id), int(row.meter_id), row.day)
            for row in done.after.itertuples()
            if not row.usage_id
        }
        lost = defaultdict(int)
        for record in done.unrated:
            lost[record.partner_id] += 1
        blocked = {}
        for row in done.before.itertuples():
            if lost.get(row.partner_id):
                blocked[row.partner_id] = self.env._(
                    "Calls that have no rate today: %s. Add it, and look again.",
                    lost[row.partner_id],
                )
            elif (int(row.partner_id), int(row.meter_id), row.day) in moved:
                blocked[row.partner_id] = self.env._(
                    "Some calls would be charged in another currency."
                )
        values, rows = {}, []
        for row in done.before.itertuples():
            usage_id, partner_id = int(row.usage_id), int(row.partner_id)
            before = int(row.charge_micro) + billed.get(usage_id, 0)
            after = int(now.get(usage_id, 0))
            line = values.setdefault(
                (partner_id, int(row.currency_id)),
                {"before_micro": 0, "after_micro": 0, "calls": 0, "changed": 0},
            )
            line["before_micro"] += before
            line["after_micro"] += after
            line["calls"] += int(row.records)
            line["changed"] += done.changed_of.get(usage_id, 0)
            line["unrated"] = lost.get(partner_id, 0)
            line["note"] = blocked.get(partner_id)
            if before != after and partner_id not in blocked:
                rows.append((usage_id, before, after))
        for line in values.values():
            if line["before_micro"] == line["after_micro"]:
                # Charged otherwise, but billed already.
                line["changed"] = 0
        return values, rows

    def _billed_before(self, usage_ids):
        """What differences charged already that count: dict usage id -> micro-units."""
        found = self.env["metered.rerate.difference"].search(
            [("usage_id", "in", usage_ids), ("move_id", "!=", False)]
        )
        sums = defaultdict(int)
        for difference in found._counting():
            # One to an earlier invoice of the usage is no part of what is charged now.
            if difference.invoice_line_id == difference.usage_id.invoice_line_id:
                sums[difference.usage_id.id] += difference._micro()
        return sums

    def _write_differences(self, rows):
        """Store the differences of a slice; they name no document yet."""
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
                    "before": float(before * MICRO),
                    "after": float(after * MICRO),
                    "difference": float((after - before) * MICRO),
                }
            )
            for usage, (_id, before, after) in zip(usages, rows, strict=True)
        ]

    def _check_as_previewed(self, rows, partner_ids):
        """Refuse to post what nobody has looked at."""
        seen = {
            difference.usage_id.id: difference._micro()
            for difference in self.difference_ids
            if difference.partner_id.id in partner_ids
        }
        if {usage_id: after - before for usage_id, before, after in rows} != seen:
            raise UserError(
                self.env._(
                    "Rates, usage or invoices have changed since the preview. Nothing "
                    "more is posted: begin a new re-rating and look at it again."
                )
            )

    # === POST === #

    def _post_documents(self, rows):
        """Make and post a document per customer and currency.

        :param rows: list of (usage id, before, after) in micro-units
        """
        differences = self.difference_ids.filtered(
            lambda difference: difference.usage_id.id in {row[0] for row in rows}
        )
        by_document = defaultdict(self.env["metered.rerate.difference"].browse)
        for difference in differences:
            origin = difference.invoice_line_id.move_id
            key = (origin.partner_id, origin.currency_id, origin.fiscal_position_id)
            by_document[key] |= difference
        for of_document in by_document.values():
            self._post_document(of_document)

    def _post_document(self, differences):
        """One credit note or invoice, in the currency of the old invoices."""
        dues = []
        for line, of_line in differences.grouped("invoice_line_id").items():
            due = sum(
                (some._due(line) for some in of_line.grouped("currency_id").values()),
                Decimal(),
            )
            if due:
                dues.append((line, due))
        if not dues:
            return
        total = sum(due for _line, due in dues)
        sign = -1 if total < 0 else 1
        origins = differences.invoice_line_id.move_id.sorted("id")
        first = origins[0]
        move = (
            self.env["account.move"]
            .sudo()
            .with_company(self.company_id)
            .create(
                {
                    "move_type": "out_refund" if total < 0 else "out_invoice",
                    "partner_id": first.partner_id.id,
                    "partner_shipping_id": first.partner_shipping_id.id,
                    "currency_id": first.currency_id.id,
                    "fiscal_position_id": first.fiscal_position_id.id,
                    "invoice_date": self._document_date(),
                    "invoice_origin": ", ".join(origins.mapped("name")),
                    "narration": self.reason,
                    "invoice_user_id": self.applied_uid.id,
                    "invoice_line_ids": [
                        Command.create(self._prepare_line(line, due * sign))
                        for line, due in dues
                    ],
                }
            )
        )
        move.action_post()
        differences.move_id = move
        for origin in origins:
            origin._metered_log(
                self.env._(
                    "Its usage was rated again. %(document)s bills the difference: "
                    "%(reason)s",
                    document=move._get_html_link(),
                    reason=self.reason,
                )
            )
        move._metered_log(
            self.env._(
                "The difference of re-rating invoiced usage, approved by %(who)s: "
                "%(reason)s",
                who=self.applied_uid.name,
                reason=self.reason,
            )
        )

    def _document_date(self):
        """Today, or the first day after what is closed for sales and taxes."""
        today = fields.Date.context_today(self)
        closed = self.company_id._get_lock_date_violations(today, purchase=False)
        return max([today, *(fields.Date.add(day, days=1) for day, _name in closed)])

    def _prepare_line(self, line, amount):
        """Values of a line for the difference to a line of an old invoice."""
        lang = line.move_id.partner_id.lang
        text = self.with_context(lang=lang).env._(
            "Correction of %(invoice)s: %(line)s",
            invoice=line.move_id.name,
            line=line.name,
        )
        return {
            "product_id": line.product_id.id,
            "name": text,
            "quantity": 1.0,
            "price_unit": float(amount),
            "account_id": line.account_id.id,
            "tax_ids": [Command.set(line.tax_ids.ids)],
            "analytic_distribution": line.analytic_distribution or False,
        }
