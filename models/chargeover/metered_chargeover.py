# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ...connectors.chargeover.usage import (
    AGGREGATIONS,
    KEPT,
    NAMED,
    Unusable,
)
from ...connectors.events.cloud_event import event_key
from ...ingest.joined import joined
from ...ingest.load import company_zone, customer_zone
from ...ingest.load_lines import line_keys

#: of one answer
MOST_ROWS = 1_000
_MOST_DIGITS = 9
_TYPE_OF = {aggregation: kind for kind, aggregation in AGGREGATIONS.items()}
#: Records that were sent: those that wait, those that are stored, and exceptions; not
#: those that were refused, because another one had their key. Of one key there is one.
_SENT = """
    WITH stored AS (%(stored)s),
    waiting AS (
        SELECT source_id, event_key AS key, record::jsonb ->> 'properties' AS said
          FROM metered_inbox
         WHERE source_id = ANY(%(sources)s) AND event_key IS NOT NULL
           AND right(event_key, length(content) + 1) != '#' || content
           AND (%(key)s IS NULL OR event_key = %(key)s)
           AND (%(line)s IS NULL OR record::jsonb ->> 'line_item_id' = %(line)s)),
    exceptions AS (
        SELECT source_id, call_id AS key, raw::jsonb ->> 'properties' AS said
          FROM metered_exception
         WHERE source_id = ANY(%(sources)s) AND state = 'open' AND readable
           AND reason != 'same_id'
           AND (%(key)s IS NULL OR call_id = %(key)s)
           AND (%(line)s IS NULL OR raw::jsonb ->> 'line_item_id' = %(line)s)),
    unstored AS (
        SELECT * FROM waiting
         UNION ALL
        SELECT * FROM exceptions
         WHERE (source_id, key) NOT IN (SELECT source_id, key FROM waiting)),
    sent AS (
        SELECT key, said FROM stored
         UNION ALL
        SELECT key, said::jsonb FROM unstored
         WHERE NOT EXISTS (
               SELECT FROM metered_cdr cdr
                WHERE cdr.source_id = unstored.source_id
                  AND cdr.call_id = unstored.key)),
    told AS (
        SELECT key, said, %(number)s AS number,
               coalesce(said ->> 'from', '') COLLATE "C" AS "from",
               coalesce(said ->> 'to', '') COLLATE "C" AS "to"
          FROM sent)
    SELECT number, said::text FROM told
     WHERE (%(line)s IS NULL OR said ->> 'line_item_id' = %(line)s)
       AND (%(begin)s IS NULL
            OR replace(coalesce(nullif("from", ''), "to"), 'T', ' ') >= %(begin)s)
       AND (%(end)s IS NULL
            OR replace(coalesce(nullif("to", ''), "from"), 'T', ' ') <= %(end)s)
     ORDER BY "from", number, key
     LIMIT %(limit)s OFFSET %(offset)s
"""
#: as ``usage_number`` has it
_NUMBER = """
    ('x' || lpad(left(encode(sha256(convert_to(key, 'UTF8')), 'hex'), 13), 16, '0')
    )::bit(64)::bigint
"""
_STORED_BY_KEY = """
    SELECT call_id AS key, properties AS said FROM metered_cdr
      JOIN unnest(%s) AS source (source_id) USING (source_id)
     WHERE call_id = %s
"""
_STORED_BY_LINE = """
    SELECT cdr.call_id AS key, cdr.properties AS said
      FROM metered_usage usage
      JOIN metered_cdr cdr ON cdr.usage_id = usage.id
     WHERE usage.subscription_id = %s AND usage.meter_id = %s AND usage.day >= %s
       AND cdr.source_id = ANY(%s) AND cdr.properties ->> 'line_item_id' = %s
"""
_NOT_STORED = "SELECT NULL::text AS key, NULL::jsonb AS said WHERE FALSE"
#: days by which a record's own day may be another one than that of its text
_ZONES = timedelta(days=2)
_FIRST_DAY = date(1970, 1, 3)


class MeteredChargeOver(models.AbstractModel):
    """What programs written for ChargeOver's API are told: plain values, no record."""

    _name = "metered.chargeover"
    _description = "ChargeOver API Data"

    # === LINES === #

    @api.model
    def _lines(self, company, all_fields):
        """The lines that some records name.

        :param company: ``res.company``
        :param all_fields: list of dicts of ``connectors.chargeover.usage``
        :return: list, for each: ``sale.subscription.line`` with all rights, or
            ``Unusable``
        """
        lines = self.env["sale.subscription.line"].sudo()
        lines = lines._metered_lines_of(company, self._meant(all_fields))
        found = {}
        for line in lines:
            for target, some in line_keys(line).items():
                for key in some:
                    found.setdefault((target, key), []).append(line)
        return [self._line(found, fields) for fields in all_fields]

    @api.model
    def _meant(self, all_fields):
        """Which lines some records can mean: a domain."""

        def values(name):
            return list({fields[name] for fields in all_fields if fields.get(name)})

        ids = [int(text) for text in values("line_item_id") if _is_id(text)]
        customers, items = map(values, NAMED)
        subscription = "sale_subscription_id.partner_id"
        by_names = Domain("product_id.default_code", "in", items) & (
            Domain(f"{subscription}.ref", "in", customers)
            | Domain(f"{subscription}.commercial_partner_id.ref", "in", customers)
        )
        by_key = Domain("metered_external_key", "in", values("line_item_external_key"))
        return list(Domain("id", "in", ids) | by_key | by_names)

    @api.model
    def _line(self, found, fields):
        names = [
            ("line", fields.get("line_item_id", "")),
            ("line_key", fields.get("line_item_external_key", "")),
        ]
        if all(fields.get(name) for name in NAMED):
            names.append(("line_item", joined(*(fields[name] for name in NAMED))))
        meant = [found.get(name, []) for name in names if name[1]]
        if not all(meant):
            return Unusable("No metered line has this ID or key.")
        if any(len(some) > 1 for some in meant):
            return Unusable("Several lines have this key. Send line_item_id.")
        if len({some[0] for some in meant}) > 1:
            return Unusable("The ID and the keys name different lines.")
        line = meant[0][0]
        kind, meter = fields.get("type", ""), line.metered_meter_id
        if kind and AGGREGATIONS[kind] != meter.aggregation:
            usual = _TYPE_OF.get(meter.aggregation)
            return Unusable(
                f"The type {kind} does not match the meter of the line. "
                + (f"Send {usual}, or leave it out." if usual else "Leave it out.")
            )
        return line

    @api.model
    def _lines_of_meter(self, company, owner, meter):
        """The lines of a customer's running subscriptions that bill a meter."""
        return (
            self.env["sale.subscription.line"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("product_id.metered_meter_id", "=", meter.id),
                    ("sale_subscription_id.in_progress", "=", True),
                    (
                        "sale_subscription_id.partner_id.commercial_partner_id",
                        "=",
                        owner.id,
                    ),
                ]
            )
        )

    # === PACKAGES === #

    @api.model
    def _packages(self, key, package=None, external=None):
        """Subscriptions with their metered lines.

        :param key: ``metered.api.key``
        :param int package: id of one
        :param str external: reference of one
        :return: list of dicts
        """
        domain = [("company_id", "=", key.company_id.id)]
        if package is not None:
            domain.append(("id", "=", package))
        if external is not None:
            domain.append(("code", "=", external))
        found = self.env["sale.subscription"].sudo().search(domain, limit=MOST_ROWS)
        return [self._package(one) for one in found]

    @api.model
    def _package(self, subscription):
        owner = subscription.partner_id.commercial_partner_id
        return {
            "package_id": subscription.id,
            "external_key": subscription.code or None,
            "nickname": subscription.name or None,
            "customer_id": owner.id,
            "customer_external_key": subscription.partner_id.ref or owner.ref or None,
            "line_items": [
                self._line_item(line)
                for line in subscription._metered_lines()
                if line.metered_meter_id.kind != "call"
            ],
        }

    @api.model
    def _line_item(self, line):
        product, subscription = line.product_id, line.sale_subscription_id
        return {
            "line_item_id": line.id,
            "external_key": line.metered_external_key or None,
            "item_id": product.id,
            "item_name": product.name,
            "item_external_key": product.default_code or None,
            "item_units": line.metered_meter_id.unit or None,
            "descrip": line.name or "",
            "subscribe_datetime": _moment(subscription.date_start),
            "expire_datetime": _moment(subscription.date),
        }

    # === WHAT WAS SENT === #

    @api.model
    def _history(
        self,
        key,
        line=None,
        external=None,
        begin=None,
        end=None,
        limit=MOST_ROWS,
        offset=0,
    ):
        """Records that were sent of a line, or the one with a key of its own.

        :param key: ``metered.api.key``
        :param str line: ``line_item_id``
        :param str external: ``external_key``
        :param begin, end: texts of times, ``from`` and ``to`` that they must lie
            between; the first one begins with a date
        :param int limit, offset: how many, and how many are passed over
        :return: list of dicts, in the order of their periods
        """
        sources = key._readable_sources().filtered(lambda one: one._kind().has_lines)
        if not sources:
            return []
        call_id = event_key(external) if external is not None else None
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                _SENT,
                stored=self._stored(sources, line, call_id, begin),
                number=SQL(_NUMBER),
                sources=sources.ids,
                key=call_id,
                line=line,
                begin=begin and begin.replace("T", " "),
                end=end and end.replace("T", " "),
                limit=limit,
                offset=offset,
            )
        )
        found = []
        for number, text in rows:
            said = json.loads(text)
            row = {name: said.get(name) for name in KEPT}
            row["usage_history_id"] = number
            row["line_item_id"] = int(said["line_item_id"])
            found.append(row)
        return found

    @api.model
    def _stored(self, sources, line, call_id, begin):
        """A query of the records of some sources that are stored."""
        if call_id is not None:
            return SQL(_STORED_BY_KEY, sources.ids, call_id)
        one = self.env["sale.subscription.line"].sudo()
        one = one.browse(int(line) if _is_id(line) else ()).exists()
        if not one or one.company_id not in sources.company_id:
            return SQL(_NOT_STORED)
        # What has no time of its own is left out where one is asked for.
        day = max(date.fromisoformat(begin[:10]) if begin else _FIRST_DAY, _FIRST_DAY)
        return SQL(
            _STORED_BY_LINE,
            one.sale_subscription_id.id,
            one.metered_meter_id.id,
            day - _ZONES,
            sources.ids,
            line,
        )

    # === WHAT A USAGE URL ANSWERS === #

    @api.model
    def _answer(self, key, asked):
        """What a line used in a period, for somebody who asks as ChargeOver does.

        :param key: ``metered.api.key``
        :param dict asked: ``line_key``, ``line_item``, ``begin`` and ``end``
        :return: text: a decimal number
        :raise Unusable: the line or the period cannot be used, or records wait
        """
        company = key.company_id
        fields = {
            name: asked.get(name, "") for name in ("line_item_external_key", *NAMED)
        }
        if not fields["line_item_external_key"] and not all(
            fields[name] for name in NAMED
        ):
            raise Unusable("The line has no external key.")
        [line] = self._lines(company, [fields])
        if isinstance(line, Unusable):
            raise line
        if line._metered_shown_aggregation() != line.metered_meter_id.aggregation:
            raise Unusable("The usage of this line is a level, which has no quantity.")
        # What is of the customer alone would be told, and charged, for each of them.
        owner = line.sale_subscription_id.partner_id.commercial_partner_id
        of_meter = self._lines_of_meter(company, owner, line.metered_meter_id)
        if len(of_meter | line) > 1:
            raise Unusable(
                "Several lines of the customer bill this meter, so that the usage of "
                "one of them is not known."
            )
        sources = self.env["metered.source"].sudo()
        sources = sources.search([("company_id", "=", company.id)])
        if (
            self.env["metered.inbox"]
            .sudo()
            .search([("source_id", "in", sources.ids)], limit=1)
        ):
            sources.filtered("takes_events")[:1].env["metered.sync"]._enqueue()
            raise Unusable("Records are waiting to be rated. Ask again in a minute.")
        zone = ZoneInfo(
            customer_zone(line.sale_subscription_id.partner_id, company_zone(company))
        )
        begin, end = (_local(asked[name], zone) for name in ("begin", "end"))
        if begin is None or end is None or begin > end:
            raise Unusable("from_datetime and to_datetime are not a period.")
        usage = line._metered_line_usage(
            begin.astimezone(zone).date(),
            end.astimezone(zone).date() + timedelta(days=1),
        )
        # To the end of its last second.
        found = line._metered_combined(
            usage,
            condition=SQL(
                "cdr.start_time >= %s AND cdr.start_time < %s",
                begin.astimezone(UTC).replace(tzinfo=None),
                end.astimezone(UTC).replace(tzinfo=None) + timedelta(seconds=1),
            ),
        )
        return found[0][1] if found else "0"


def _is_id(text):
    return text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS


def _moment(date):
    return f"{datetime.combine(date, time())}" if date else None


def _local(text, zone):
    """A time that somebody sent, or None."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1970 <= moment.year < 2200:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
