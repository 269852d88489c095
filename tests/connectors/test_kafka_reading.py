# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What a client hands over of partitions that are read: each message once, in order."""

from unittest import TestCase
from unittest.mock import Mock

import confluent_kafka
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from odoo.addons.metered_billing.connectors.errors import SourceNotFound
from odoo.addons.metered_billing.connectors.kafka.columns import Messages
from odoo.addons.metered_billing.connectors.kafka.reading import Portion, Reading

PLACES = [("a", 0), ("a", 1), ("b", 0)]
ENDED = confluent_kafka.KafkaError._PARTITION_EOF
UNKNOWN = confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART
#: for each place how far its messages are from each other
GAPS = st.fixed_dictionaries(
    {place: st.lists(st.integers(1, 3), max_size=12) for place in PLACES}
)
STOPS = st.dictionaries(st.sampled_from(PLACES), st.integers(1, 20))


class Said:
    """A message as confluent_kafka's, or what it says of a partition."""

    def __init__(self, place, offset, code=None, headers=None, key=None):
        self._place, self._offset, self._headers = place, offset, headers
        self._error = code and confluent_kafka.KafkaError(code)
        self._key = key

    def error(self):
        return self._error

    def topic(self):
        return self._place[0]

    def partition(self):
        return self._place[1]

    def offset(self):
        return self._offset

    def timestamp(self):
        return (1, 1_790_935_200_000 + self._offset)

    def value(self):
        return b"%d" % self._offset

    def key(self):
        return self._key

    def headers(self):
        return self._headers


def reading(left, stops=None, partitions=(0, 1)):
    client = Mock(kafka=confluent_kafka)
    client.is_there_after_all = lambda error, _topic, partition: (
        error.code() == UNKNOWN and partition in partitions
    )
    client.failure = lambda _error: SourceNotFound("unknown")
    return Reading(client, dict(left), stops or {})


def found(messages):
    places = messages.places
    return [
        (places.names[at], offset)
        for at, offset in zip(places.at, places.offsets.tolist(), strict=True)
    ]


class TestKafkaReading(TestCase):
    @given(
        GAPS, st.dictionaries(st.sampled_from(PLACES), st.integers(1, 20)), st.data()
    )
    def test_up_to_where_they_are_left_to_the_next_time(self, gaps, stops, data):
        offsets = {place: np.cumsum(gaps[place]).tolist() for place in PLACES}
        order = data.draw(
            st.permutations([place for place in PLACES for _gap in gaps[place]])
        )
        waiting = {place: iter(offsets[place]) for place in PLACES}
        came = [(place, next(waiting[place])) for place in order]
        expected = []
        for place, offset in came:
            before = [other for at, other in expected if at == place]
            if not before or before[-1] < stops.get(place, 99) - 1:
                expected.append((place, offset))
        size = data.draw(st.integers(1, 20))
        this, portion = reading(dict.fromkeys(PLACES, 0), stops), Portion()
        for first in range(0, len(came), size):
            this.sort([Said(*one) for one in came[first : first + size]], portion)
        self.assertEqual(found(portion.messages), expected)
        self.assertEqual(portion.count, len(expected))
        values = portion.messages.values.to_pylist()
        self.assertEqual(values, [b"%d" % offset for _place, offset in expected])
        for place, following in this.left.items():
            self.assertEqual(following, max([-1, *offsets[place]]) + 1 or 0)

    def test_an_end_behind_messages_that_are_left_to_the_next_time(self):
        """It is none of this time, or what is between would be passed over."""
        place = PLACES[0]
        came = [Said(place, offset) for offset in range(10)]
        this, portion = reading({place: 0}, {place: 5}), Portion()
        this.sort([*came, Said(place, 10, ENDED)], portion)
        self.assertEqual((portion.count, portion.ends), (5, {}))
        self.assertFalse(this.left)
        # Without a stop it is the end.
        this, portion = reading({place: 0}), Portion()
        this.sort([*came, Said(place, 12, ENDED)], portion)
        self.assertEqual((portion.count, portion.ends), (10, {place: 12}))

    def test_a_partition_that_is_not_known_for_a_moment(self):
        place = PLACES[0]
        this, portion = reading({place: 5}), Portion()
        this.sort([Said(place, 5), Said(place, 6), Said(place, -1, UNKNOWN)], portion)
        [assigned] = this.client.consumer.assign.call_args.args[0]
        self.assertEqual((assigned.topic, assigned.offset), ("a", 7))
        this = reading({place: 5}, partitions=(1,))
        with self.assertRaises(SourceNotFound):
            this.sort([Said(place, -1, UNKNOWN)], portion)

    @given(st.lists(st.sampled_from([None, b"k", b"\xff"]), max_size=12), st.data())
    def test_portions_that_are_joined_are_as_one(self, keys, data):
        came = [
            Said(
                data.draw(st.sampled_from(PLACES)),
                offset,
                headers=data.draw(st.sampled_from([None, [("a", b"1")]])),
                key=key,
            )
            for offset, key in enumerate(keys)
        ]
        at = data.draw(st.integers(0, len(came)))
        one = Messages.of(came)
        joined = Messages.join([Messages.of(came[:at]), Messages.of(came[at:])])
        for row in range(len(came)):
            self.assertEqual(joined.one(row), one.one(row))
        self.assertEqual(joined.places.texts(), one.places.texts())
        self.assertEqual(joined.headers, one.headers)
        if came:
            self.assertEqual(joined.last().one(0), one.one(len(came) - 1))
