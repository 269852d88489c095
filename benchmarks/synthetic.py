# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A month of calls that never happened, as a switch would have written it.

The same arguments give the same bytes on every machine: calls in the order of their
start, busy in office hours, from customers of very different size to local, national,
toll-free and foreign numbers, dialled in the ways people dial.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

DECKS = Path(__file__).resolve().parent.parent / "demo"
SEED = 20260601
BLOCK = 250_000
#: the longest prefix of the deck
PREFIX_DIGITS = 8

#: midnight of 1 June 2026 in New York, as seconds since the epoch
BEGIN = 1_780_286_400
DAYS = 30
HOUR_WEIGHTS = (1, 1, 1, 1, 1, 2, 4, 8, 16, 22, 24, 24, 20, 22, 24, 23, 20, 14, 9, 7)
HOUR_WEIGHTS += (5, 4, 3, 2)
#: of every hour of a Saturday and Sunday, compared with a working day
WEEKEND = 0.3

LOCAL, NATIONAL, TOLL_FREE, FOREIGN = range(4)
SHARES = (0.40, 0.30, 0.05, 0.25)
UNANSWERED_EVERY = 100
MEAN_SECONDS = 160
LONGEST_SECONDS = 7_200
TOLL_FREE_CODES = np.array([800, 833, 844, 855, 866, 877, 888])


@dataclass(frozen=True)
class Totals:
    """What a file holds: records, answered calls and their seconds."""

    records: int
    answered: int
    seconds: int


@dataclass(frozen=True)
class Price:
    """One line of the rate deck; the price per minute as a decimal text."""

    prefix: str
    name: str
    price: str


def area_codes():
    """Area codes of the United States, int64 array."""
    with (DECKS / "us_area_codes.csv").open(encoding="utf-8") as lines:
        return np.array([int(row["area_code"]) for row in csv.DictReader(lines)])


def deck_prices(count=20_000):
    """Prefixes of a deck, spread as in a real A-Z deck, with prices.

    North America by area code and some exchanges, the rest of the world as in
    ``demo/az_36205.csv``, every so many-th of its prefixes.

    :return: list of ``count`` :class:`Price`
    """
    areas = area_codes()
    prices = [Price("1", "USA", "0.0098")]
    prices += [Price(f"1{area}", "USA", f"0.00{80 + area % 17}") for area in areas]
    prices += [
        Price(f"1{area}{exchange}", "USA rural", f"0.0{210 + (area + exchange) % 97}")
        for exchange in range(220, 380, 16)
        for area in areas
    ]
    with (DECKS / "az_36205.csv").open(encoding="utf-8") as lines:
        world = [
            row
            for row in csv.DictReader(lines)
            if not row["prefix"].startswith("1") and len(row["prefix"]) <= PREFIX_DIGITS
        ]
    missing = count - len(prices)
    prices += [
        Price(row["prefix"], row["destination"], row["cost_per_min"])
        for row in (world[n * len(world) // missing] for n in range(missing))
    ]
    return prices


def customer_numbers(count=2_000):
    """Numbers of the customers without ``+``, int64 array, in 40 area codes."""
    customer = np.arange(count)
    area = area_codes()[(customer % 40) * 7]
    return 10**10 + area * 10**7 + 5_550_000 + customer


def write_calls(path, records, numbers, prefixes, ids="serial"):
    """Write a CSV file of calls.

    :param path: where to
    :param records: how many
    :param numbers: the customers' numbers, int64 array
    :param prefixes: prefixes that foreign numbers begin with (str)
    :param ids: ``serial`` as Asterisk gives them (epoch and serial number), ``uuid``
        as FreeSWITCH does: ids in no order
    :return: :class:`Totals`
    """
    world = _World(numbers, prefixes)
    answered = seconds = 0
    writer = None
    for start in range(0, records, BLOCK):
        rows = np.arange(start, min(start + BLOCK, records))
        table, talk = _block(rows, records, world, ids)
        writer = writer or pyarrow.csv.CSVWriter(
            path,
            table.schema,
            write_options=pyarrow.csv.WriteOptions(quoting_style="none"),
        )
        writer.write_table(table)
        answered += int((talk > 0).sum())
        seconds += int(talk.sum())
    writer.close()
    return Totals(records, answered, seconds)


class _World:
    """Who calls, and where to."""

    def __init__(self, numbers, prefixes):
        self.numbers = numbers
        # A few customers make most of the calls, as everywhere.
        self.customers = _cumulative(1 / (np.arange(len(numbers)) + 20))
        foreign = [prefix for prefix in prefixes if not prefix.startswith("1")]
        order = np.random.default_rng(SEED).permutation(len(foreign))
        self.prefixes = np.array([int(foreign[i]) for i in order])
        self.digits = np.array([len(foreign[i]) for i in order])
        self.popularity = _cumulative(1 / (np.arange(len(foreign)) + 50))
        self.areas = area_codes()


def _block(rows, records, world, ids):
    random = np.random.default_rng([SEED, int(rows[0])])
    count = len(rows)
    caller = world.numbers[np.searchsorted(world.customers, random.random(count))]
    callee = _callees(random, caller, world)
    start = _starts((rows + random.random(count)) / records)
    seconds = np.ceil(random.exponential(MEAN_SECONDS, count)).astype(np.int64)
    seconds = np.clip(seconds, 1, LONGEST_SECONDS)
    seconds[rows % UNANSWERED_EVERY == 0] = 0
    table = pa.table(
        {
            "call_id": _call_ids(ids, random, start, rows),
            "start_time": pa.array(start.view("datetime64[s]")).cast(pa.string()),
            "duration": pa.array(seconds),
            "caller": pa.array(caller).cast(pa.string()),
            "callee": callee,
            "direction": pa.repeat("outbound", count),
            "disposition": pc.if_else(pa.array(seconds > 0), "ANSWERED", "NO ANSWER"),
        }
    )
    return table, seconds


def _call_ids(ids, random, start, rows):
    if ids == "uuid":
        text = random.bytes(16 * len(rows)).hex()
        return pa.array([text[at : at + 32] for at in range(0, len(text), 32)])
    return _join(pa.array(start), ".", pa.array(rows + 1))


def _callees(random, caller, world):
    """Called numbers as dialled in the United States, pyarrow strings."""
    count = len(caller)
    kind = np.searchsorted(np.cumsum(SHARES)[:-1], random.random(count))
    subscriber = random.integers(2_000_000, 10_000_000, count)
    area = np.choose(
        kind,
        [
            caller // 10**7 % 1000,
            world.areas[random.integers(0, len(world.areas), count)],
            TOLL_FREE_CODES[random.integers(0, len(TOLL_FREE_CODES), count)],
            0,
        ],
    )
    number = 10**10 + area * 10**7 + subscriber
    place = np.searchsorted(world.popularity, random.random(count))
    more = np.maximum(11 - world.digits[place], 4)
    tail = random.integers(0, 10_000_000, count) % 10**more
    abroad = world.prefixes[place] * 10**more + tail
    foreign = kind == FOREIGN
    number = np.where(foreign, abroad, number)
    # Trunks write E.164; telephones ten digits, or 1 or 011 before them.
    plain = random.random(count) < 0.2
    ten = ~plain & (kind == LOCAL)
    head = pc.if_else(pa.array(plain), "+", pc.if_else(pa.array(foreign), "011", ""))
    return _join(head, "", pa.array(np.where(ten, number % 10**10, number)))


def _starts(quantiles):
    """Moments of the month at which so much of its traffic is over, epoch seconds."""
    hours = np.arange(DAYS * 24)
    # 1 June 2026 is a Monday.
    weekend = hours // 24 % 7 >= 5
    weights = np.tile(HOUR_WEIGHTS, DAYS) * np.where(weekend, WEEKEND, 1.0)
    edges = np.append(0.0, _cumulative(weights))
    hour = np.interp(quantiles, edges, np.arange(len(edges)))
    return BEGIN + (hour * 3600).astype(np.int64)


def _cumulative(weights):
    total = np.cumsum(weights)
    return total / total[-1]


def _join(first, separator, second):
    """Integers or texts, joined element by element."""
    texts = [part.cast(pa.string()) for part in (first, second)]
    return pc.binary_join_element_wise(*texts, separator)
