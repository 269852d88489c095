# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Charge models: what a quantity of usage costs.

Each file is one model and holds its exact definition; all have the interface of
`charge.ChargeModel`. They see a quantity (and, where a model prices events, their
values), never a record: units, free units, minimum, maximum and rounding come before
and after, in `usage_price`.
"""

from ..errors import TranslatableError, _lt
from .charge import Charge, ChargeLine, ChargeModel
from .graduated import Graduated
from .graduated_percentage import GraduatedPercentage
from .package import Package
from .percentage import Percentage
from .stairstep import Stairstep
from .standard import Standard
from .tiers import Tier, Tiers
from .volume import Volume

CHARGE_MODELS = {
    model.name: model
    for model in (
        Standard,
        Graduated,
        Volume,
        Package,
        Stairstep,
        Percentage,
        GraduatedPercentage,
    )
}
"""The models by the names that configurations give them."""


def charge_model(name, **config):
    """Return a charge model by its name; ValueError when there is none."""
    if name not in CHARGE_MODELS:
        raise TranslatableError(_lt("Charge model '%(name)s' is unknown"), name=name)
    return CHARGE_MODELS[name](**config)


__all__ = [
    "CHARGE_MODELS",
    "Charge",
    "ChargeLine",
    "ChargeModel",
    "Graduated",
    "GraduatedPercentage",
    "Package",
    "Percentage",
    "Stairstep",
    "Standard",
    "Tier",
    "Tiers",
    "Volume",
    "charge_model",
]
