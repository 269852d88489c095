# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.tools import SQL

from ...stored.charged_levels import CHARGED
from ...stored.payers import HOUSEHOLD

# Open usage and the day from which on a coming renewal takes it: what
# ``sale.subscription._metered_usage_domain`` says, for all subscriptions at once.
_UNBILLED = """
    WITH RECURSIVE running AS (
        SELECT subscription.id, subscription.company_id, subscription.date_start,
               subscription.recurring_next_date, subscription.is_paused,
               partner.commercial_partner_id AS payer_id
          FROM sale_subscription subscription
          JOIN res_partner partner ON partner.id = subscription.partner_id
         WHERE subscription.in_progress AND subscription.active
    ), metered AS (
        SELECT DISTINCT running.id, running.company_id, running.payer_id,
               template.metered_meter_id AS meter_id
          FROM running
          JOIN sale_subscription_line line ON line.sale_subscription_id = running.id
          JOIN product_product product ON product.id = line.product_id
          JOIN product_template template ON template.id = product.product_tmpl_id
         WHERE template.metered_meter_id IS NOT NULL
    ), %s, sold AS (
        SELECT * FROM metered
        UNION ALL
        SELECT first.id, first.company_id, first.payer_id, charged.meter_id
          FROM (SELECT min(id) AS id, company_id, payer_id FROM running
                 WHERE is_paused IS NOT TRUE
                 GROUP BY company_id, payer_id) first
          JOIN charged USING (company_id, payer_id)
         WHERE NOT EXISTS (SELECT 1 FROM metered line
                            WHERE line.company_id = first.company_id
                              AND line.payer_id = first.payer_id
                              AND line.meter_id = charged.meter_id)
    ), asked AS (
        SELECT DISTINCT company_id, payer_id FROM running
         WHERE recurring_next_date IS NOT NULL
    ), %s, open AS (
        SELECT company_id, partner_id, coalesce(subscription_id, 0) AS named, meter_id
          FROM metered_usage
         WHERE invoice_line_id IS NULL
         GROUP BY 1, 2, 3, 4
    ), taken AS (
        SELECT open.company_id, open.partner_id, open.named, open.meter_id,
               min(coalesce(running.date_start, '-infinity')) AS since
          FROM open
          JOIN household USING (company_id, partner_id)
          JOIN running USING (company_id, payer_id)
         WHERE running.recurring_next_date IS NOT NULL
           AND (open.named = running.id
                OR open.named = 0 AND household.implied AND NOT (
                    EXISTS (SELECT 1 FROM sold other
                             WHERE other.company_id = running.company_id
                               AND other.payer_id = running.payer_id
                               AND other.id != running.id
                               AND other.meter_id = open.meter_id)
                    AND NOT EXISTS (SELECT 1 FROM sold own
                                     WHERE own.id = running.id
                                       AND own.meter_id = open.meter_id)))
         GROUP BY 1, 2, 3, 4
    )
    SELECT usage.id
      FROM metered_usage usage
      JOIN metered_meter meter ON meter.id = usage.meter_id
      LEFT JOIN taken
        ON taken.company_id = usage.company_id
       AND taken.partner_id = usage.partner_id
       AND taken.named = coalesce(usage.subscription_id, 0)
       AND taken.meter_id = usage.meter_id
     WHERE usage.invoice_line_id IS NULL AND usage.waived_period_id IS NULL
       AND (taken.since IS NULL OR usage.day < taken.since)
       AND (meter.is_measured IS NOT TRUE OR EXISTS (
            SELECT 1 FROM (SELECT company_id, payer_id, meter_id FROM charged
                           UNION ALL
                           SELECT company_id, payer_id, meter_id FROM metered) priced
              JOIN res_partner customer ON customer.id = usage.partner_id
             WHERE priced.company_id = usage.company_id
               AND priced.payer_id = customer.commercial_partner_id
               AND priced.meter_id = usage.meter_id))
"""


_READ = (
    *("sale.subscription", "sale.subscription.line", "product.template"),
    *("metered.measured.service", "metered.price", "metered.meter"),
)


class MeteredUsage(models.Model):
    """Open usage that no coming renewal takes.

    It is from before a subscription began, of one that is closed or is another
    customer's by now, of a meter that a later subscription has a line for, or its
    customer has no subscription at all. Levels that are statistics only wait for no
    renewal.
    """

    _inherit = "metered.usage"

    no_renewal = fields.Boolean(
        string="Without Renewal",
        compute="_compute_no_renewal",
        search="_search_no_renewal",
        compute_sudo=True,
        help="Not invoiced, and no active subscription will invoice it on renewal.",
    )

    def _compute_no_renewal(self):
        left = self.search([("id", "in", self.ids), ("no_renewal", "=", True)])
        for usage in self:
            usage.no_renewal = usage in left

    @api.model
    def _search_no_renewal(self, operator, value):
        if operator != "in":
            return NotImplemented
        self.env["res.partner"].flush_model()
        for name in _READ:
            self.env[name].flush_model()
        self.flush_model()
        query = SQL(_UNBILLED, SQL(CHARGED), SQL(HOUSEHOLD))
        domains = [
            [("id", "in" if wanted else "not in", query)] for wanted in set(value)
        ]
        return fields.Domain.OR(domains)

    @api.model
    def _unbilled_money(self, domain, limit):
        """What open usage comes to: calls as rated, meters as of now.

        :param domain: which usage
        :param limit: most (customer, meter) that are priced
        :return: (number of records, dict ``res.currency`` -> float, customers whose
            meters were not priced)
        """
        [[records]] = self._read_group([*domain], [], ["records:sum"])
        if not records:
            return 0, {}, 0
        calls = self._read_group(
            [*domain, ("meter_id.kind", "=", "call")], ["currency_id"], ["amount:sum"]
        )
        money = {currency: amount or 0.0 for currency, amount in calls}
        so_far = self._so_far_of(domain, limit)
        for amount, currency in so_far.amounts.values():
            money[currency] = money.get(currency, 0.0) + float(amount)
        return records, money, so_far.left_out
