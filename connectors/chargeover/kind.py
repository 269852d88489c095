# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Programs that push usage of lines of subscriptions, as a kind of source."""

from ..events.kind import Events
from ..kinds import register_kind


@register_kind
class ChargeOver(Events):
    """Programs that were written for ChargeOver's API."""

    key = "chargeover"
    name = "Usage per subscription line, pushed (ChargeOver API)"
    preset = "chargeover"
    has_lines = True

    @classmethod
    def asks_for(cls, form):
        return super().asks_for(form) - {"events"} | {"chargeover"}
