# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from ...rating.exact import MICRO
from ...rating.shares import finite_amount, shares
from ...stored.rerate_plans import charges_with_plans
from ..screen.actions import window_action


@dataclass(frozen=True, slots=True)
class Billed:
    """What one invoice bills of a meter in one billing period, and of whom.

    :ivar meter: ``metered.meter``
    :ivar owner: ``sale.subscription`` whose period it is, may be empty
    :ivar partner: ``res.partner``: the commercial entity
    :ivar date_from: first day of the period
    :ivar date_to: first day after it
    :ivar move: the ``account.move``
    """

    meter: models.BaseModel
    owner: models.BaseModel
    partner: models.BaseModel
    date_from: object
    date_to: object
    move: models.BaseModel

    @property
    def period(self):
        """The meter and billing period, whatever bills it."""
        return self.meter, self.owner, self.partner, self.date_from, self.date_to


class MeteredRerate(models.Model):
    """Invoiced usage, rated again: what was charged stays, the difference is billed.

    The calls, their charges and the invoice line remain what they are. What each row
    of usage was charged and would be charged now is a ``metered.rerate.difference``;
    what they add up to goes, line by line of the old invoices and with their accounts
    and taxes, on one credit note or invoice per customer and currency.

    The price of a meter is that of a whole billing period. So the whole period is
    priced again, also where a run is about some of its days, and invoice by invoice,
    as it was billed: each bills the period so far, less what those before it bill.
    What an invoice bills now goes to its rows in the proportions in which they were
    charged.
    """

    _inherit = "metered.rerate"

    reason = fields.Text(
        readonly=True, help="Why invoiced usage is re-rated. Shown on the document."
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
        return self.env["metered.rerate.approve"]._get_records_action(
            name=self.env._("Approve the Difference"),
            target="new",
            context={"default_rerate_id": self.id},
        )

    def _check_approver(self):
        self.check_access("read")
        if not self.env.user.has_group("metered_billing.group_metered_administrator"):
            raise AccessError(
                self.env._(
                    "Only an administrator of Metered Billing can approve changes to "
                    "invoiced usage."
                )
            )

    def _post_differences(self, reason):
        """Bill the differences that the preview showed.

        :param reason: text, for the documents
        """
        self._check_approver()
        if self.scope != "invoiced":
            raise UserError(
                self.env._("This usage is not invoiced. Apply the re-rating instead.")
            )
        if not (reason or "").strip():
            raise UserError(self.env._("Enter why the invoiced usage is re-rated."))
        if not self.line_ids.filtered(lambda line: not line.note):
            raise UserError(self.env._("There is no difference to post."))
        self.sudo().reason = reason.strip()
        return self._apply()

    def action_view_moves(self):
        """Open the credit notes and invoices with the differences."""
        self.ensure_one()
        self.check_access("read")
        moves = self.sudo().difference_ids.move_id
        return window_action(
            self.env,
            "account.action_move_out_invoice",
            [("id", "in", moves.ids)],
            context={"create": False},
        )

    def action_view_differences(self):
        """Open what was and is charged, day by day."""
        self.ensure_one()
        return window_action(
            self.env, "action_metered_rerate_difference", [("rerate_id", "=", self.id)]
        )

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
        charges = list(self._charges(done, priced))
        self._block_credited(charges, blocked)
        values, rows = {}, []
        for sums, before, after, changed in charges:
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

    def _block_credited(self, charges, blocked):
        """Whose usage would be charged less of which some was credited in a dispute.

        How much of the difference the credit note gave back already, the sums of a day
        do not say.

        :param charges: as :meth:`_charges` yields them
        :param dict blocked: partner id -> why not, which is added to
        """
        less = {
            int(sums["usage_id"]): int(sums["partner_id"])
            for sums, before, after, _changed in charges
            if after < before
        }
        lines = self.env["metered.dispute.line"].sudo()._credited_of(list(less))
        for usage_id, of_usage in lines.grouped("usage_id").items():
            blocked[less[usage_id]] = self.env._(
                "%s credits charges that would be lower now. Cancel its credit note, "
                "or credit the difference on the invoice.",
                ", ".join(of_usage.dispute_id.mapped("name")),
            )

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
                    "Some calls would be charged in a different currency."
                )
        for partner_id, number in Counter(
            record.partner_id for record in done.unrated
        ).items():
            blocked[partner_id] = self.env._(
                "Calls without a rate: %s. Add the rate, and preview again.", number
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
                    "Rates, usage or invoices have changed since the preview, so "
                    "nothing more is posted. Start a new re-rating and review it "
                    "again."
                )
            )

    def _differences_of(self, usage_ids):
        """The differences to some usage, that the preview found."""
        return self.env["metered.rerate.difference"].search(
            [("rerate_id", "=", self.id), ("usage_id", "in", list(usage_ids))]
        )

    # === METERS === #

    def _price_again(self, usage, periods):
        """Price the periods again that invoiced usage is of.

        :param usage: ``metered.usage`` of meters, on posted invoices; all of a
            company and its contacts
        :param periods: as :meth:`_periods_of` found them
        :return: (dict ``metered.usage`` row -> (before, after) as Decimals, of all
            rows of the same periods on posted invoices; dict partner id -> why it
            cannot be priced; dict row -> what explains its price now, see
            ``metered_pricing`` of invoice lines)
        """
        every = usage.union(*periods.values())
        before = self._charged(every)
        after, problems, pricings = dict(before), {}, {}
        # What else is on invoices of these periods has to be known, in its turn.
        own = {
            billed: rows
            for billed, rows in every.grouped(self._billed_as).items()
            if billed.period in periods and billed.move.state == "posted"
        }
        for billed in sorted(own, key=lambda some: (some.move.id, some.meter.id)):
            rows = own[billed]
            earlier = periods[billed.period].filtered(
                lambda row, move=billed.move: row.invoice_id.id < move.id
            )
            try:
                found = self._priced_now(billed, rows, earlier)
            except UserError as error:
                problems.update((partner.id, str(error)) for partner in rows.partner_id)
                continue
            due = found.priced.due(
                sum(Fraction(after[row]) for row in earlier),
                is_rounded=billed.move.currency_id == found.currency,
            )
            after.update(_given(finite_amount(due), rows, before, billed.meter))
            pricings.update(dict.fromkeys(rows, rows._pricing(found)))
        told = {row: (before[row], after[row]) for row in usage.union(*own.values())}
        return told, problems, pricings

    def _periods_of(self, usage):
        """All usage on invoices of the meters and periods of some.

        :return: dict ``Billed.period`` -> ``metered.usage``
        """
        found = {}
        for billed in {self._billed_as(row) for row in usage}:
            if billed.period not in found:
                found[billed.period] = usage._billed_usage(
                    billed.meter,
                    billed.owner,
                    billed.owner.partner_id or billed.partner,
                    self.company_id,
                    billed.date_from,
                    billed.date_to,
                )
        return found

    @api.model
    def _billed_as(self, row):
        """What a row of invoiced usage was billed with.

        :return: :class:`Billed`
        """
        line = row.invoice_line_id
        return Billed(
            meter=row.meter_id,
            owner=line.metered_subscription_id,
            partner=line.metered_subscription_id.partner_id.commercial_partner_id
            or row.partner_id.commercial_partner_id,
            date_from=line.metered_date_from,
            date_to=line.metered_date_to,
            move=line.move_id,
        )

    def _charged(self, usage):
        """What usage was charged, with the differences that were billed since.

        :return: dict ``metered.usage`` row -> Decimal
        """
        self.env.cr.execute(
            "SELECT id, amount::text FROM metered_usage WHERE id = ANY(%s)",
            (usage.ids,),
        )
        amounts = {key: Decimal(text) for key, text in self.env.cr.fetchall()}
        since = self.env["metered.rerate.difference"]._billed_of(usage)
        return {row: amounts[row.id] + since.get(row.id, Decimal()) for row in usage}

    def _priced_now(self, billed, rows, earlier):
        """The price of a period as far as an invoice has billed it.

        :param rows: ``metered.usage`` that is billed by it
        :param earlier: what earlier invoices bill of the period
        :return: ``PricedMeter``
        :raises UserError: saying why there is no price
        """
        Usage = self.env["metered.usage"]
        found = Usage._find_price(
            billed.meter,
            billed.owner,
            billed.owner.partner_id or billed.partner,
            self.company_id,
            billed.date_from,
            billed.date_to,
            rows,
            product=rows.invoice_line_id.product_id[:1],
        )
        if (rows | earlier).currency_id - found.currency:
            raise UserError(
                self.env._(
                    "%(meter)s would be charged in a different currency: %(currency)s.",
                    meter=billed.meter.name,
                    currency=found.currency.name,
                )
            )
        Usage._price_found(found, billed.partner, earlier | rows)
        return found


def _given(due, rows, before, meter):
    """What is due of rows of usage, shared out as it was.

    :param due: Fraction with an end
    :param before: dict row -> Decimal
    :return: dict row -> Decimal; nothing is changed where the sum is what it was
    """
    charged = [Fraction(before[row]) for row in rows]
    if due == sum(charged):
        return {row: before[row] for row in rows}
    given = {row: Decimal() for row in rows}
    is_shared = sum(charged) and min(charged) >= 0
    if is_shared or not rows.filtered("records"):
        weights = charged if is_shared else [Fraction(1)] * len(rows)
    else:
        # Nothing was charged: it is shared out as on a new invoice.
        rows, weights = rows.filtered("records")._weights(meter)
    return given | dict(zip(rows, shares(due, weights), strict=True))
