# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which decks a customer's calls are priced with.

Its own or that of the company it belongs to; that of its group, or of that company's;
then the default deck of whoever bills. A deck that is archived, or another company's,
is passed over.
"""

_PARTNERS = """
    SELECT partner.id,
           coalesce(partner.metered_deck_id ->> company.id::text,
                    owner.metered_deck_id ->> company.id::text)::int,
           coalesce(partner.metered_group_id ->> company.id::text,
                    owner.metered_group_id ->> company.id::text)::int
      FROM res_partner partner
      JOIN res_partner owner ON owner.id = partner.commercial_partner_id
      JOIN res_company company ON company.id = %s
     WHERE partner.id IN (SELECT partner_id FROM metered_usage WHERE company_id = %s)
"""
_GROUPS = "SELECT id, deck_id FROM metered_customer_group"
_COMPANY = "SELECT metered_deck_id FROM res_company WHERE id = %s"
_DECKS = "SELECT id FROM metered_rate_deck WHERE active AND company_id = %s"


def decks_of_customers(cursor, company):
    """The decks of each customer with usage, in the order in which they are asked.

    :param company: id
    :return: dict partner id -> tuple of deck ids
    """
    cursor.execute(_COMPANY, (company,))
    (default,) = cursor.fetchone()
    cursor.execute(_DECKS, (company,))
    usable = {deck for (deck,) in cursor.fetchall()}
    cursor.execute(_GROUPS)
    deck_of_group = dict(cursor.fetchall())
    cursor.execute(_PARTNERS, (company, company))
    return {
        partner: tuple(
            deck
            for deck in dict.fromkeys((own, deck_of_group.get(group), default))
            if deck in usable
        )
        for partner, own, group in cursor.fetchall()
    }
