# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is usual for a kind of file: columns, charging rules, payer steps.

A preset only fills in a source; the operator's own changes count from then on.
"""

from .base import Preset, PresetRule
from .cloud import TEAMS, TEAMS_DIRECT_ROUTING, TWILIO, TWILIO_CONSOLE
from .general import ASTERISK, CISCO, EVENTS, FREESWITCH, GENERIC, NETSAPIENS, USAGE
from .lines import CHARGEOVER, USAGE_LINES
from .pbx import (
    AVAYA_IP_OFFICE,
    FRITZBOX,
    GRANDSTREAM,
    THREECX,
    THREECX_CALL_LOGS,
    YEASTAR,
)
from .softswitch import BROADWORKS, FUSIONPBX, KAMAILIO, KAZOO, METASWITCH

__all__ = ["PRESETS", "Preset", "PresetRule"]

PRESETS = {
    preset.key: preset
    for preset in (
        GENERIC,
        ASTERISK,
        AVAYA_IP_OFFICE,
        BROADWORKS,
        CISCO,
        FREESWITCH,
        FRITZBOX,
        FUSIONPBX,
        GRANDSTREAM,
        KAMAILIO,
        KAZOO,
        METASWITCH,
        NETSAPIENS,
        TEAMS,
        TEAMS_DIRECT_ROUTING,
        THREECX,
        THREECX_CALL_LOGS,
        TWILIO,
        TWILIO_CONSOLE,
        YEASTAR,
        USAGE,
        EVENTS,
        USAGE_LINES,
        CHARGEOVER,
    )
}
