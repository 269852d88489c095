# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Who pays for whose usage: the statements that say it, for invoices and for plans."""

from dataclasses import dataclass

#: whether a commercial entity has a running subscription of its own in a company
HAS_SUBSCRIPTION = """
    EXISTS (SELECT 1
              FROM sale_subscription own
              JOIN res_partner holder ON holder.id = own.partner_id
             WHERE holder.commercial_partner_id = {owner}
               AND own.company_id = {company}
               AND own.in_progress AND own.active)
"""

# Whom the subscriptions of a customer may bill, in one company: all of its contacts and
# of the companies below it. They are billed by themselves ("implied") down to a company
# that has a running subscription of its own, or whose parent does not bill it.
# It reads asked(company_id, payer_id); archived contacts are among them.
HOUSEHOLD = f"""
    household AS (
        SELECT asked.company_id, asked.payer_id, partner.id AS partner_id,
               asked.payer_id AS owner_id, TRUE AS implied
          FROM asked
          JOIN res_partner partner ON partner.commercial_partner_id = asked.payer_id
         UNION ALL
        SELECT household.company_id, household.payer_id, member.id, child.id,
               household.implied
               AND above.metered_bills_children IS NOT FALSE
               AND NOT {
    HAS_SUBSCRIPTION.format(owner="child.id", company="household.company_id")
}
          FROM household
          JOIN res_partner child ON child.parent_id = household.partner_id
                                AND child.commercial_partner_id = child.id
          JOIN res_partner above ON above.id = household.owner_id
          JOIN res_partner member ON member.commercial_partner_id = child.id
    )
"""
_HOUSEHOLDS = f"""
    WITH RECURSIVE asked (company_id, payer_id) AS (
        SELECT %s, payer_id FROM unnest(%s::int[]) AS payer_id
    ), {HOUSEHOLD}
    SELECT payer_id,
           array_agg(partner_id ORDER BY partner_id) FILTER (WHERE implied),
           array_agg(partner_id ORDER BY partner_id)
      FROM household
     GROUP BY payer_id
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
_PARENTS = """
    WITH RECURSIVE up AS (
        SELECT id AS owner_id, id, parent_id, 0 AS depth
          FROM res_partner WHERE id = ANY(%s)
         UNION ALL
        SELECT up.owner_id, partner.id, partner.parent_id, up.depth + 1
          FROM up JOIN res_partner partner ON partner.id = up.parent_id
    )
    SELECT owner_id, array_agg(id ORDER BY depth) FROM up GROUP BY owner_id
"""
_CHILDREN = """
    WITH RECURSIVE down AS (
        SELECT id FROM res_partner WHERE id = ANY(%s)
         UNION
        SELECT partner.id
          FROM down JOIN res_partner partner ON partner.parent_id = down.id
    )
    SELECT id FROM down ORDER BY id
"""


@dataclass(frozen=True)
class Household:
    """Whom the subscriptions of a customer bill.

    :ivar implied: ids of partners whose usage they bill
    :ivar named: ids of partners, these among them, whose usage they bill where an
        identifier names the subscription
    """

    implied: tuple = ()
    named: tuple = ()


def payers_of(cr, company_id, owner_ids):
    """The commercial entities whose subscriptions bill the usage of these.

    :param owner_ids: ids of commercial entities
    :return: dict id -> id, its own where nobody has a subscription
    """
    owners = list(owner_ids)
    cr.execute(_PAYERS, {"owners": owners, "company": company_id})
    return {**dict(zip(owners, owners, strict=True)), **dict(cr.fetchall())}


def households_of(cr, company_id, owner_ids):
    """Whom the subscriptions of commercial entities bill.

    :return: dict id -> :class:`Household`
    """
    owners = list(owner_ids)
    cr.execute(_HOUSEHOLDS, (company_id, owners))
    found = {
        key: Household(tuple(im or ()), tuple(na)) for key, im, na in cr.fetchall()
    }
    return {key: found.get(key, Household()) for key in owners}


def with_parents(cr, partner_ids):
    """Partners with their parents, the nearest first.

    :return: dict partner id -> tuple of ids, itself first
    """
    cr.execute(_PARENTS, (list(partner_ids),))
    return {owner_id: tuple(ids) for owner_id, ids in cr.fetchall()}


def with_contacts(cr, owner_id):
    """Ids of a commercial entity and of its contacts, archived ones included."""
    cr.execute(
        "SELECT id FROM res_partner WHERE commercial_partner_id = %s ORDER BY id",
        (owner_id,),
    )
    return [number for (number,) in cr.fetchall()]


def with_children(cr, partner_ids):
    """Ids of partners and of all below them, archived ones included."""
    cr.execute(_CHILDREN, (list(partner_ids),))
    return [number for (number,) in cr.fetchall()]
