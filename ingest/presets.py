# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is usual for a kind of file: columns, charging rules, payer steps.

A preset only fills in a source; the operator's own changes count from then on. The
columns are facts about the formats: Asterisk ``cdr_csv``, ``cdr_custom`` and the SQL
table (docs.asterisk.org, "CDR"), FreeSWITCH ``mod_cdr_csv`` template *example*
(developer.signalwire.com), Cisco CUCM flat files (Cisco CDR Administration Guide);
NetSapiens as ``connectors.netsapiens_rows`` gives it.
"""

from dataclasses import dataclass

from .identify import PayerStep
from .mapping import DIRECTIONS, ColumnSpec
from .rules import Condition


@dataclass(frozen=True)
class PresetRule:
    """The first rule whose conditions all hold decides about a record."""

    name: str
    outcome: str
    direction: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Preset:
    """A named set of columns, rules and payer steps."""

    key: str
    name: str
    columns: tuple[ColumnSpec, ...]
    rules: tuple[PresetRule, ...] = ()
    payers: tuple[PayerStep, ...] = ()
    default_outcome: str = "billable"
    default_direction: str = "outbound"
    record_kind: str = "call"


def _words(direction):
    """An expression for all words that a column may say a direction with."""
    words = "|".join(word for word, means in DIRECTIONS.items() if means == direction)
    return rf"(?i)^\s*(?:{words})\s*$"


def _not_billable(name, *conditions, direction=""):
    return PresetRule(name, "not_billable", direction, conditions)


# A channel is named technology/endpoint-serial; Local channels have no endpoint.
ASTERISK_ENDPOINT = r"^(?:PJSIP|SIP|IAX2|DAHDI)/(.+)-[0-9a-f]{8}$"

ASTERISK = Preset(
    key="asterisk",
    name="Asterisk (Master.csv, cdr_custom, SQL)",
    columns=(
        ColumnSpec("call_id", "uniqueid+sequence"),
        ColumnSpec("start_time", "start_epoch,start,calldate"),
        ColumnSpec("time_hint", "uniqueid"),
        ColumnSpec("seconds", "billsec"),
        ColumnSpec("duration", "duration"),
        ColumnSpec("caller", "src"),
        ColumnSpec("callee", "dst"),
    ),
    rules=(
        _not_billable(
            "Unanswered inbound",
            Condition("disposition", "is not", "ANSWERED"),
            Condition("channel", "like", "PJSIP/carrier-*"),
            direction="inbound",
        ),
        _not_billable("Unanswered", Condition("disposition", "is not", "ANSWERED")),
        PresetRule(
            "Outbound over a carrier trunk",
            "billable",
            "outbound",
            (Condition("dstchannel", "like", "PJSIP/carrier-*"),),
        ),
        _not_billable(
            "Inbound from a carrier trunk",
            Condition("channel", "like", "PJSIP/carrier-*"),
            direction="inbound",
        ),
        _not_billable("Internal or announcement", direction="internal"),
    ),
    payers=(
        PayerStep("channel", "endpoint", ASTERISK_ENDPOINT),
        PayerStep("dcontext", "context"),
        PayerStep("accountcode", "account_code"),
        PayerStep("src", "number"),
        PayerStep("src", "extension"),
    ),
    default_outcome="not_billable",
)

FREESWITCH = Preset(
    key="freeswitch",
    name="FreeSWITCH (mod_cdr_csv)",
    columns=(
        ColumnSpec("call_id", "uuid"),
        ColumnSpec("start_time", "start_epoch,start_stamp"),
        ColumnSpec("seconds", "billsec"),
        ColumnSpec("duration", "duration"),
        ColumnSpec("caller", "caller_id_number"),
        ColumnSpec("callee", "destination_number"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        # hangup_cause is no sign of an answer, the stamp is.
        _not_billable("Unanswered", Condition("answer_stamp", "is empty")),
    ),
    payers=(
        PayerStep("accountcode", "account_code"),
        PayerStep("caller_id_number", "number", direction="outbound"),
        PayerStep("destination_number", "number", direction="inbound"),
        PayerStep("caller_id_number", "extension"),
    ),
)

CISCO = Preset(
    key="cisco_cucm",
    name="Cisco CUCM",
    columns=(
        ColumnSpec("call_id", "pkid"),
        ColumnSpec("start_time", "dateTimeOrigination", "epoch"),
        ColumnSpec("seconds", "duration"),
        ColumnSpec("caller", "callingPartyNumber"),
        ColumnSpec("callee", "finalCalledPartyNumber"),
    ),
    rules=(
        _not_billable(
            "Not an end call record", Condition("cdrRecordType", "is not", "1")
        ),
        _not_billable("Never connected", Condition("dateTimeConnect", "one of", "0,")),
    ),
    payers=(
        PayerStep("origDeviceName", "device"),
        PayerStep("callingPartyNumber", "number"),
        PayerStep("callingPartyNumber", "extension"),
        PayerStep("authorizationCodeValue", "account_code"),
    ),
)

GENERIC = Preset(
    key="generic",
    name="Generic CSV (documented layout)",
    columns=(
        ColumnSpec("call_id", "call_id"),
        ColumnSpec("start_time", "start_time"),
        ColumnSpec("seconds", "duration"),
        ColumnSpec("caller", "caller"),
        ColumnSpec("callee", "callee"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        # A rate for any call type would charge them as if they had been made.
        _not_billable(
            "Inbound",
            Condition("direction", "matches", _words("inbound")),
            direction="inbound",
        ),
        _not_billable(
            "Internal",
            Condition("direction", "matches", _words("internal")),
            direction="internal",
        ),
    ),
    payers=(
        PayerStep("account", "account_code"),
        PayerStep("extension", "extension"),
        PayerStep("caller", "number", direction="outbound"),
        PayerStep("callee", "number", direction="inbound"),
    ),
)

# The columns that connectors.netsapiens_rows adds to the vendor's own.
NETSAPIENS = Preset(
    key="netsapiens",
    name="NetSapiens",
    columns=(
        ColumnSpec("call_id", "call_id"),
        ColumnSpec("start_time", "start_time"),
        ColumnSpec("seconds", "talking_seconds"),
        ColumnSpec("duration", "total_seconds"),
        ColumnSpec("caller", "caller"),
        ColumnSpec("callee", "callee"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        _not_billable(
            "No call: registration, test or hidden", Condition("noise", "is set")
        ),
        # A queue or an auto attendant answers, and nobody may have spoken.
        _not_billable("Nobody spoke", Condition("answered", "is not", "yes")),
        _not_billable(
            "Inbound", Condition("direction", "is", "inbound"), direction="inbound"
        ),
        _not_billable(
            "Between users of the switch",
            Condition("network", "is", "on-net"),
            direction="internal",
        ),
    ),
    payers=(
        PayerStep("extension", "extension"),
        PayerStep("payer_number", "number"),
        PayerStep("account", "account_code"),
    ),
)

# Events and readings: what identifies the customer may be of any kind.
USAGE = Preset(
    key="usage",
    name="Other usage: events and readings (documented layout)",
    columns=(
        ColumnSpec("call_id", "id,event_id"),
        ColumnSpec("start_time", "time,timestamp,start_time"),
        ColumnSpec("quantity", "quantity,value"),
        ColumnSpec("meter", "meter"),
        ColumnSpec("properties", "properties"),
        ColumnSpec("serial", "serial,meter_serial"),
        ColumnSpec("estimated", "estimated"),
        ColumnSpec("reading_kind", "reading_kind"),
    ),
    payers=tuple(
        PayerStep("identifier", kind)
        for kind in ("meter", "key", "device", "number", "account_code", "extension")
    ),
    record_kind="usage",
)

PRESETS = {
    preset.key: preset
    for preset in (GENERIC, ASTERISK, FREESWITCH, CISCO, NETSAPIENS, USAGE)
}
