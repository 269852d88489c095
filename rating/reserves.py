# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is left of allowances for calls that come in late.

What billed calls took is theirs. So calls of a period that come in after it was billed
get what is left then; and where allowances roll over, what billed calls of later
periods took of it is left to these: it is reserved for them. Otherwise it would be
granted twice.

A *place* is a pair (allowance id, key of the pool), amounts are in the allowance's
smallest unit, before its factor is taken away.
"""

from .allowances import UNLIMITED, balances


def reserves(taken, grants, allowances, after=None):
    """Return what each period has to leave for billed calls of later ones.

    A later period first uses what rolled over, so what it needs of the periods before
    is what its calls took, and what it has to leave itself, above its own grant.

    :param taken: of each period what its billed calls took, dict place -> amount
    :param grants: of each period the balances granted for it, see `allowances.grant`
    :param allowances: the `Allowance`s; of those that do not roll over nothing is
        reserved
    :param after: what the last period has to leave, dict place -> amount
    :return: list of dicts place -> amount, period by period
    """
    rolling = {a.id for a in allowances if a.rollover_periods}
    found, later = [], after or {}
    for of_period, granted in zip(reversed(taken), reversed(grants), strict=True):
        found.append(later)
        own = _amounts(granted)
        needed = {
            place: of_period.get(place, 0) + later.get(place, 0) - own.get(place, 0)
            for place in {*of_period, *later}
            if place[0] in rolling
        }
        later = {place: amount for place, amount in needed.items() if amount > 0}
    return found[::-1]


def needed_before(taken, grants, allowances):
    """Return what billed calls of some periods need of what was before these.

    :param taken, grants, allowances: as `reserves` takes them
    :return: dict place -> amount
    """
    if not taken:
        return {}
    nothing = balances()
    return reserves([{}, *taken], [nothing, *grants], allowances)[0]


def less(opening, taken, reserve):
    """Return balances without what billed calls took, and what is reserved.

    :param opening: balances, see `allowances.balances`
    :param taken, reserve: dicts place -> amount
    :return: balances, one row for each place
    """
    if not len(opening):
        return opening
    columns = (opening[name].tolist() for name in ("allowance_id", "key", "amount"))
    total = {}
    for number, key, amount in zip(*columns, strict=True):
        total[number, key] = min(total.get((number, key), 0) + amount, UNLIMITED)
    for place, amount in total.items():
        if amount < UNLIMITED:
            gone = taken.get(place, 0) + reserve.get(place, 0)
            total[place] = max(amount - gone, 0)
    return balances(
        {"allowance_id": number, "key": key, "amount": amount, "periods_left": 0}
        for (number, key), amount in sorted(total.items())
    )


def _amounts(granted):
    places = zip(granted["allowance_id"].tolist(), granted["key"].tolist(), strict=True)
    return dict(zip(places, granted["amount"].tolist(), strict=True))
