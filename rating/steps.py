# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The steps of an explanation, and what each says in English.

Whoever shows them translates by code; the values are decimal texts, numbers, or ids.
"""

from dataclasses import dataclass, field

TEXTS = {
    "deck_passed": "Deck {deck_id} has no rate for this call.",
    "rate_passed": "Rate {rate_id} (prefix {prefix}) does not apply: {reason}.",
    "deck": "Deck {deck_id}, number {place} of the chain, has a rate.",
    "rate": "Rate {rate_id}: prefix {prefix}, {price} per {per_seconds} s.",
    "runner_up": "Without it rate {rate_id} (prefix {prefix}) would apply.",
    "band": "Local time {local_time} ({timezone}): time band {band_id}.",
    "free_zero": "A call of 0 seconds is free.",
    "grace": "{seconds} s is shorter than {grace_seconds} s, which is free.",
    "increments": "{seconds} s in steps of {initial}/{increment} s:"
    " {billed_seconds} s are billed.",
    "part": "From {local_time} rate {rate_id}: {billed_seconds} s"
    " at {price} per {per_seconds} s = {amount}.",
    "call_tier": "From second {from_second}: {billed_seconds} s"
    " at {price} per {per_seconds} s.",
    "allowance_taken": "Allowance {allowance_id} takes {quantity} {unit}"
    " for {seconds} s of the call, at {price} per {per_units} = {amount}.",
    "left_to_deck": "{seconds} s are left to the deck.",
    "usage": "Usage {amount}.",
    "connection_fee": "Connection fee {fee}: {amount}.",
    "minimum": "Raised to the minimum charge {minimum}.",
    "maximum": "Lowered to the maximum charge {maximum}.",
    "plan_charge": "With {plan} for what allowances took: {amount}.",
    "rounding": "Rounded to {decimals} decimals ({rounding}): {before} to {after}.",
    "allowance_money": "Allowance {allowance_id} pays {paid}, {charge} is left.",
    "charge": "Charge {charge}.",
    "no_rate": "No rate deck has a rate for this call.",
    "no_deck": "There is no rate deck for this call.",
    "too_large": "The charge is too large to be stored.",
    "measured": "Measured ({aggregation}): {measured}; priced unit: {quantity}.",
    "level": "Level ({aggregation}): {level} since {since} {zone}; {gap_hours} hours"
    " without a sample ({gap_policy}).",
    "quantity_rounded": "Quantity rounded from {before} to {after}.",
    "free_units": "Of {free_units} free units a period, {taken} are taken.",
    "price_version": "Version {version} of the price, for {share} of the period.",
    "unit_price": "{quantity} at {unit_price} each = {amount}.",
    "tier": "Tier {tier}, up to {up_to}: {sold} at {unit_price}, fee {flat_fee}"
    " = {amount}.",
    "volume": "{total} is in tier {tier}: {sold} at {unit_price}, fee {flat_fee}"
    " = {amount}.",
    "stairstep": "{quantity} reaches step {tier}: {amount}.",
    "packages": "{paid_units} above {free_units} free units are {packages} packages"
    " of {size} at {unit_price} = {amount}.",
    "percentage": "{paid_amount} at {rate} %, {paying_events} events at {fixed_fee},"
    " limits per event {adjustment} = {amount}.",
    "period_minimum": "Raised by {amount} to the minimum {minimum} of the period.",
    "period_maximum": "Lowered by {amount} to the maximum {maximum} of the period.",
    "amount_rounded": "Rounded to {decimals} decimals ({rounding}): {before} to"
    " {after}.",
}


@dataclass(frozen=True)
class Step:
    """One step: a code, its values (for a translated text) and an English text.

    - `quantity`: what the step priced, exactly, where its text may have no end
    """

    code: str
    values: dict = field(default_factory=dict)
    quantity: object = field(default=None, compare=False)

    @property
    def text(self):
        """Return the step in English."""
        return TEXTS[self.code].format(**self.values)
