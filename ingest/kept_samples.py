# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Samples that were thinned: packed by day, known again, and never billed twice.

Of each the time, the level and the rank among those of its instant stay, so that all
that a price can depend on comes out as before. What it is known by stays as well: 64
bits of its id, of its fingerprint and of what was sent. What goes is the rest of the
record.
"""

from .frames import copy_out

#: 64 bits of a text
DIGEST = "('x' || left(md5({}), 16))::bit(64)::bigint"

#: stands for what was sent, where only its digest is known, and is another one
OTHER = "-"

_NEWEST = """
    SELECT floor(extract(epoch FROM max(last_time)))::bigint
      FROM metered_level_kept WHERE source_id = %s
"""
_OF_KEYS = f"""
      FROM (SELECT *, {DIGEST.format("call_id")} AS key FROM new OFFSET 0) new
      JOIN metered_level_kept packed
        ON packed.source_id = %(source)s AND packed.kept_key && ARRAY[new.key]
     CROSS JOIN LATERAL (
           SELECT * FROM unnest(packed.kept_key, packed.kept_time,
                                packed.kept_quantity, packed.kept_content)
               AS kept (key, start_time, quantity, content)
            WHERE kept.key = new.key) kept
"""
_KNOWN = f"""
    WITH new AS (SELECT call_id FROM unnest(%(ids)s::text[]) AS call_id)
    SELECT new.call_id, floor(extract(epoch FROM kept.start_time))::bigint,
           trim_scale(kept.quantity)::text, NULL, NULL, NULL
    {_OF_KEYS}
"""  # noqa: S608 - ours
_PRINTS = f"""
    SELECT new.fingerprint, FALSE, TRUE, array_agg(usage.partner_id)
      FROM (SELECT fingerprint, {DIGEST.format("fingerprint")} AS print
              FROM unnest(%(prints)s::text[]) AS fingerprint OFFSET 0) new
      JOIN metered_level_kept packed
        ON packed.source_id = %(source)s AND packed.kept_print && ARRAY[new.print]
      JOIN metered_usage usage ON usage.id = packed.usage_id
     GROUP BY new.fingerprint
"""  # noqa: S608 - ours
_EVENTS = f"""
    WITH new AS (SELECT * FROM unnest(%(ids)s::text[], %(contents)s::text[])
                     AS new (call_id, content))
    SELECT new.call_id,
           CASE WHEN coalesce(kept.content, 0) = 0
                  OR kept.content = {DIGEST.format("new.content")}
                THEN new.content ELSE '{OTHER}' END
    {_OF_KEYS}
"""  # noqa: S608 - ours


def newest_kept(cr, source_id):
    """The epoch second of the newest sample of a source that was thinned, or None.

    What is newer is none of these: its id is not looked for.
    """
    cr.execute(_NEWEST, (source_id,))
    return cr.fetchone()[0]


def known_samples(cr, source_id, ids, types):
    """Thinned samples with these ids, with what is left of them to compare.

    :param ids: list of texts
    :param types: dict of pyarrow types, as ``known`` reads stored records
    :return: pyarrow table
    """
    values = {"ids": list(ids), "source": source_id}
    return copy_out(cr, _KNOWN, values, types)


def known_prints(cr, source_id, prints):
    """Thinned samples with these fingerprints.

    :return: list of (fingerprint, whether it is of this import, whether it is of
        another one, ids of customers)
    """
    cr.execute(_PRINTS, {"prints": list(prints), "source": source_id})
    return cr.fetchall()


def known_events(cr, source_id, ids, contents):
    """Thinned events with these ids: list of (id, digest of what was sent).

    :param contents: digests of the new ones: where the known one said the same, it is
        this, otherwise :data:`OTHER`
    """
    cr.execute(_EVENTS, {"ids": ids, "contents": contents, "source": source_id})
    return cr.fetchall()


def is_kept(cr, source_id, call_id):
    """Whether a sample with this id was thinned."""
    return bool(known_events(cr, source_id, [call_id], [""]))
