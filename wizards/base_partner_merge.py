# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ingest.marks import mark_usage, note_change
from ..models.guard.metered_guarded import MODULE


class BasePartnerMerge(models.TransientModel):
    """Customers that become one: with their usage, and within one company's books."""

    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Hand usage and call details over as well.

        Their columns have no foreign key in the database (see ``UncheckedMany2one``),
        which is what the merge goes by.
        """
        self._check_metered_companies(src_partners, dst_partner)
        self._fold_what_if_lines(src_partners, dst_partner)
        self._make_way(src_partners, dst_partner)
        # Who pays for usage need not be who had it.
        moves = self.env["account.move"].sudo()
        moves.search(
            [("partner_id", "in", src_partners.ids), ("state", "=", "posted")]
        )._metered_note_seals("merged")
        result = super()._update_foreign_keys(src_partners, dst_partner)
        self.env["metered.usage"].flush_model()
        values = {"src": src_partners.ids, "dst": dst_partner.id}
        self.env.cr.execute(
            "SELECT id FROM metered_usage WHERE partner_id = ANY(%(src)s)", values
        )
        usage_ids = [usage_id for (usage_id,) in self.env.cr.fetchall()]
        note_change(self.env.cr, usage_ids, "merged", dst_partner.display_name)
        # The call details first, which are found by their usage.
        self.env.cr.execute(
            "UPDATE metered_cdr SET partner_id = %(dst)s"
            " WHERE partner_id = ANY(%(src)s) AND (usage_id IS NULL OR usage_id = ANY("
            "ARRAY(SELECT id FROM metered_usage WHERE partner_id = ANY(%(src)s))))",
            values,
        )
        # Two rows of one day may meet: only the one of the customer that stays
        # collects.
        self.env.cr.execute(
            "UPDATE metered_usage SET partner_id = %(dst)s, collecting = FALSE"
            " WHERE partner_id = ANY(%(src)s)",
            values,
        )
        for table in ("metered_allowance_balance", "metered_plan_mark"):
            self.env.cr.execute(
                f"UPDATE {table} SET partner_id = %(dst)s"  # noqa: S608 - our tables
                " WHERE partner_id = ANY(%(src)s)",
                values,
            )
        self.env.invalidate_all()
        self._apply_plans_of(dst_partner)
        return result

    def _make_way(self, src_partners, dst_partner):
        """Leave one of what a customer can have once: the one of whom stays.

        Odoo renames the rows of a table together, and where one of them would be the
        second it deletes them all.
        """
        self.env.flush_all()
        values = {"src": src_partners.ids, "dst": dst_partner.id}
        for table, also in (
            ("metered_measured_service", "other.meter_id = own.meter_id"),
            ("metered_fraud_limit", "TRUE"),
        ):
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE %(table)s own SET active = FALSE
                     WHERE own.active AND own.partner_id = ANY(%(src)s) AND EXISTS (
                           SELECT FROM %(table)s other
                            WHERE other.active AND other.company_id = own.company_id
                              AND %(also)s
                              AND (other.partner_id = %(dst)s
                                   OR (other.partner_id = ANY(%(src)s)
                                       AND other.id < own.id)))
                    """,
                    table=SQL.identifier(table),
                    also=SQL(also),
                    **values,
                )
            )
        # Without one, the customer's files would open for anyone.
        self.env.cr.execute(
            """
            DELETE FROM metered_statement_password own
             WHERE own.partner_id = ANY(%(src)s) AND EXISTS (
                   SELECT FROM metered_statement_password other
                    WHERE other.partner_id = %(dst)s
                       OR (other.partner_id = ANY(%(src)s) AND other.id > own.id))
            """,
            values,
        )
        # Each statement stays, and one of a period is the current one.
        self.env.cr.execute(
            """
            UPDATE metered_statement own SET is_current = FALSE
             WHERE own.is_current AND own.scope = 'period'
               AND own.partner_id = ANY(%(src)s) AND EXISTS (
                   SELECT FROM metered_statement other
                    WHERE other.is_current AND other.scope = 'period'
                      AND other.company_id = own.company_id
                      AND other.currency_id = own.currency_id
                      AND other.date_from = own.date_from
                      AND other.date_to = own.date_to
                      AND (other.partner_id = %(dst)s
                           OR (other.partner_id = ANY(%(src)s) AND other.id < own.id)))
            """,
            values,
        )
        # Open alarms become one. What is usual is learned again, from days that are
        # summed again as those of one customer.
        self.env.cr.execute(
            """
            WITH folded AS (
                SELECT coalesce(min(id) FILTER (WHERE partner_id = %(dst)s), min(id))
                           AS kept,
                       array_agg(id) AS ids, sum(calls) AS calls,
                       sum(charge) AS charge, min(first_call) AS first_call,
                       max(last_call) AS last_call
                  FROM metered_fraud_alarm
                 WHERE state = 'open'
                   AND (partner_id = %(dst)s OR partner_id = ANY(%(src)s))
                 GROUP BY company_id HAVING count(*) > 1
            ), gone AS (
                DELETE FROM metered_fraud_alarm alarm USING folded
                 WHERE alarm.id = ANY(folded.ids) AND alarm.id != folded.kept
            )
            UPDATE metered_fraud_alarm alarm
               SET calls = folded.calls, charge = folded.charge,
                   first_call = folded.first_call, last_call = folded.last_call
              FROM folded WHERE alarm.id = folded.kept;
            DELETE FROM metered_fraud_profile WHERE partner_id = ANY(%(src)s);
            UPDATE metered_fraud_wait SET partner_id = %(dst)s
             WHERE partner_id = ANY(%(src)s);
            WITH gone AS (
                DELETE FROM metered_fraud_day WHERE partner_id = ANY(%(src)s)
             RETURNING company_id, day
            )
            INSERT INTO metered_fraud_mark (company_id, day_from, day_to)
            SELECT company_id, min(day), max(day) FROM gone GROUP BY company_id
            """,
            values,
        )
        self.env.invalidate_all(flush=False)

    def _apply_plans_of(self, partner):
        """Have the plans applied anew: what came over may take from them now."""
        usage = self.env["metered.usage"].sudo()
        usage = usage.search(
            [("partner_id", "=", partner.id), ("invoice_line_id", "=", False)]
        )
        mark_usage(self.env.cr, usage.ids)

    def _check_metered_companies(self, src_partners, dst_partner):
        """Refuse to hand over what belongs to a company that is not the user's.

        A contact may be everybody's, and yet the customer of one company, whose usage,
        numbers and subscriptions go with it.

        :raises UserError: naming the companies
        """
        companies = self._metered_companies(src_partners)
        others = companies - self.env.user.company_ids
        if others and not self.env.su:
            raise UserError(
                self.env._(
                    "You cannot merge %(customers)s here: usage, numbers or "
                    "subscriptions of %(companies)s would change owners. Ask someone "
                    "with access to that company to merge them.",
                    customers=", ".join(src_partners.mapped("display_name")),
                    companies=", ".join(others.mapped("name")),
                )
            )
        owner = dst_partner.sudo().company_id
        if owner and companies - owner:
            raise UserError(
                self.env._(
                    "%(kept)s belongs to %(owner)s, but %(customers)s has usage, "
                    "numbers or subscriptions in %(companies)s. Keep a contact that "
                    "is shared by all companies.",
                    kept=dst_partner.display_name,
                    owner=owner.name,
                    customers=", ".join(src_partners.mapped("display_name")),
                    companies=", ".join((companies - owner).mapped("name")),
                )
            )

    def _metered_companies(self, partners):
        """The companies that have anything of this module, or sell, to customers.

        :return: ``res.company`` with all rights
        """
        companies = self.env["res.company"].sudo()
        for name, model in self.env.registry.items():
            if model._abstract or model._transient or not model._auto:
                continue
            if model._original_module != MODULE and name != "sale.subscription":
                continue
            company = model._fields.get("company_id")
            if company is None or not company.store or name == "metered.cdr":
                # Of calls the usage tells: there is no index on their customer.
                continue
            records = self.env[name].sudo().with_context(active_test=False)
            for field in model._fields.values():
                if (
                    field.type == "many2one"
                    and field.comodel_name == "res.partner"
                    and field.store
                ):
                    companies |= companies.union(
                        *(
                            found
                            for (found,) in records._read_group(
                                [(field.name, "in", partners.ids)], ["company_id"]
                            )
                        )
                    )
        return companies

    def _fold_what_if_lines(self, src_partners, dst_partner):
        """Make one line of a run's lines that would be of one customer then.

        Odoo renames them all at once, and these may be there once only.
        """
        lines = self.env["metered.simulation.line"]
        lines.flush_model()
        numbers = [
            field.name
            for field in lines._fields.values()
            if field.store and field.type in ("integer", "float") and field.name != "id"
        ]
        sums = SQL(", ").join(
            SQL("sum(%s) AS %s", SQL.identifier(name), SQL.identifier(name))
            for name in numbers
        )
        values = SQL(", ").join(
            SQL("%s = folded.%s", SQL.identifier(name), SQL.identifier(name))
            for name in numbers
        )
        self.env.cr.execute(
            SQL(
                """
                WITH folded AS (
                    SELECT min(id) AS kept, array_agg(id) AS ids, %s
                      FROM metered_simulation_line
                     WHERE partner_id = ANY(%s)
                     GROUP BY simulation_id, meter_id, coalesce(destination_id, 0),
                              currency_id
                    HAVING count(*) > 1
                ), gone AS (
                    DELETE FROM metered_simulation_line line
                     USING folded
                     WHERE line.id = ANY(folded.ids) AND line.id != folded.kept
                )
                UPDATE metered_simulation_line line
                   SET %s
                  FROM folded
                 WHERE line.id = folded.kept
                """,
                sums,
                [*src_partners.ids, dst_partner.id],
                values,
            )
        )
