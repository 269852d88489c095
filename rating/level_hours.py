# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The course of a level over a long time, from what is kept of its hours.

An hour of a series is what lies between its first and its last sample: it depends on
its own samples alone, so that a late sample changes one hour. What held before its
first sample and after its last one is found when it is asked for, from the last sample
of the hour before: until the next sample, or for as long as a sample holds.

Of several series the levels are added up. Where at most one of them changes in an
hour, its lowest and highest levels follow from the hours; where several do, it depends
on what came first, so the samples of these hours are looked at.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from .levels import levels_of

HOUR_US = 3_600_000_000
#: samples that are looked at where the hours do not tell
MOST_SAMPLES = 50_000
#: what a level can come to that hours tell: a percentile is told by the samples
BY_HOURS = ("max", "min", "last", "time_average")
_SAFE = 2**62


@dataclass
class Bands:
    """What a level came to in each of some spans, arrays of one length.

    - `lowest`, `highest`: ints, `per_unit` of them are 1; of no meaning where
      `known_us` is 0
    - `area`: sum of level x microseconds, in the same units
    - `known_us`: for how long the level is known
    - `is_exact`: False where the lowest level may be higher, the highest may be lower,
      or the sum is an estimate
    """

    lowest: np.ndarray
    highest: np.ndarray
    area: np.ndarray
    known_us: np.ndarray
    is_exact: np.ndarray
    per_unit: int = 1

    def averages(self):
        """Return the average of each span as a Fraction, None where it is unknown."""
        return [
            Fraction(int(area), int(known) * self.per_unit) if known else None
            for area, known in zip(
                self.area.tolist(), self.known_us.tolist(), strict=True
            )
        ]


def bands_of(hours, edges_us, longest_us=None, gap="hold", per_unit=1, samples=None):
    """Return what a level came to between each two edges.

    :param hours: DataFrame, a row for each series and hour with samples: `series` (ints
        or texts), `samples` (their number), `first_us`, `last_us` (instants of the
        first and the last one), `lowest`, `highest`, `last` (levels), `last_id`,
        `area` (level x microseconds between the first and the last one), and of that
        what is beyond the time for which a sample holds: `lapsed_area`, `lapsed_us`.
        Levels and areas are ints; those before the first edge are needed as far as
        they hold. One hour may have several rows
    :param edges_us: ascending ints, microseconds UTC
    :param longest_us, gap: as `levels.levels_of` takes them
    :param per_unit: how many of the ints are 1
    :param samples: function (list of (from, to)) -> DataFrame as `levels_of` takes it,
        with all samples of these times
    :return: `Bands`
    """
    edges = np.asarray(edges_us, np.int64)
    start, end = int(edges[0]), int(edges[-1])
    rows = _rows_of(hours, end)
    within = np.arange(-(-start // HOUR_US) * HOUR_US, end, HOUR_US, dtype=np.int64)
    atoms = np.union1d(edges, within)
    is_mixed, weight = _mixed_atoms(rows, atoms)
    pieces = _pieces_of(rows, start, end, longest_us, gap)
    gaps = _waiting(rows, (start, end), longest_us) if gap == "leave_out" else None
    found, needed = _added_up(pieces, atoms, gaps)
    chosen = _affordable(is_mixed, needed, weight) if samples else is_mixed & False
    if chosen.any():
        spans = [_span(atoms, at) for at in np.flatnonzero(chosen)]
        looked_at = samples(spans)
        levels = _levels_in(rows, looked_at, (start, end), longest_us, gap, per_unit)
        found, per_unit = _replaced(found, per_unit, levels, atoms, chosen)
    is_exact = ~(is_mixed | needed) | chosen
    return _binned(found, is_exact, atoms, edges, per_unit)


def level_by_hours(hours, period, how, longest_us, gap, per_unit, samples):
    """Return what the level of a period comes to, without most of its samples.

    :param hours, longest_us, gap, per_unit, samples: as :func:`bands_of` takes them
    :param period: (start, end), microseconds UTC
    :param how: as `levels.Levels.comes_to` takes it
    :return: (quantity, since when, `Levels.gap_us`), the same to the last digit that
        the samples would give; None where they have to be asked
    """
    if how not in BY_HOURS:
        return None
    start, end = period
    gap_us = _gap_us(hours, start, end, longest_us, gap)
    whole = np.arange(-(-start // HOUR_US) * HOUR_US, end, HOUR_US, dtype=np.int64)
    atoms = np.union1d(np.array([start, end], np.int64), whole)
    bands = bands_of(hours, atoms, longest_us, gap, per_unit, samples)
    if gap_us is None or not bands.is_exact.all():
        return None
    known = bands.known_us > 0
    if not known.any():
        return Fraction(0), None, gap_us
    if how == "time_average":
        total, lasted = bands.area[known].sum(), bands.known_us.sum()
        return Fraction(int(total), int(lasted) * bands.per_unit), None, gap_us
    if how == "last":
        at = np.flatnonzero(known)[-1]
    else:
        units = bands.highest if how == "max" else bands.lowest
        extreme = units[known].max() if how == "max" else units[known].min()
        at = np.flatnonzero(known & (units == extreme))[0]
    span = _span(atoms, at)
    rows = _rows_of(hours, end)
    levels = _levels_in(rows, samples([span]), period, longest_us, gap, per_unit)
    if how == "last":
        step = -1
    else:
        there = (levels.from_us < span[1]) & (levels.until_us > span[0])
        reached = Fraction(int(extreme), bands.per_unit) * levels.per_unit
        step = np.flatnonzero(there & (levels.units == int(reached)))[0]
    quantity = Fraction(int(levels.units[step]), levels.per_unit)
    return quantity, int(levels.from_us[step]), gap_us


def _span(atoms, at):
    """Return an atom with what precedes it in its hour."""
    return int(atoms[at]) // HOUR_US * HOUR_US, int(atoms[at + 1])


def _gap_us(hours, start, end, longest_us, gap):
    """Return how long some series had no sample that held; None: hours do not tell."""
    if longest_us is None:
        return 0
    rows = _rows_of(hours, end)
    lapses = (rows["lapsed_us"] > 0) | (rows["mixed"] & (longest_us < HOUR_US))
    rows = rows[(rows["last_us"] > start) & lapses]
    is_cut = rows["mixed"] | (rows["first_us"] < start) | (rows["last_us"] >= end)
    several = hours["series"].nunique() > 1
    if len(rows) and (several or is_cut.any()):
        return None
    between = gaps_of(hours, start, end, longest_us)
    if several and between and gap == "leave_out":
        return None
    return int(rows["lapsed_us"].sum()) + sum(until - at for at, until in between)


def gaps_of(hours, start_us, end_us, longest_us, gap="hold"):
    """Return when some series had no sample that held, without gaps within an hour.

    :param hours: as :func:`bands_of` takes it
    :param gap: as `level_series.gaps_of` takes it
    :return: list of (from, to), microseconds UTC, in order
    """
    if longest_us is None:
        return []
    rows = _rows_of(hours, end_us)
    until = _next_first(rows, end_us)
    begins = rows["last_us"].to_numpy() + longest_us
    if gap == "leave_out" and len(rows):
        begins = np.where(_is_last(rows), begins.max(), begins)
    begins = np.clip(begins, start_us, end_us)
    until = np.clip(until, start_us, end_us)
    joined = []
    lasts = begins < until
    for begin, stop in sorted(
        zip(begins[lasts].tolist(), until[lasts].tolist(), strict=True)
    ):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((begin, stop))
    return joined


_SUMS = ("lowest", "highest", "area", "known_us")


def _rows_of(hours, end_us):
    """Sort rows by series and time; two of the same hour become one, `mixed`."""
    rows = hours[hours["first_us"] < end_us].copy()
    rows["series"], names = pd.factorize(rows["series"], sort=True)
    rows["mixed"] = False
    rows["hour"] = rows["first_us"] // HOUR_US
    rows = rows.sort_values(["series", "hour", "last_us", "last_id"], kind="stable")
    twice = rows.duplicated(["series", "hour"], keep=False)
    if twice.any():
        groups = rows[twice].groupby(["series", "hour"], sort=False)
        merged = groups.agg(
            {
                "samples": "sum",
                "first_us": "min",
                "last_us": "last",
                "lowest": "min",
                "highest": "max",
                "last": "last",
                "last_id": "last",
                "area": "sum",
                "lapsed_area": "sum",
                "lapsed_us": "sum",
            }
        ).reset_index()
        merged["mixed"] = True
        rows = pd.concat([rows[~twice], merged])
    rows = rows.sort_values(["series", "first_us"], kind="stable", ignore_index=True)
    rows.attrs["names"] = pd.Index(names)
    return rows


def _next_first(rows, end_us):
    """Return when the next hour's first sample of each row's series is."""
    if not len(rows):
        return np.zeros(0, np.int64)
    first = rows["first_us"].to_numpy()
    return np.where(_is_last(rows), end_us, np.roll(first, -1))


def _is_last(rows):
    """Return which of sorted rows are the last of their series; at least one."""
    series = rows["series"].to_numpy()
    return np.append(series[1:] != series[:-1], True)


def _waiting(rows, period, longest_us):
    """Return the pieces of time between two hours in which a series has no level."""
    if longest_us is None or not len(rows):
        names = ("series", "begin", "stop", "lowest")
        return {name: np.zeros(0, np.int64) for name in names}
    between = ~_is_last(rows)
    begin = rows["last_us"].to_numpy()[between] + longest_us
    stop = _next_first(rows, period[1])[between]
    return {
        "series": rows["series"].to_numpy(np.int64)[between],
        "begin": np.clip(begin, *period),
        "stop": np.clip(stop, *period),
        "lowest": np.zeros(len(begin), np.int64),
    }


def _mixed_atoms(rows, atoms):
    """Return which atoms are told by their samples alone, and how many each has.

    Those of an hour that was told in two parts, and of one that an edge cuts.
    """
    first, last = rows["first_us"].to_numpy(), rows["last_us"].to_numpy()
    at = np.searchsorted(atoms, first, "right") - 1
    to = np.searchsorted(atoms, last, "right") - 1
    mixed, weight = np.zeros(len(atoms) - 1, bool), np.zeros(len(atoms) - 1, np.int64)
    is_odd = rows["mixed"].to_numpy(bool) | (at != to)
    is_odd &= last >= atoms[0]
    for row in np.flatnonzero(is_odd):
        mixed[max(at[row], 0) : min(to[row], len(mixed) - 1) + 1] = True
    within = (at >= 0) & (at < len(weight))
    np.add.at(weight, at[within], rows["samples"].to_numpy(np.int64)[within])
    return mixed, weight


def _pieces_of(rows, start, end, longest_us, gap):
    """Return the course of each series as pieces that are known.

    :return: dict of arrays: `series`, `begin`, `stop`, `lowest`, `highest`, and of
        those that are no level throughout `area`, `known_us` and True as `is_hour`
    """
    series = rows["series"].to_numpy(np.int64)
    first, last = rows["first_us"].to_numpy(), rows["last_us"].to_numpy()
    level = _ints(rows["last"])
    zero = np.zeros(len(rows), level.dtype)
    until = _next_first(rows, end)
    held = until if longest_us is None else np.minimum(until, last + longest_us)
    parts = [(series, last, until if gap == "hold" else held, level)]
    if gap == "zero":
        parts.append((series, held, until, zero))
    if gap != "leave_out" and len(rows):
        is_first = np.append(True, series[1:] != series[:-1])
        begin = np.full(int(is_first.sum()), start, np.int64)
        parts.append((series[is_first], begin, first[is_first], zero[is_first]))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    constant = dict(zip(("series", "begin", "stop", "lowest"), columns, strict=True))
    constant["begin"] = np.clip(constant["begin"], start, end)
    constant["stop"] = np.clip(constant["stop"], start, end)
    within = (first < last) & (last >= start)
    lapsed = rows["lapsed_us"].to_numpy(np.int64)[within]
    area = _ints(rows["area"])[within]
    lowest, highest = _ints(rows["lowest"])[within], _ints(rows["highest"])[within]
    known = (last - first)[within]
    if gap != "hold":
        area = area - _ints(rows["lapsed_area"])[within]
    if gap == "leave_out":
        known = known - lapsed
    elif gap == "zero":
        lowest = np.where(lapsed > 0, np.minimum(lowest, 0), lowest)
        highest = np.where(lapsed > 0, np.maximum(highest, 0), highest)
    hour = {
        "series": series[within],
        "begin": np.maximum(first[within], start),
        "lowest": lowest,
        "highest": highest,
        "area": area,
        "known_us": known,
    }
    return constant, hour


def _added_up(pieces, atoms, gaps):
    """Return the sums of all series atom by atom, and which atoms they do not tell.

    :param gaps: of :func:`_waiting`, where the time is unknown in which a series waits
        for a sample; otherwise None
    """
    constant, hour = pieces
    split = _split(constant, atoms)
    at = np.searchsorted(atoms, hour["begin"], "right") - 1
    series = np.concatenate([split["series"], hour["series"]])
    atom = np.concatenate([split["atom"], at])
    values = {name: np.concatenate([split[name], hour[name]]) for name in _SUMS}
    count = len(atoms) - 1
    of_series, (series, atom) = _reduced(values, series, atom)
    changing = of_series["lowest"] < of_series["highest"]
    changing = np.bincount(atom[changing], minlength=count) > 1
    known = np.diff(atoms)
    is_partly = np.zeros(count, bool)
    if gaps is not None:
        full = of_series["known_us"] == known[atom]
        several, is_waiting, none_known = _who_is_there((series, atom), gaps, atoms)
        is_cut = is_waiting | (np.bincount(atom[~full], minlength=count) > 0)
        is_partly = several & is_cut & ~none_known
        # What all are known for is at most that: exactly that where there is one.
        np.minimum.at(known, atom, of_series["known_us"])
        known[none_known] = 0
        parts = is_partly[atom]
        # Others are there without it for a while, before it began, for example.
        short = np.flatnonzero(parts & ~full)
        for name, wider in (("lowest", np.minimum), ("highest", np.maximum)):
            of_series[name][short] = wider(of_series[name][short], 0)
        of_series["area"][parts] = (
            of_series["area"][parts].astype(object)
            * known[atom[parts]]
            // of_series["known_us"][parts]
        )
    found = {
        name: _sums_by(of_series[name], atom, count)
        for name in ("lowest", "highest", "area")
    }
    return {**found, "known_us": known}, (changing & (known > 0)) | is_partly


def _who_is_there(present, gaps, atoms):
    """Return of each atom what its series are about.

    :param present: (series, atoms): arrays, of which series is there in which atom
    :param gaps: of :func:`_waiting`
    :return: bool arrays: several series are there or wait; one waits for a part of it;
        nothing is known, because none is there or one waits all the time
    """
    series, atom = present
    count = len(atoms) - 1
    waiting = _split(gaps, atoms)
    waits = waiting["atom"]
    none_known = np.bincount(atom, minlength=count) == 0
    none_known[waits[waiting["known_us"] == np.diff(atoms)[waits]]] = True
    pairs = np.stack(
        [
            np.concatenate([atom, waits]),
            np.concatenate([series, waiting["series"]]),
        ]
    )
    several = np.bincount(np.unique(pairs, axis=1)[0], minlength=count) > 1
    return several, np.bincount(waits, minlength=count) > 0, none_known


def _split(pieces, atoms):
    """Cut pieces of one level each at the boundaries of the atoms."""
    lasts = pieces["begin"] < pieces["stop"]
    begin, stop = pieces["begin"][lasts], pieces["stop"][lasts]
    first = np.searchsorted(atoms, begin, "right") - 1
    last = np.searchsorted(atoms, stop, "left") - 1
    times = last - first + 1
    which = np.repeat(np.arange(len(begin)), times)
    offset = np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
    atom = first[which] + offset
    length = np.minimum(stop[which], atoms[atom + 1]) - np.maximum(
        begin[which], atoms[atom]
    )
    level = pieces["lowest"][lasts][which]
    return {
        "series": pieces["series"][lasts][which],
        "atom": atom,
        "lowest": level,
        "highest": level,
        "area": _times(level, length),
        "known_us": length,
    }


def _reduced(values, series, atom):
    """Put together what is of the same series and atom, or of the same atom."""
    order = np.lexsort((atom, series))
    series, atom = series[order], atom[order]
    if not len(order):
        return values, (series, atom)
    is_new = np.append(True, (series[1:] != series[:-1]) | (atom[1:] != atom[:-1]))
    starts = np.flatnonzero(is_new)
    how = {"lowest": np.minimum, "highest": np.maximum}
    reduced = {
        name: how.get(name, np.add).reduceat(column[order], starts)
        for name, column in values.items()
    }
    return reduced, (series[starts], atom[starts])


def _affordable(is_mixed, needed, weight):
    """Return the atoms whose samples are looked at, those in parts first."""
    chosen = np.zeros(len(weight), bool)
    wanted = np.concatenate(
        [np.flatnonzero(is_mixed), np.flatnonzero(needed & ~is_mixed)]
    )
    chosen[wanted[np.cumsum(weight[wanted]) <= MOST_SAMPLES]] = True
    return chosen


def _levels_in(rows, samples, period, longest_us, gap, per_unit):
    """Return the level that is right where all samples are given.

    Elsewhere the last sample of each hour stands for it: what held before.
    """
    lasts = pd.DataFrame(
        {
            "series": rows["series"].to_numpy(),
            "id": rows["last_id"].to_numpy(),
            "at_us": rows["last_us"].to_numpy(),
            "value": [Fraction(int(unit), per_unit) for unit in rows["last"]],
        }
    )
    names = rows.attrs["names"]
    samples = samples.assign(series=names.get_indexer(samples["series"]))
    every = pd.concat([lasts, samples[["series", "id", "at_us", "value"]]])
    every["at_us"] = every["at_us"].astype(np.int64)
    return levels_of(every, *period, longest_us, gap)


def _of_steps(levels, atoms):
    """Return what steps come to atom by atom."""
    pieces = {
        "series": np.zeros(len(levels.units), np.int64),
        "begin": np.clip(levels.from_us, atoms[0], atoms[-1]),
        "stop": np.clip(levels.until_us, atoms[0], atoms[-1]),
        "lowest": levels.units,
    }
    split = _split(pieces, atoms)
    values = {name: split[name] for name in _SUMS}
    reduced, (_series, atom) = _reduced(values, split["series"], split["atom"])
    return {name: _sums_by(reduced[name], atom, len(atoms) - 1) for name in _SUMS}


def _replaced(found, per_unit, levels, atoms, chosen):
    """Put what the samples say in the place of what the hours say."""
    both = math.lcm(per_unit, levels.per_unit)
    exact = _of_steps(levels, atoms)
    replaced = {"known_us": np.where(chosen, exact["known_us"], found["known_us"])}
    for name in ("lowest", "highest", "area"):
        one, other = found[name], exact[name]
        if both > 1:
            one = one.astype(object) * (both // per_unit)
            other = other.astype(object) * (both // levels.per_unit)
        replaced[name] = np.where(chosen, other, one)
    return replaced, both


def _binned(found, is_exact, atoms, edges, per_unit):
    """Put atoms together between each two edges."""
    of = np.searchsorted(edges, atoms[:-1], "right") - 1
    count = len(edges) - 1
    known = found["known_us"] > 0
    values = {name: found[name][known] for name in _SUMS}
    reduced, (_none, bins) = _reduced(
        values, np.zeros(int(known.sum()), np.int64), of[known]
    )
    exact = np.ones(count, bool)
    exact[of[~is_exact]] = False
    return Bands(
        *(_sums_by(reduced[name], bins, count) for name in _SUMS), exact, per_unit
    )


def _sums_by(values, at, count):
    """Return the sum of the values at each position."""
    sums = np.zeros(count, values.dtype)
    np.add.at(sums, at, values)
    return sums


def _ints(column):
    """Return ints as an array, of 64 bits where also their sums fit."""
    values = column.tolist()
    fits = sum(abs(value) for value in values) < _SAFE
    return np.array(values, np.int64 if fits else object)


def _times(level, length):
    """Return level x time, of 64 bits where also their sum fits."""
    if level.dtype != object and len(level):
        most = max(abs(int(level.min())), abs(int(level.max())))
        if most * int(length.sum()) < _SAFE:
            return level * length
    return level.astype(object) * length.astype(object)
