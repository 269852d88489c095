# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The metered prices of a database, with their versions."""

from .charge_models import Terms, Tier
from .exact import exact
from .period_price import Version

_PRICES = """
    SELECT price.id, coalesce(price.current_id, price.id), price.charge_model,
           price.unit_price::text, price.fee_at_zero, price.beyond,
           price.package_size::text, price.package_rounding, price.rate::text,
           price.fixed_fee::text, price.free_events, price.free_amount::text,
           price.event_minimum::text, price.event_maximum::text, price.date_from,
           price.charge_basis, meter.aggregation, price.conversion_operation,
           price.conversion_factor::text, price.quantity_rounding,
           price.quantity_decimals, price.free_units::text, price.minimum::text,
           price.has_maximum, price.maximum::text, price.prorate, price.currency_id,
           currency.rounding::text, price.rounding
      FROM metered_price price
      JOIN metered_meter meter ON meter.id = price.meter_id
      JOIN res_currency currency ON currency.id = price.currency_id
     ORDER BY price.id
"""
_TIERS = """
    SELECT price_id, up_to::text, unit_price::text, rate::text, flat_fee::text,
           block::text
      FROM metered_price_tier ORDER BY price_id, sequence, id
"""


def read_prices(cursor):
    """All prices: dict id of the current price -> list of `period_price.Version`."""
    cursor.execute(_TIERS)
    tiers = {}
    for price, *values in cursor.fetchall():
        tiers.setdefault(price, []).append([exact(value) for value in values])
    cursor.execute(_PRICES)
    prices = {}
    for row in cursor.fetchall():
        version = _version(row, tiers.get(row[0], ()))
        prices.setdefault(row[1], []).append(version)
    return prices


def _version(row, tiers):
    basis, aggregation, operation, factor, rounding, decimals = row[15:21]
    free_units, minimum, has_maximum, maximum, prorates, currency = row[21:27]
    charges, factor = basis != "none", exact(factor) or exact(1)
    return Version(
        row[0],
        _terms(row, tiers) if charges else Terms("standard"),
        row[14],
        charges,
        aggregation if basis in (None, "none") else basis,
        factor if operation != "divide" else 1 / factor,
        None if rounding in (None, "none") else rounding,
        decimals or 0,
        exact(free_units),
        exact(minimum) or None if charges else None,
        exact(maximum) if has_maximum else None,
        bool(prorates),
        currency,
        _places(exact(row[27])),
        row[28] or "half_up",
        basis not in (None, "none"),
    )


def _terms(row, tiers):
    model = row[2]
    return Terms(
        model,
        exact(row[3]),
        tuple(_tier(model, *values) for values in tiers),
        bool(row[4]),
        row[5] or "refuse",
        exact(row[6]) or exact(1),
        row[7] or "up",
        exact(row[8]),
        exact(row[9]),
        row[10] or 0,
        exact(row[11]),
        exact(row[12]) or None,
        exact(row[13]) or None,
    )


def _tier(model, up_to, unit_price, rate, flat_fee, block):
    if model == "graduated_percentage":
        return Tier(up_to or None, rate / 100, flat_fee)
    if model == "stairstep":
        return Tier(up_to or None, flat_fee=flat_fee)
    return Tier(up_to or None, unit_price, flat_fee, block or None)


def _places(unit):
    """How many digits a currency has after the point, given its smallest unit."""
    places = 0
    while places < 12 and (unit * 10**places).denominator != 1:
        places += 1
    return places
