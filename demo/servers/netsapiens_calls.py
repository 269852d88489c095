# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Call legs of a NetSapiens server, made up, the same every time.

``leg`` writes one leg with every field that the vendor describes; ``month_of_calls``
makes the calls of a domain: outbound, inbound, missed, internal, forwarded out of the
switch, transferred, answered by a queue and nobody else, over midnight, and the noise
of phones that register. All names and numbers are fictitious or reserved for fiction.
"""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

ZERO_DATE = "0000-00-00T00:00:00+00:00"
# Values that servers send as a number or as a text, as it comes.
MIXED = (
    "call-orig-caller-id",
    "call-term-caller-id",
    "call-through-caller-id",
    "call-orig-user",
    "call-term-user",
    "call-through-user",
)
# A row of 28 fields is what is left beyond 100 rows a page, and of a leg over midnight.
SHORT_FIELDS = (
    "domain",
    "reseller",
    "call-account-code",
    "call-answer-datetime",
    "call-batch-answer-datetime",
    "call-batch-on-hold-duration-seconds",
    "call-batch-start-datetime",
    "call-batch-total-duration-seconds",
    "call-direction",
    "call-disconnect-datetime",
    "call-on-hold-duration-seconds",
    "call-orig-domain",
    "call-orig-from-name",
    "call-orig-to-user",
    "call-orig-user",
    "call-parent-cdr-id",
    "call-ringing-datetime",
    "call-routing-class",
    "call-start-datetime",
    "call-tag",
    "call-talking-duration-seconds",
    "call-term-domain",
    "call-term-user",
    "call-through-action",
    "call-through-user",
    "call-total-duration-seconds",
    "core-server",
    "hide-from-results",
)
ABROAD = (
    "442079460{:03d}",
    "4930235550{:02d}",
    "33155501{:03d}",
    "525555550{:03d}",
)


@dataclass
class User:
    user: str
    first_name: str
    last_name: str
    created: datetime
    service_code: str = ""


@dataclass
class Domain:
    """A customer of the switch and its legs, oldest first."""

    name: str
    description: str
    reseller: str = "12345"
    time_zone: str = "US/Eastern"
    allowed_calls: int | None = 25
    active_calls: int = 0
    users: list = field(default_factory=list)
    numbers: list = field(default_factory=list)  # (number, application, description)
    legs: list = field(default_factory=list)
    #: properties that a client has changed
    changed: dict = field(default_factory=dict)


@dataclass
class Leg:
    """One leg; numbers as digits, users as extensions or ''."""

    id: str
    start: datetime
    direction: int
    ring: int = 5
    talk: int = 0
    hold: int = 0
    answered_by_machine: bool = False  # a queue: answered, and nobody spoke
    orig_user: str = ""
    orig_number: str = ""
    orig_name: str = ""
    dialled: str = ""
    term_user: str = ""
    term_number: str = ""
    through_user: str = ""
    through_number: str = ""
    through_action: str = ""
    call_id: str = ""
    marker: str = "end"
    reason: str = "Orig: Bye"
    hidden: int = 0
    waiting: int = 0  # seconds in the queue

    @property
    def answered(self):
        return bool(self.talk or self.answered_by_machine)

    @property
    def end(self):
        spent = self.ring + self.talk + self.hold + self.waiting
        return self.start + timedelta(seconds=spent)

    @property
    def over_midnight(self):
        return self.start.date() != self.end.date()


def moment(value):
    """A time as v2 answers it when it is asked in UTC."""
    return value.replace(tzinfo=None).isoformat() + "+00:00"


def _number(value, position):
    """The same number as JSON number or text, in turn; null where there is none."""
    if not value:
        return None
    return int(value) if position % 2 and value.isdecimal() else value


def row_v2(leg, domain, position, names):
    """A leg as v2 sends it.

    :param position: decides whether numbers come as numbers
    :param names: the fields of the vendor's schema CdrD, all of which a row has
    """
    host = domain.name
    off_net = "203.0.113.5"
    answer = leg.start + timedelta(seconds=leg.ring)
    total = int((leg.end - leg.start).total_seconds())
    origin = leg.orig_user or leg.orig_number
    target = leg.term_user or leg.term_number
    known = {
        "id": leg.id,
        "domain": host,
        "reseller": domain.reseller,
        "call-answer-datetime": moment(answer) if leg.answered else ZERO_DATE,
        "call-audio-codec": "PCMU",
        "call-audio-relay-side-a-local-port": 20_000 + position % 1000 * 2,
        "call-audio-relay-side-a-packet-count": leg.talk * 50,
        "call-audio-relay-side-a-remote-ip": "198.51.100.10",
        "call-audio-relay-side-b-packet-count": leg.talk * 50,
        "call-audio-relay-side-b-remote-ip": off_net,
        "call-batch-answer-datetime": moment(answer) if leg.answered else ZERO_DATE,
        "call-batch-on-hold-duration-seconds": leg.hold,
        "call-batch-sequence-marker": leg.marker,
        "call-batch-start-datetime": moment(leg.start),
        "call-batch-total-duration-seconds": total,
        "call-direction": leg.direction,
        "call-disconnect-datetime": moment(leg.end),
        "call-disconnect-reason-text": leg.reason,
        "call-intelligence-job-id": "",
        "call-intelligence-percent-negative": "",
        "call-intelligence-percent-neutral": "",
        "call-intelligence-percent-positive": "",
        "call-intelligence-topics-top": "",
        "call-leg-ordinal-index": 0,
        "call-on-hold-duration-seconds": leg.hold,
        "call-orig-call-id": leg.call_id,
        "call-orig-caller-id": _number(leg.orig_number, position),
        "call-orig-department": "",
        "call-orig-domain": host if leg.orig_user else "*",
        "call-orig-from-host": host if leg.orig_user else off_net,
        "call-orig-from-name": leg.orig_name,
        "call-orig-from-uri": f"sip:{origin}@{host if leg.orig_user else off_net}",
        "call-orig-from-user": origin,
        "call-orig-ip-address": "198.51.100.10" if leg.orig_user else off_net,
        "call-orig-match-uri": f"sip:{origin}@{host}",
        "call-orig-pre-routing-uri": f"sip:{leg.dialled}@{host}",
        "call-orig-request-host": host,
        "call-orig-request-uri": f"sip:{leg.dialled}@{host}",
        "call-orig-request-user": leg.dialled,
        "call-orig-reseller": domain.reseller,
        "call-orig-site": "",
        "call-orig-to-host": host,
        "call-orig-to-uri": f"sip:{leg.dialled}@{host}",
        "call-orig-to-user": leg.dialled,
        "call-orig-user": _number(leg.orig_user, position + 1),
        "call-parent-call-id": leg.call_id,
        "call-parent-cdr-id": leg.id,
        "call-ringing-datetime": moment(leg.start + timedelta(seconds=1)),
        "call-routing-class": 0 if leg.term_user else 2,
        "call-routing-match-uri": f"sip:{leg.dialled[:2]}*@*",
        "call-start-datetime": moment(leg.start),
        "call-tag": "",
        "call-talking-duration-seconds": leg.talk,
        "call-term-call-id": f"{leg.call_id}-b",
        "call-term-caller-id": _number(leg.term_number or leg.term_user, position),
        "call-term-domain": host if leg.term_user else "*",
        "call-term-ip-address": "198.51.100.11" if leg.term_user else off_net,
        "call-term-match-uri": f"sip:{target}@{host}",
        "call-term-pre-reouting-uri": f"sip:{target}@{host}",
        "call-term-to-uri": f"sip:{target}@{host if leg.term_user else off_net}",
        "call-term-user": _number(leg.term_user, position),
        "call-through-action": leg.through_action or None,
        "call-through-caller-id": _number(leg.through_number, position),
        "call-through-domain": host if leg.through_user else None,
        "call-through-uri": (
            f"sip:{leg.through_user}@{host}" if leg.through_user else None
        ),
        "call-through-user": _number(leg.through_user, position),
        "call-total-duration-seconds": total,
        "call-server-mac-address": "00:00:5E:00:53:01",
        "core-server": "core1.example.net",
        "hide-from-results": leg.hidden,
        "is-trace-expected": True,
        "prefilled-trace-api": "",
        "prefilled-transcription-api": "",
    }
    unknown = known.keys() - set(names)
    if unknown:
        raise ValueError(f"no fields of the vendor: {sorted(unknown)}")
    return {name: known.get(name) for name in names}


def short_row(row):
    """What is left of a row where the server sends less."""
    return {name: row[name] for name in SHORT_FIELDS}


def row_v1(leg, domain):
    """A leg as v1 sends it: all texts, times in epoch seconds, details nested."""

    def epoch(value):
        return str(int(value.timestamp()))

    answer = leg.start + timedelta(seconds=leg.ring)
    return {
        "cdr_id": leg.id,
        "domain": domain.name,
        "territory": domain.reseller,
        "type": str(leg.direction),
        "time_start": epoch(leg.start),
        "time_answer": epoch(answer) if leg.answered else None,
        "time_release": epoch(leg.end),
        "duration": str(int((leg.end - leg.start).total_seconds())),
        "time_talking": str(leg.talk),
        "orig_sub": leg.orig_user or None,
        "term_sub": leg.term_user or None,
        "by_sub": leg.through_user or None,
        "orig_from_uri": f"sip:{leg.orig_user or leg.orig_number}@{domain.name}",
        "orig_from_name": leg.orig_name,
        "orig_to_user": leg.dialled,
        "orig_req_user": leg.dialled,
        "hide": str(leg.hidden),
        "CdrR": {
            "id": "",
            "orig_callid": leg.call_id,
            "orig_from_user": leg.orig_user or leg.orig_number,
            "orig_id": leg.orig_number,
            "term_id": leg.term_number or leg.term_user,
            "by_id": leg.through_number or None,
            "by_action": leg.through_action or None,
            "time_holding": str(leg.hold),
            "release_code": leg.marker,
            "release_text": leg.reason,
            "codec": "PCMU",
        },
    }


def make_domain(name, number_of_users=5, area="404", position=0, reseller="12345"):
    """A domain with users, a queue, and a number for each user.

    A number is of one domain: an area has a hundred that are reserved for fiction.
    """
    area = str(int(area) + position // 10 % 7)
    domain = Domain(name, f"Customer {name.partition('.')[0]}", reseller)
    created = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
    for number in range(number_of_users):
        user = str(1001 + number)
        domain.users.append(
            User(user, "Person", str(number + 1), created + timedelta(days=number))
        )
        domain.numbers.append(
            (f"1{area}55501{(position * 10 + number) % 100:02d}", "to-user", user)
        )
    domain.users.append(User("2000", "Sales", "Queue", created, "system-queue"))
    domain.numbers.append((f"1{area}5550199", "available-number", ""))
    return domain


def month_of_calls(domain, begin, days=1, per_day=100, seed="calls"):
    """Fill a domain with legs; the same arguments give the same legs.

    :param begin: aware datetime, start of the first day
    :param per_day: calls a day, a transferred or forwarded one has two legs
    """
    chance = random.Random(f"{seed}/{domain.name}")
    people = [user for user in domain.users if not user.service_code]
    numbers = [number for number, _use, _text in domain.numbers]
    for day in range(days):
        for call in range(per_day):
            start = begin + timedelta(days=day, seconds=chance.randrange(86_400))
            key = f"{int(start.timestamp())}{day:03d}{call:06d}"
            key += f"{chance.randrange(16**8):08x}"
            _add_call(domain, chance, key, start, people, numbers)
    domain.legs.sort(key=lambda leg: (leg.start, leg.id))
    return domain


def _add_call(domain, chance, key, start, people, numbers):
    at = chance.randrange(len(people))
    user, number = people[at].user, numbers[at]
    other = chance.choice(people).user
    outside = f"1312555{chance.randrange(100, 200):04d}"
    talk = chance.randrange(3, 900)
    common = {"id": key, "start": start, "call_id": f"{key}@core1.example.net"}
    inbound = {"orig_number": outside, "orig_name": "CALLER", "dialled": number}
    outbound = {
        "orig_user": user,
        "orig_number": number,
        "orig_name": f"{people[at].first_name} {people[at].last_name}",
    }
    dice = chance.random()
    legs = domain.legs
    if dice < 0.5:
        target = outside
        if chance.random() < 0.2:
            target = chance.choice(ABROAD).format(chance.randrange(100))
        dialled = target if target.startswith("1") else f"011{target}"
        hold = chance.choice((0, 0, 0, 15))
        calls = {"dialled": dialled, "term_number": target, "talk": talk, "hold": hold}
        legs.append(Leg(direction=0, **common, **outbound, **calls))
    elif dice < 0.68:
        legs.append(Leg(direction=1, talk=talk, term_user=user, **common, **inbound))
    elif dice < 0.76:
        missed = {"ring": 26, "reason": "Orig: Cancel", "term_user": user}
        legs.append(Leg(direction=2, **missed, **common, **inbound))
    elif dice < 0.86:
        other = other if other != user else people[at - 1].user
        within = {"dialled": other, "term_user": other, "talk": talk}
        legs.append(Leg(direction=0, **common, **outbound, **within))
    elif dice < 0.90:
        queue = {"answered_by_machine": True, "waiting": 40, "reason": "Abandoned"}
        legs.append(Leg(direction=1, term_user="2000", **queue, **common, **inbound))
    elif dice < 0.94:
        _add_forwarded(legs, common, inbound, user, number, talk)
    elif dice < 0.97:
        legs.append(Leg(direction=1, talk=talk, term_user=user, **common, **inbound))
        second = {**common, "id": f"{key}t", "start": legs[-1].end}
        legs.append(
            Leg(
                direction=1,
                talk=talk // 2,
                ring=2,
                term_user=other,
                **second,
                **inbound,
            )
        )
    else:
        noise = {"dialled": user, "term_user": user, "reason": "Term: Reg Expired"}
        legs.append(Leg(direction=0, ring=0, **common, **outbound, **noise))


def _add_forwarded(legs, common, inbound, user, number, talk):
    """A call to a user who forwards to a mobile: in, and out again."""
    through = {
        "through_user": user,
        "through_number": number,
        "through_action": "ForwardAlways",
    }
    begun = {"marker": "begin", "reason": "New Forward Leg", "ring": 1}
    legs.append(Leg(direction=2, term_user=user, **begun, **common, **inbound))
    onward = {**common, "id": f"{common['id']}f", "start": legs[-1].end}
    legs.append(
        Leg(
            direction=1,
            talk=talk,
            term_number="17705550123",
            **through,
            **onward,
            **inbound,
        )
    )
