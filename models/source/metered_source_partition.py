# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, datetime

from odoo import api, fields, models
from odoo.exceptions import UserError

from ...connectors.checks import Check
from ...connectors.errors import SourceError, SourceNotFound
from ...ingest.store import lock_source
from ..screen.actions import RELOAD, notification

#: names the problem on a source, for its activity
PROBLEM = "partitions"
#: advances an offset only from where it was: whoever else was there first has won
_ADVANCE = """
    UPDATE metered_source_partition
       SET next_offset = %(next)s,
           last_record = greatest(last_record, %(moment)s),
           last_mark = coalesce(%(mark)s, last_mark),
           write_date = now() AT TIME ZONE 'UTC'
     WHERE id = %(id)s AND state = 'reading' AND next_offset = %(first)s
"""
#: whoever is at one of them is not waited for
_FREE = """
    SELECT id FROM metered_source_partition
     WHERE source_id = %s AND state = 'reading'
       AND turn IS DISTINCT FROM %s
     ORDER BY looked NULLS FIRST, id
       FOR UPDATE SKIP LOCKED
"""


class MovedOn(Exception):
    """Another worker has stored what this one was about to: drop it."""


class MeteredSourcePartition(models.Model):
    """A partition of a topic, and up to which message its records are stored.

    The offset moves on in the transaction that stores the records, and only from where
    it was when they were read: so each message is stored once, whoever is killed.
    """

    _name = "metered.source.partition"
    _description = "Topic Partition"
    _inherit = ["metered.guarded"]
    _order = "topic, number, id"

    source_id = fields.Many2one(
        "metered.source", required=True, readonly=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="source_id.company_id", store=True, index=True)
    topic = fields.Char(required=True, readonly=True)
    number = fields.Integer(string="Partition", readonly=True)
    next_offset = fields.Float(
        digits=(16, 0), readonly=True, help="Offset of the next message to fetch."
    )
    end_offset = fields.Float(
        string="End",
        digits=(16, 0),
        readonly=True,
        help="Offset after the newest message when the partition was last checked.",
    )
    lag = fields.Float(
        digits=(16, 0),
        compute="_compute_lag",
        help="Messages on the cluster that have not been fetched yet.",
    )
    last_record = fields.Datetime(
        string="Newest Message",
        readonly=True,
        help="Time of the newest fetched message, as given by the cluster.",
    )
    age = fields.Char(
        compute="_compute_age", help="Time since the newest fetched message."
    )
    last_mark = fields.Char(readonly=True, help="Identifies the last fetched message.")
    looked = fields.Datetime(
        string="Last Checked",
        readonly=True,
        help="When all messages of the partition were last fetched.",
    )
    state = fields.Selection(
        [
            ("reading", "Active"),
            ("gap", "Messages Missing"),
            ("gone", "Not Found"),
        ],
        string="Status",
        default="reading",
        required=True,
        readonly=True,
    )
    turn = fields.Char(readonly=True, help="The last sync that reached its end.")
    note = fields.Char(string="Problem", readonly=True)
    gap_key = fields.Char(readonly=True, help="Record ID of the gap's exception.")

    _place_uniq = models.Constraint(
        "UNIQUE (source_id, topic, number)", "The source already has this partition."
    )

    @api.depends("topic", "number")
    def _compute_display_name(self):
        for partition in self:
            partition.display_name = f"{partition.topic}/{partition.number}"

    @api.depends("next_offset", "end_offset")
    def _compute_lag(self):
        for partition in self:
            partition.lag = max(partition.end_offset - partition.next_offset, 0)

    @api.depends("last_record")
    def _compute_age(self):
        now = fields.Datetime.now()
        for partition in self:
            if not partition.last_record:
                partition.age = False
                continue
            minutes = max(int((now - partition.last_record).total_seconds()), 0) // 60
            if minutes < 120:
                partition.age = self.env._("%s min", minutes)
            elif minutes < 48 * 60:
                partition.age = self.env._("%s h", minutes // 60)
            else:
                partition.age = self.env._("%s days", minutes // (24 * 60))

    def _place(self):
        """What the connector calls it."""
        return self.topic, self.number

    def _finish_turn(self, turn):
        """Note that nothing is left that was there when a turn began."""
        self.write({"looked": fields.Datetime.now(), "turn": turn})

    # === OFFSETS === #

    @api.model
    def _claim(self, source, turn, most, lock):
        """Partitions that nobody is at, those first that waited the longest.

        :param source: ``metered.source``
        :param str turn: those that this turn has finished with are left alone
        :param int most: so many at most
        :param lock: function of an id: whether it is this worker's from now on
        :return: ``metered.source.partition``
        """
        self.env["metered.source.partition"].flush_model()
        self.env.cr.execute(_FREE, (source.id, turn))
        claimed = []
        for (partition_id,) in self.env.cr.fetchall():
            if len(claimed) == most:
                break
            if lock(partition_id):
                claimed.append(partition_id)
        partitions = self.browse(claimed)
        partitions.invalidate_recordset()
        return partitions

    @api.model
    def _left(self, source, turn):
        """How many partitions a turn has not finished with.

        :param source: ``metered.source``
        """
        self.env.cr.execute(
            "SELECT count(*) FROM metered_source_partition WHERE source_id = %s"
            " AND state = 'reading' AND turn IS DISTINCT FROM %s",
            (source.id, turn),
        )
        return self.env.cr.fetchone()[0]

    def _advance(self, first, following, stamp=None, mark=None):
        """Note that the messages before an offset are stored.

        :param int first: where it was
        :param int following: offset of the next message
        :param stamp: milliseconds of the newest message, None: not known
        :param mark: what tells the last message from others; None: as before
        :raises MovedOn: it is somewhere else by now
        """
        moment = None
        if stamp is not None and stamp >= 0:
            moment = datetime.fromtimestamp(stamp / 1000, UTC).replace(tzinfo=None)
        self.env.cr.execute(
            _ADVANCE,
            {
                "next": following,
                "first": first,
                "id": self.id,
                "moment": moment,
                "mark": mark,
            },
        )
        if not self.env.cr.rowcount:
            raise MovedOn(self.display_name)
        self.invalidate_recordset(["next_offset", "last_record", "last_mark"])

    # === WHICH THERE ARE === #

    @api.model
    def _find(self, source, connector, commit):
        """Learn which partitions the topics of a source have now.

        :param commit: function that commits, or None
        :return: list of topics that the cluster does not have
        :raises SourceError: it cannot be asked
        """
        said = {}
        for topic in connector.topics:
            try:
                said[topic] = connector.client.partitions(topic)
            except SourceNotFound:
                said[topic] = []
        places = {(topic, number) for topic in said for number in said[topic]}
        known = self.search([("source_id", "=", source.id)])
        if {p._place() for p in known if p.state != "gone"} != places:
            # Syncs side by side find the same: they take turns.
            with lock_source(self.env.cr, source.id, commit):
                self.env.invalidate_all()
                self._note_places(source, connector, said)
                if commit:
                    self.env.flush_all()
                    commit()
        return [topic for topic in said if not said[topic]]

    @api.model
    def _note_places(self, source, connector, said):
        """Add and mark partitions; see :meth:`_find`.

        :param said: dict topic -> list of numbers
        """
        known = self.search([("source_id", "=", source.id)])
        by_topic = known.grouped("topic")
        for topic, numbers in said.items():
            rows = by_topic.get(topic, self)
            there = rows.filtered(lambda p, n=numbers: p.number in n)
            there.filtered(lambda p: p.state == "gone").write(
                {"state": "reading", "note": False}
            )
            gone = (rows - there).filtered(lambda p: p.state == "reading")
            gone.write(
                {
                    "state": "gone",
                    "note": self.env._("The cluster no longer has this partition."),
                }
            )
            self.create(
                [
                    self._prepare_partition(source, connector, topic, number, not rows)
                    for number in sorted(set(numbers) - set(there.mapped("number")))
                ]
            )
        left_out = known.filtered(lambda p: p.topic not in said and p.state != "gone")
        left_out.write(
            {
                "state": "gone",
                "note": self.env._("The source no longer fetches this topic."),
            }
        )

    @api.model
    def _prepare_partition(self, source, connector, topic, number, is_first):
        """What a partition starts with; one of a topic that grew at its beginning."""
        low, high = connector.client.ends(topic, number)
        start = 0
        if is_first:
            start = high if source.sudo().kafka_start == "latest" else low
        return {
            "source_id": source.id,
            "topic": topic,
            "number": number,
            "next_offset": start,
            "end_offset": high,
        }

    # === GAPS === #

    def _describe_gap(self, low, high):
        """What is missing, or None.

        :param int low, high: first offset that there is, and the one after the last
        """
        following = int(self.next_offset)
        names = {
            "topic": self.topic,
            "number": self.number,
            "first": following,
            "low": low,
            "high": high,
        }
        if following < low:
            return self.env._(
                "Topic %(topic)s, partition %(number)s: the cluster deleted the "
                "messages from offset %(first)s to %(last)s before they were fetched. "
                "The earliest one left is %(low)s.",
                **names,
                last=low - 1,
            )
        if following > high:
            return self.env._(
                "Topic %(topic)s, partition %(number)s: the next message would be "
                "%(first)s, but the cluster has none after %(last)s. The topic was "
                "probably deleted and created again.",
                **names,
                last=high - 1,
            )
        return None

    def _marked_offset(self, low):
        """The offset of the last message that was fetched.

        :param int low: first offset that there is
        :return: int; None where it is not there any more, or none is known
        """
        offset = int(self.last_mark.split()[0]) if self.last_mark else -1
        return offset if low <= offset < self.next_offset else None

    @api.model
    def _describe_replaced(self, connector, offsets):
        """Which of these are not what they were: dict partition -> text.

        A topic that was deleted, created again and has grown since looks as before.

        :param dict offsets: partition -> offset of the last message that was fetched
        :raises SourceError: it cannot be asked
        """
        marks = connector.marks(
            {partition._place(): offset for partition, offset in offsets.items()}
        )
        return {
            partition: self.env._(
                "Topic %(topic)s, partition %(number)s: the message at offset "
                "%(offset)s is not the one that was fetched. The topic was probably "
                "deleted and created again, so that messages may be missing.",
                topic=partition.topic,
                number=partition.number,
                offset=offset,
            )
            for partition, offset in offsets.items()
            if marks.get(partition._place(), partition.last_mark) != partition.last_mark
        }

    def action_from_earliest(self):
        """Go on with the first message that there still is."""
        return self._go_on(lambda low, _high: low)

    def action_from_latest(self):
        """Go on with what arrives from now on, and leave out all before."""
        return self._go_on(lambda _low, high: high)

    def _go_on(self, chosen):
        self.ensure_one()
        source = self.source_id
        source.check_access("write")
        try:
            with source._make_connector() as connector:
                low, high = connector.client.ends(*self._place())
        except SourceError as error:
            raise UserError(str(error)) from error
        before, offset = int(self.next_offset), chosen(low, high)
        text = self._describe_decision(before, offset, low)
        self._set_as_program(
            {
                "next_offset": offset,
                "last_mark": False,
                "end_offset": high,
                "state": "reading",
                "note": False,
                "looked": False,
            }
        )
        source.sudo()._message_log(body=text)
        self._close_gap(text)
        return notification(text, "warning", title=self.display_name, next=RELOAD)

    def _describe_decision(self, before, offset, low):
        names = {
            "topic": self.topic,
            "number": self.number,
            "before": before,
            "offset": offset,
        }
        if offset > before:
            return self.env._(
                "Topic %(topic)s, partition %(number)s continues at offset "
                "%(offset)s. Messages from %(before)s to %(last)s are not billed: "
                "%(gone)s deleted by the cluster, %(skipped)s skipped.",
                **names,
                last=offset - 1,
                gone=min(max(low - before, 0), offset - before),
                skipped=max(offset - max(low, before), 0),
            )
        return self.env._(
            "Topic %(topic)s, partition %(number)s continues at offset %(offset)s "
            "instead of %(before)s. Records that are already stored are not stored "
            "again.",
            **names,
        )

    def _close_gap(self, text):
        """Dismiss the exception that a person has decided on."""
        exceptions = self.env["metered.exception"].search(
            [
                ("source_id", "=", self.source_id.id),
                ("call_id", "=", self.gap_key or ""),
                ("state", "=", "open"),
            ]
        )
        if exceptions:
            self.env["metered.exception.job"]._start(
                "dismiss", {"ids": exceptions.ids}, {"reason": text}
            )
        self._set_as_program({"gap_key": False})
        if not self.source_id.partition_ids.filtered(lambda p: p.state == "gap"):
            self.source_id.sudo()._metered_close(PROBLEM, text)


class MeteredSource(models.Model):
    _inherit = "metered.source"

    def _check_partitions(self):
        """What stands still of the partitions, and how much is left to fetch."""
        if not self.has_offsets:
            return
        name = self.env._("Partitions")
        standing = self.partition_ids.filtered("note")
        for partition in standing:
            yield Check(
                self.env._("Partition %s", partition.display_name),
                False,
                partition.note,
                self.env._("Open partitions"),
                "partitions",
            )
        if self.partition_ids and not standing:
            lag = sum(self.partition_ids.mapped("lag"))
            yield Check(
                name,
                True,
                self.env._(
                    "Partitions: %(count)s. Messages not fetched yet: %(lag)s.",
                    count=len(self.partition_ids),
                    lag=f"{int(lag):,}",
                ),
            )
