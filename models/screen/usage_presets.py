# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What trades bill, ready to use: meters with prices to change, and their events."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)


@dataclass(frozen=True)
class Sold:
    """A metered product of a preset.

    :ivar name: of meter, price and product
    :ivar type: of the events that count for it
    :ivar kind, aggregation: of its meter, which has ``meter`` as further values
    :ivar price: values of its ``metered.price``
    :ivar tiers: tuple of (up to, unit price) in place of one price
    :ivar samples: tuple of (days ago, quantity): what a program sends
    """

    name: str
    type: str
    unit: str
    aggregation: str = "sum"
    kind: str = "event"
    meter: dict = field(default_factory=dict)
    price: dict = field(default_factory=dict)
    tiers: tuple = ()
    samples: tuple = ((0, 1),)


@dataclass(frozen=True)
class Preset:
    """What a trade bills, ready to use: prices are examples to be changed.

    :ivar identifier: kind of ``metered.identifier`` that its events come with
    :ivar subject: an example of one
    """

    label: str
    subject: str
    sold: tuple
    identifier: str = "key"


PRESETS = {
    "api_calls": Preset(
        _lt("SaaS API calls"),
        "acme",
        (
            Sold(
                _lt("API calls"),
                "api.call",
                _lt("API call"),
                tiers=((10_000, 0), (1_000_000, "0.002"), (0, "0.001")),
                samples=((0, 12_000),),
            ),
        ),
    ),
    "seats": Preset(
        _lt("Seats"),
        "acme",
        (
            Sold(
                _lt("Seats"),
                "seats",
                _lt("seat"),
                aggregation="max",
                kind="gauge",
                meter={"level_holds": True},
                price={"unit_price": "12"},
                samples=((0, 25),),
            ),
        ),
    ),
    "storage": Preset(
        _lt("Storage"),
        "acme",
        (
            Sold(
                _lt("Storage"),
                "storage",
                _lt("GB"),
                aggregation="time_average",
                kind="gauge",
                price={"unit_price": "0.1"},
                samples=((1, 500),),
            ),
        ),
    ),
    "data_plan": Preset(
        _lt("IoT data plan"),
        "8944538523010000001",
        (
            Sold(
                _lt("IoT data"),
                "data",
                _lt("MB"),
                tiers=((1_000, 0), (0, "0.01")),
                samples=((0, 1_500),),
            ),
        ),
        "device",
    ),
    "electricity": Preset(
        _lt("Electricity"),
        "E-471100",
        (
            Sold(
                _lt("Electricity, peak"),
                "electricity.peak",
                _lt("kWh"),
                kind="counter",
                price={"unit_price": "0.32"},
                samples=((30, 10_150), (0, 10_300)),
            ),
            Sold(
                _lt("Electricity, off-peak"),
                "electricity.off_peak",
                _lt("kWh"),
                kind="counter",
                price={"unit_price": "0.21"},
                samples=((30, 7_400), (0, 7_580)),
            ),
        ),
        "meter",
    ),
    "water": Preset(
        _lt("Water"),
        "W-471100",
        (
            Sold(
                _lt("Water"),
                "water",
                _lt("m³"),
                kind="counter",
                tiers=((10, "1.5"), (20, "2.2"), (0, "3")),
                samples=((30, 812), (0, 837)),
            ),
        ),
        "meter",
    ),
    "call_center": Preset(
        _lt("Cloud call center"),
        "acme",
        (
            Sold(
                _lt("Call center minutes"),
                "call.ended",
                _lt("second"),
                price={
                    "unit_price": "0.02",
                    "conversion_operation": "divide",
                    "conversion_factor": 60,
                    "unit": _lt("minute"),
                },
                samples=((0, 245),),
            ),
        ),
    ),
}


def preset_of(types):
    """The preset that has one of these types of events; None: there is none."""
    found = (
        preset
        for preset in PRESETS.values()
        if any(sold.type in types for sold in preset.sold)
    )
    return next(found, None)


def preset_events(preset, subject):
    """What a program would send, as text: an event, or a list of them.

    :param preset: :class:`Preset`
    :param str subject: an identifier of the customer
    """
    now = datetime.now(UTC).replace(microsecond=0)
    events = []
    for sold in preset.sold:
        for days, quantity in sold.samples:
            moment = now - timedelta(days=days)
            text = moment.isoformat().replace("+00:00", "Z")
            events.append(
                {
                    "specversion": "1.0",
                    "id": f"{sold.type}-{text}",
                    "source": "/my-program",
                    "type": sold.type,
                    "subject": subject,
                    "time": text,
                    "data": {"quantity": quantity},
                }
            )
    told = events[0] if len(events) == 1 else events
    return json.dumps(told, indent=2)
