# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Presets of what is read without a manual: Asterisk, FreeSWITCH, CUCM, our own layout.

Sources of the columns: Asterisk ``cdr_csv``, ``cdr_custom`` and the SQL
table (docs.asterisk.org, "CDR"), FreeSWITCH ``mod_cdr_csv`` template *example*
(developer.signalwire.com), Cisco CUCM flat files (Cisco CDR Administration Guide);
NetSapiens as ``connectors.netsapiens_rows`` gives it.
"""

from ...connectors.events.cloud_event import KEY
from ..identify import PayerStep
from ..mapping import ColumnSpec
from ..rules import Condition
from .base import (
    INBOUND,
    INTERNAL,
    OUTSIDE_NUMBER,
    Preset,
    PresetRule,
    not_billable,
    number_of,
)

# A channel is named technology/endpoint-serial; Local channels have no endpoint.
ASTERISK_ENDPOINT = r"^(?:PJSIP|SIP|IAX2|DAHDI)/(.+)-[0-9a-f]{8}$"

ASTERISK = Preset(
    key="asterisk",
    name="Asterisk (Master.csv, cdr_custom, SQL)",
    columns=(
        ColumnSpec("call_id", "uniqueid+sequence"),
        ColumnSpec("linked_id", "linkedid"),
        ColumnSpec("start_time", "start_epoch,start,calldate"),
        ColumnSpec("time_hint", "uniqueid"),
        ColumnSpec("seconds", "billsec", "s"),
        ColumnSpec("duration", "duration", "s"),
        ColumnSpec("caller", "src"),
        ColumnSpec("callee", "dst"),
    ),
    rules=(
        not_billable(
            "Unanswered inbound",
            Condition("disposition", "is not", "ANSWERED"),
            Condition("channel", "like", "PJSIP/carrier-*"),
            direction="inbound",
        ),
        not_billable("Unanswered", Condition("disposition", "is not", "ANSWERED")),
        PresetRule(
            "Outbound over a carrier trunk",
            "billable",
            "outbound",
            (Condition("dstchannel", "like", "PJSIP/carrier-*"),),
        ),
        not_billable(
            "Inbound from a carrier trunk",
            Condition("channel", "like", "PJSIP/carrier-*"),
            direction="inbound",
        ),
        # Trunks that are called otherwise than the rules before say.
        PresetRule(
            "Outside number called over a channel that no rule names",
            "declared",
            "outbound",
            (
                Condition("dstchannel", "is set"),
                Condition("dstchannel", "not like", "Local/*"),
                Condition("dst", "matches", OUTSIDE_NUMBER),
            ),
        ),
        not_billable("Internal or announcement", direction="internal"),
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
        ColumnSpec("linked_id", "uuid+bleg_uuid"),
        ColumnSpec("start_time", "start_epoch,start_stamp"),
        ColumnSpec("seconds", "billsec", "s"),
        ColumnSpec("duration", "duration", "s"),
        ColumnSpec("caller", "caller_id_number"),
        ColumnSpec("callee", "destination_number"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        # hangup_cause is no sign of an answer, the stamp is.
        not_billable("Unanswered", Condition("answer_stamp", "is empty")),
        INTERNAL,
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
        ColumnSpec("linked_id", "globalCallID_callManagerId+globalCallID_callId"),
        ColumnSpec("start_time", "dateTimeOrigination", "epoch"),
        ColumnSpec("seconds", "duration", "s"),
        ColumnSpec("caller", "callingPartyNumber"),
        ColumnSpec("callee", "finalCalledPartyNumber"),
    ),
    rules=(
        not_billable(
            "Not an end call record", Condition("cdrRecordType", "is not", "1")
        ),
        not_billable("Never connected", Condition("dateTimeConnect", "one of", "0,")),
        INTERNAL,
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
        ColumnSpec("linked_id", "linked_id"),
        ColumnSpec("start_time", "start_time"),
        ColumnSpec("seconds", "duration"),
        ColumnSpec("caller", "caller"),
        ColumnSpec("callee", "callee"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        # A rate for any call type would charge them as if they had been made.
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("account", "account_code"),
        PayerStep("extension", "extension"),
        number_of("caller", "outbound"),
        number_of("callee", "inbound"),
    ),
)

# The columns that connectors.netsapiens_rows adds to the vendor's own.
NETSAPIENS = Preset(
    key="netsapiens",
    name="NetSapiens",
    columns=(
        ColumnSpec("call_id", "call_id"),
        ColumnSpec("linked_id", "call-orig-call-id"),
        ColumnSpec("start_time", "start_time"),
        ColumnSpec("seconds", "talking_seconds", "s"),
        ColumnSpec("duration", "total_seconds", "s"),
        ColumnSpec("caller", "caller"),
        ColumnSpec("callee", "callee"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        not_billable(
            "No call: registration, test or hidden", Condition("noise", "is set")
        ),
        # A queue or an auto attendant answers, and nobody may have spoken.
        not_billable("Nobody spoke", Condition("answered", "is not", "yes")),
        INBOUND,
        not_billable(
            "Between users on the same switch",
            Condition("network", "is", "on-net"),
            direction="internal",
        ),
        INTERNAL,
    ),
    payers=(
        PayerStep("extension", "extension"),
        PayerStep("payer_number", "number"),
        PayerStep("account", "account_code"),
    ),
)

# Events and readings: what identifies the customer may be of any kind.
EVENTS = Preset(
    key="events",
    name="Events pushed by a program",
    columns=(
        ColumnSpec("call_id", KEY),
        ColumnSpec("start_time", "time"),
        ColumnSpec("quantity", "data.quantity"),
        ColumnSpec("meter", "type"),
    ),
    payers=tuple(
        PayerStep("subject", kind)
        for kind in ("key", "device", "meter", "account_code", "number", "extension")
    ),
    record_kind="usage",
)
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
