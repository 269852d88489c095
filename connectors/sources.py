# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The way in to the connectors: importing this makes all of ours known."""

from . import (  # noqa: F401  they register themselves
    asterisk_sql,
    brightlink,
    file_store,
    freeswitch_json,
    http_json,
    netsapiens,
)
from .chargeover import kind as _chargeover  # noqa: F401
from .errors import SourceError
from .events import kind as _events  # noqa: F401
from .interface import (
    CONNECTORS,
    Account,
    Connector,
    Identifier,
    Page,
    kind_of,
    make_connector,
)
from .kafka import source as _kafka  # noqa: F401
from .usage_url import connector as _usage_url  # noqa: F401

__all__ = [
    "CONNECTORS",
    "Account",
    "Connector",
    "Identifier",
    "Page",
    "SourceError",
    "kind_of",
    "make_connector",
]
