# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import time
from datetime import UTC, datetime, timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_datetime

from ...connectors.errors import SourceError
from ...connectors.events.body import RequestFault
from ...connectors.events.cloud_event import KEY, PLAIN, read_events
from ...connectors.events.reading import Refused
from ...connectors.interface import attempt
from ...ingest.conflicts import again
from ...ingest.event_inbox import CONFLICT, DUPLICATE, is_full, store_events
from ...ingest.prepare import prepare
from ...ingest.quantities import quantity_texts
from ..screen.actions import CLOSE, notification
from .metered_inbox import posted_chunks
from .metered_source_schedule import UNDER_WAY

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: seconds that whoever pushes events waits for their rating at most
RATE_SECONDS = 5
AGAIN_SECONDS = 0.05
#: characters of what is pasted to be tried, and events in it
MOST_SAMPLE = 65_536
MOST_TRIED = 20
SAMPLE = """{
  "specversion": "1.0",
  "id": "1",
  "source": "/my-program",
  "type": "api.call",
  "subject": "customer-1",
  "time": "%s",
  "data": {"quantity": 1}
}"""


class MeteredSource(models.Model):
    """Events that programs push to a source.

    They are put into the inbox as they came and take the way of all other records; a
    try goes through the same pipeline, and stores nothing.
    """

    _inherit = "metered.source"

    takes_events = fields.Boolean(
        compute="_compute_takes_events", search="_search_takes_events"
    )
    is_pushed_to = fields.Boolean(
        compute="_compute_takes_events", search="_search_is_pushed_to"
    )
    event_sample = fields.Text(
        string="Event",
        compute="_compute_event_sample",
        store=True,
        readonly=False,
        copy=False,
        help="Paste an event in the format your program sends.",
    )
    event_tried = fields.Json(readonly=True, copy=False)

    @api.depends("source_type")
    def _compute_takes_events(self):
        for source in self:
            source.takes_events = source._kind().takes_events
            source.is_pushed_to = source._kind().is_pushed_to

    def _search_takes_events(self, operator, value):
        return self._search_kind("takes_events", operator, value)

    def _search_is_pushed_to(self, operator, value):
        return self._search_kind("is_pushed_to", operator, value)

    @api.depends("source_type")
    def _compute_event_sample(self):
        now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        for source in self:
            sample = source.event_sample or SAMPLE % now
            source.event_sample = source.takes_events and sample

    @api.constrains("record_kind", "source_type", "column_ids")
    def _check_events(self):
        """Keep events told apart by what they are answered by."""
        for source in self.filtered("takes_events"):
            ids = source.column_ids.filtered(lambda column: column.target == "call_id")
            if source.record_kind != "usage" or ids.mapped("columns") != [KEY]:
                raise ValidationError(
                    self.env._(
                        "%(switch)s accepts events: its records must be other usage, "
                        "and the column of the record ID must be %(column)s, which is "
                        "the source and ID of the event.",
                        switch=source.name,
                        column=KEY,
                    )
                )

    # === WHAT IS PUSHED === #

    def _receive_events(self, events):
        """Store events, and have them rated soon.

        Calls of a switch wait for the schedule, some minutes: an import for each call
        would be thousands a day, and one a day would not tell when it fell silent.

        :param events: list of ``connectors.events.cloud_event.Event``
        :return: list of what became of each, see ``ingest.event_inbox``; None: too
            many wait already
        """
        self.ensure_one()
        if is_full(self.env.cr):
            return None
        outcomes = store_events(self.env.cr, self.id, events) if events else []
        self.env["metered.inbox"].invalidate_model()
        if set(outcomes) - {DUPLICATE} and self._kind().has_own_fields:
            self.env["metered.sync"]._enqueue()
        return outcomes

    def _rate_now(self, commit=None, keys=()):
        """Rate what waits, while somebody waits for it; the rest is rated soon.

        Where another process is at it, that one may have begun before these came.

        :param commit: function that commits; None within a user's transaction
        :param keys: of the events that somebody waits for
        """
        until = time.monotonic() + RATE_SECONDS
        if commit:
            # What came is stored, whatever is in the way of its rating.
            commit()

        def begin(failed):
            if failed:
                self.env.invalidate_all(flush=False)
            sync = self._sync_under_way() or self._start_syncs("schedule")
            if commit:
                commit()
            return sync

        while True:
            [sync] = again(self.env.cr, begin, commit)
            sync._process(commit, max(until - time.monotonic(), 0))
            self.env.invalidate_all()
            if (
                not commit
                or time.monotonic() > until
                or sync.state == "failed"
                or not self._are_waiting(keys)
            ):
                return
            # Until the other one is done, and its transaction is seen.
            commit()
            time.sleep(AGAIN_SECONDS)

    def _sync_under_way(self):
        """The sync that rates what waits, or can go on with it; may be empty."""
        syncs = self.env["metered.sync"].sudo()
        newest = syncs.search(
            [
                ("source_id", "=", self.id),
                ("kind", "=", "schedule"),
                ("state", "in", UNDER_WAY),
            ],
            limit=1,
        )
        return newest or self._reopened_sync("schedule")

    def _are_waiting(self, keys):
        """Whether some of these events are not rated yet."""
        waiting = [("source_id", "=", self.id), ("event_key", "in", list(keys))]
        return bool(keys) and bool(
            self.env["metered.inbox"].sudo().search_count(waiting, limit=1)
        )

    def _try_events(self, events):
        """What would become of events; nothing is stored.

        :param events: list of ``connectors.events.cloud_event.Event``
        :return: list of dicts, one for each: ``status`` (``rated``, ``not_billable``,
            ``reading`` or ``exception``) with ``customer``, ``meter`` and ``quantity``,
            or with ``reason`` and ``detail``
        """
        self.ensure_one()
        settings = self._load_settings()
        records = [event.columns() for event in events]
        found = [None] * len(records)
        for chunk in posted_chunks(records, 0, (), settings.column_names):
            prepared = prepare(chunk.frame, chunk.line, chunk.bad, settings)
            self._add_tried(found, prepared)
        return [one or {"status": "duplicate"} for one in found]

    def _add_tried(self, found, prepared):
        cdrs, rejected = prepared.cdrs, prepared.rejected
        quantities = quantity_texts(cdrs["quantity"])
        readings = cdrs.get("is_reading", [False] * len(quantities))
        partners, meters = self.env["res.partner"].sudo(), self.env["metered.meter"]
        for at, line in enumerate(cdrs["line"].tolist()):
            partner = partners.browse(int(cdrs["partner_id"][at]) or ())
            meter = meters.sudo().browse(int(cdrs["meter_id"][at]) or ())
            charged = "rated" if cdrs["billable"][at] else "not_billable"
            found[line] = {
                "status": "reading" if readings[at] else charged,
                "customer": partner.display_name or False,
                "meter": meter.code or False,
                "unit": meter.unit or False,
                "quantity": quantities[at],
                "time": _iso(int(cdrs["start_us"][at])),
            }
        reasons = dict(
            self.env["metered.exception"]
            ._fields["reason"]
            ._description_selection(self.env)
        )
        for line, reason, detail in zip(
            rejected.line, rejected.reason, rejected.detail, strict=True
        ):
            found[line] = {
                "status": "exception",
                "reason": reason,
                "detail": detail or "",
                "message": reasons.get(reason, reason),
            }

    # === TRYING AND SENDING === #

    def action_try_event(self):
        """Show what would become of the events that were pasted."""
        events = self._pasted_events()
        good = [event for event in events if not isinstance(event, Refused)]
        tried = iter(self._try_events(good) if good else [])
        self._show_tried(
            [
                [self._tried(self.env._("Event"), False, event.reason)]
                if isinstance(event, Refused)
                else self._tried_checks(event, next(tried))
                for event in events
            ]
        )
        return True

    def action_send_event(self):
        """Store the events that were pasted as if a program had pushed them.

        They are rated at once. What became of them is shown.
        """
        events = self._pasted_events()
        for event in events:
            if isinstance(event, Refused):
                raise UserError(event.reason)
        outcomes = self._receive_events(events)
        if outcomes is None:
            raise UserError(
                self.env._(
                    "Too many events are waiting to be rated. Try again in a few "
                    "minutes."
                )
            )
        self._rate_now()
        keys = [event.key for event in events]
        told = self.env["metered.api"]._events(self.sudo(), keys)
        self._show_tried(
            [
                self._sent_checks(event, outcome, told.get(event.key, {}))
                for event, outcome in zip(events, outcomes, strict=True)
            ],
            is_sent=True,
        )
        failed = [
            check["detail"]
            for group in self.event_tried["groups"]
            for check in group["checks"]
            if not check["ok"]
        ]
        if failed:
            return notification(" ".join(failed), "warning", sticky=True)
        return notification(
            self.env._("Events stored and rated: %s.", len(events)), next=CLOSE
        )

    def _pasted_events(self):
        """The events in the form.

        :return: list, see ``connectors.events.cloud_event.read_events``
        """
        self.ensure_one()
        self.check_access("write")
        if not self.takes_events:
            raise UserError(self.env._("%s does not accept events.", self.name))
        text = (self.event_sample or "")[: MOST_SAMPLE + 1]
        try:
            events = read_events(text.encode("utf-8", "surrogatepass"), PLAIN)
        except RequestFault as fault:
            raise UserError(str(fault)) from fault
        if not 1 <= len(events) <= MOST_TRIED:
            raise UserError(
                self.env._("Paste one event, or a list of at most %s.", MOST_TRIED)
            )
        return events

    def _show_tried(self, groups, is_sent=False):
        """Keep what became of each event, for the form to show."""
        shown = []
        for number, checks in enumerate(groups, start=1):
            info = self._tried_info(checks, is_sent)
            if len(groups) > 1:
                info["title"] = f"{number}. {info['title']}"
            shown.append(info)
        self._set_as_program({"event_tried": {"groups": shown}})

    def _sent_checks(self, event, outcome, told):
        """What became of an event that is stored.

        :param outcome: see ``ingest.event_inbox``
        :param dict told: see ``metered.api``
        """
        checks = [self._tried(self.env._("Identified by"), True, event.key)]
        if outcome == CONFLICT:
            problem = self.env._(
                "A different event with this source and ID was already stored. This "
                "one became an exception."
            )
            return [*checks, self._tried(self.env._("Exception"), False, problem)]
        if told.get("status") == "exception":
            detail = ": ".join(filter(None, (told["message"], told["detail"])))
            return [*checks, self._tried(self.env._("Exception"), False, detail)]
        if told.get("status") in ("canceled", "dismissed"):
            problem = self.env._(
                "The event was canceled or dismissed before. Nothing was added. Send "
                "the usage with another ID."
            )
            return [*checks, self._tried(self.env._("Result"), False, problem)]
        for name, value in (
            (self.env._("Customer"), told.get("customer")),
            (
                self.env._("Quantity"),
                " ".join(filter(None, (told.get("quantity"), told.get("unit")))),
            ),
        ):
            if value:
                checks.append(self._tried(name, True, value))
        result = self.env._("The event is stored and rated.")
        if outcome == DUPLICATE:
            result = self.env._("The event was already stored. Nothing was added.")
        elif not told:
            result = self.env._("The event is stored.")
        return [*checks, self._tried(self.env._("Result"), True, result)]

    def _tried_checks(self, event, tried):
        checks = [self._tried(self.env._("Identified by"), True, event.key)]
        if tried["status"] == "exception":
            detail = ": ".join(filter(None, (tried["message"], tried["detail"])))
            return [*checks, self._tried(self.env._("Exception"), False, detail)]
        moment = datetime.fromisoformat(tried["time"]).replace(tzinfo=None)
        names = {
            self.env._("Customer"): tried["customer"] or self.env._("nobody"),
            self.env._("Meter"): tried["meter"] or self.env._("none"),
            self.env._("Quantity"): " ".join(
                filter(None, (tried["quantity"], tried["unit"]))
            ),
            self.env._("Time"): format_datetime(self.env, moment),
            self.env._("Result"): {
                "rated": self.env._("The event would be charged."),
                "reading": self.env._("The event is a counter reading."),
                "not_billable": self.env._("The event would not be charged."),
            }[tried["status"]],
        }
        return [
            *checks,
            *(self._tried(name, True, detail) for name, detail in names.items()),
        ]

    @api.model
    def _tried(self, name, is_ok, detail):
        return {"name": name, "ok": is_ok, "detail": detail, "remedy": ""}

    @api.model
    def _tried_info(self, checks, is_sent=False):
        """What the widget ``metered_checks`` shows of an event."""
        is_ok = all(check["ok"] for check in checks)
        if is_sent:
            title = (
                self.env._("What became of the event")
                if is_ok
                else self.env._("The event became an exception")
            )
        elif is_ok:
            title = self.env._("Result of the test; nothing was stored")
        else:
            title = self.env._(
                "The event would become an exception; nothing was stored"
            )
        return {"title": title, "ok": is_ok, "checks": checks}

    # === CHECKS === #

    def _look_events(self):
        """Look at what programs pushed; see :meth:`_look_connection`."""
        checks = []
        if attempt(checks, self.env._("Key exists"), self._look_key):
            attempt(checks, self.env._("Events are pushed"), self._look_pushed)
        return checks

    def _look_key(self):
        keys = self._read_together("_read_usable_keys")
        if not keys:
            raise SourceError(
                self.env._("There is no API key that can push events to this source."),
                remedy=self.env._("Create one under Configuration, API Keys."),
            )
        return ""

    def _look_pushed(self):
        waiting = self._posted_waiting()
        if waiting:
            return self.env._("Waiting to be rated: %s.", waiting)
        if not self.batch_count:
            raise SourceError(
                self.env._("No events have been pushed yet."),
                remedy=self.env._("Send an event from your program, and test again."),
            )
        return self.env._("None are waiting to be rated.")


def _iso(moment_us):
    return (EPOCH + timedelta(microseconds=moment_us)).isoformat()
