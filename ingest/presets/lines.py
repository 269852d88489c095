# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage of lines of subscriptions: as a spreadsheet, and as programs push it.

The columns of a spreadsheet are called as the fields of ChargeOver's API.
"""

from ...connectors.chargeover.usage import CUSTOM, NAMED
from ...connectors.events.cloud_event import KEY
from ..mapping import ColumnSpec
from .base import Preset

_LINE = (
    ColumnSpec("quantity", "usage_value"),
    ColumnSpec("line", "line_item_id"),
    ColumnSpec("usage_type", "type"),
)
USAGE_LINES = Preset(
    key="usage_lines",
    name="Usage per subscription line (spreadsheet)",
    columns=(
        ColumnSpec("call_id", "external_key"),
        ColumnSpec("start_time", "from,to"),
        *_LINE,
        ColumnSpec("line_key", "line_item_external_key"),
        ColumnSpec("line_item", "+".join(NAMED)),
        *(
            ColumnSpec("property", name)
            for name in ("line_item_id", "type", "to", "external_key", *CUSTOM)
        ),
    ),
    record_kind="usage",
)
CHARGEOVER = Preset(
    key="chargeover",
    name="Usage per subscription line, pushed",
    columns=(
        ColumnSpec("call_id", KEY),
        ColumnSpec("start_time", "time"),
        *_LINE,
        ColumnSpec("properties", "properties"),
    ),
    record_kind="usage",
)
