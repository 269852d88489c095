# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Events that are pushed: put into the inbox, each once, and known again.

An event is told by its key. One that says the same as the one with its key is a
duplicate; one that says something else a conflict: it goes into the inbox beside the
other one, and becomes an exception there. Where it is not known any more what the other
one said in full, the pipeline compares their facts. The transaction must be READ
COMMITTED: what another one stores at the same moment is waited for, and seen.
"""

import json

from ..connectors.events.cloud_event import CONTENT
from .kept_samples import known_events, newest_kept
from .same_records import MARK

ACCEPTED, DUPLICATE, CONFLICT = "accepted", "duplicate", "conflict"
#: seconds that an event waits for whoever stores the one with its key
LOCK_WAIT = "10s"
#: numbers of the inbox's sequence between its oldest and its newest record, from which
#: on it is counted, and records from which on nothing more is taken
MOST_WAITING = 5_000_000

# In the order of the keys: of two that store the same events none waits for the other.
_INSERT = """
    INSERT INTO metered_inbox (source_id, event_key, content, record)
    SELECT %s, new.event_key, new.content, new.record
      FROM unnest(%s::text[], %s::text[], %s::text[])
        AS new (event_key, content, record)
     ORDER BY new.event_key
        ON CONFLICT (source_id, event_key) WHERE event_key IS NOT NULL DO NOTHING
 RETURNING event_key
"""
_WAITING = """
    SELECT event_key, content FROM metered_inbox
     WHERE source_id = %s AND event_key = ANY(%s::text[])
"""
_STORED = """
    SELECT known.call_id, known.content
      FROM metered_cdr known JOIN unnest(%s::text[]) AS new (call_id) USING (call_id)
     WHERE known.source_id = %s
"""
_EXCEPTIONS = """
    SELECT known.call_id, coalesce(known.original, known.raw)
      FROM metered_exception known
      JOIN unnest(%s::text[]) AS new (call_id) USING (call_id)
     WHERE known.source_id = %s
"""
_REMOVE = """
    DELETE FROM metered_inbox WHERE source_id = %s AND event_key = ANY(%s::text[])
"""


def store_events(cr, source_id, events):
    """Put events into the inbox of a source.

    :param cr: cursor of a READ COMMITTED transaction; the caller commits
    :param events: list of ``connectors.events.cloud_event.Event``
    :return: list of ``accepted``, ``duplicate`` or ``conflict``, one for each
    """
    first = {}
    for event in events:
        first.setdefault(event.key, event)
    cr.execute("SET LOCAL lock_timeout = %s", (LOCK_WAIT,))
    new = _insert(cr, source_id, first.items())
    known = _known(cr, source_id, first, new)
    repeated = [key for key in known if key in new]
    if repeated:
        cr.execute(_REMOVE, (source_id, text_array(repeated)))
    outcomes, others = [], {}
    seen = set()
    for event in events:
        content = known.get(event.key)
        if event.key not in known:
            # Of this request, unless it is the first one with its key.
            content = first[event.key].content if event.key in seen else None
        seen.add(event.key)
        if content is None:
            outcomes.append(ACCEPTED)
        elif content == event.content:
            outcomes.append(DUPLICATE)
        else:
            outcomes.append(CONFLICT if content else ACCEPTED)
            others[f"{event.key}{MARK}{event.content}"] = event
    if others:
        _insert(cr, source_id, others.items())
    return outcomes


def plain_key(key, content):
    """The key of an event that waits, also of one in conflict with another.

    :param key, content: as the inbox has them
    """
    return key.removesuffix(f"{MARK}{content}")


def _insert(cr, source_id, items):
    """Store events under these keys; the set of those that were not there."""
    if not items:
        return set()
    keys, events = zip(*items, strict=True)
    cr.execute(
        _INSERT,
        (
            source_id,
            text_array(keys),
            text_array([event.content for event in events]),
            text_array([event.record for event in events]),
        ),
    )
    return {key for (key,) in cr.fetchall()}


def _known(cr, source_id, first, new):
    """What is known of some keys: dict key -> digest of its content.

    The inbox first: what leaves it meanwhile is stored, and seen afterwards.
    """
    keys = text_array(first)
    known = {}
    if len(new) < len(first):
        old = [key for key in first if key not in new]
        cr.execute(_WAITING, (source_id, text_array(old)))
        known.update(cr.fetchall())
    cr.execute(_STORED, (keys, source_id))
    known.update((key, content or "") for key, content in cr.fetchall())
    if newest_kept(cr, source_id) is not None:
        contents = [event.content for event in first.values()]
        known.update(known_events(cr, source_id, list(first), contents))
    cr.execute(_EXCEPTIONS, (keys, source_id))
    for key, raw in cr.fetchall():
        known.setdefault(key, _content_of(raw))
    return known


def _content_of(raw):
    """The digest in the text of an exception; "" where it has none."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return ""
    return record.get(CONTENT, "") if isinstance(record, dict) else ""


def is_full(cr):
    """Whether so much waits that nothing more should come in.

    Almost always the ends of an index tell that it is not.
    """
    cr.execute("SELECT max(id) - min(id) FROM metered_inbox")
    [span] = cr.fetchone()
    if not span or span < MOST_WAITING:
        return False
    cr.execute(
        "SELECT count(*) FROM (SELECT FROM metered_inbox LIMIT %s) AS some",
        (MOST_WAITING,),
    )
    return cr.fetchone()[0] >= MOST_WAITING


def text_array(texts):
    """Texts as one literal of an array, which takes a fraction of the time of many.

    :param texts: iterable of texts without NUL
    :return: text; to be cast to ``text[]``
    """
    quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in texts)
    return '{"' + '","'.join(quoted) + '"}' if texts else "{}"
