# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Finding records by what they belong to.

Records are indexed by their usage, which is much cheaper than by customer and time:
new usage is numbered in order, so that what an import stores lies side by side in that
index, where a customer's records are spread all over the other. A customer's records
are those of its usage; the few without usage, which are not charged, have an index of
customer and time to themselves.
"""

#: records (`cdr`) of usage `wanted.id`, for the FROM of a query. By the index, usage by
#: usage: right after a large import the planner would guess how many there are
_WANTED = """
    LATERAL (SELECT * FROM metered_cdr WHERE usage_id = wanted.id OFFSET 0) cdr
"""

#: records (`cdr`) of the usage in the array `%(usage)s`, for the FROM of a query
USAGE_CDRS = f"unnest(%(usage)s::int[]) AS wanted (id) CROSS JOIN {_WANTED}"

#: The same of meters, with the samples that were thinned: they count as before, and
#: have of their record what a price can depend on.
USAGE_SAMPLES = """
    unnest(%(usage)s::int[]) AS wanted (id) CROSS JOIN LATERAL (
        SELECT id, usage_id, partner_id, start_time, quantity, properties
          FROM metered_cdr WHERE usage_id = wanted.id
         UNION ALL
        SELECT kept.cdr_id, packed.usage_id, usage.partner_id, kept.start_time,
               kept.quantity,
               jsonb_build_object(packed.level_property, packed.level_of)
          FROM metered_level_kept packed
          JOIN metered_usage usage ON usage.id = packed.usage_id
         CROSS JOIN unnest(packed.kept_id, packed.kept_time, packed.kept_quantity)
               AS kept (cdr_id, start_time, quantity)
         WHERE packed.usage_id = wanted.id
        OFFSET 0) cdr
"""

#: the newest `%(most)s` records (`cdr`) of a customer `contact.id`, for the FROM of a
#: query: usage is read from its last day on, until it has as many records
NEWEST_OF_CONTACT = f"""
    LATERAL (
        (SELECT cdr.*
           FROM (SELECT id, sum(records) OVER (ORDER BY day DESC, id) - records AS newer
                   FROM metered_usage WHERE partner_id = contact.id) wanted
          CROSS JOIN {_WANTED}
          WHERE wanted.newer < %(most)s
          ORDER BY cdr.start_time DESC LIMIT %(most)s)
        UNION ALL
        (SELECT * FROM metered_cdr
          WHERE usage_id IS NULL AND partner_id = contact.id
          ORDER BY start_time DESC LIMIT %(most)s)
        ORDER BY start_time DESC LIMIT %(most)s
    ) cdr
"""
