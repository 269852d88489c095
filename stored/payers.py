# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who pays for whose usage: the statements that say it, for invoices and for plans."""

#: whether a commercial entity has a running subscription of its own in a company
HAS_SUBSCRIPTION = """
    EXISTS (SELECT 1
              FROM sale_subscription own
              JOIN res_partner holder ON holder.id = own.partner_id
             WHERE holder.commercial_partner_id = {owner}
               AND own.company_id = {company}
               AND own.in_progress AND own.active)
"""

# Looked at from below: up to the first that has a subscription.
_PAYERS = f"""
    WITH RECURSIVE climbing AS (
        SELECT owner_id, owner_id AS payer_id
          FROM unnest(%(owners)s::int[]) AS owner_id
         UNION ALL
        SELECT climbing.owner_id, above.commercial_partner_id
          FROM climbing
          JOIN res_partner payer ON payer.id = climbing.payer_id
          JOIN res_partner parent ON parent.id = payer.parent_id
          JOIN res_partner above ON above.id = parent.commercial_partner_id
         WHERE above.metered_bills_children IS NOT FALSE
           AND NOT {HAS_SUBSCRIPTION.format(owner="payer.id", company="%(company)s")}
    )
    SELECT owner_id, payer_id
      FROM climbing
     WHERE {HAS_SUBSCRIPTION.format(owner="payer_id", company="%(company)s")}
"""


def payers_of(cr, company_id, owner_ids):
    """The commercial entities whose subscriptions bill the usage of these.

    :param owner_ids: ids of commercial entities
    :return: dict id -> id, its own where nobody has a subscription
    """
    owners = list(owner_ids)
    cr.execute(_PAYERS, {"owners": owners, "company": company_id})
    return {**dict(zip(owners, owners, strict=True)), **dict(cr.fetchall())}
