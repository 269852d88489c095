# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""What is usual for a kind of file: columns, charging rules, payer steps.

A preset only fills in a source; the operator's own changes count from then on. The
columns are facts about the formats: Asterisk ``cdr_csv``, ``cdr_custom`` and the SQL
table (docs.asterisk.org, "CDR"), FreeSWITCH ``mod_cdr_csv`` template *example*
(developer.signalwire.com), Cisco CUCM flat files (Cisco CDR Administration Guide).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """Which source column(s) a fact is read from; see ``metered.source.column``."""

    target: str
    columns: str
    style: str = ""
    pattern: str = ""


@dataclass(frozen=True)
class Condition:
    """A test on one source column; see ``ingest.rules.OPERATORS``."""

    column: str
    operator: str
    value: str = ""


@dataclass(frozen=True)
class Rule:
    """The first rule whose conditions all hold decides about a record."""

    name: str
    outcome: str
    direction: str
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class PayerStep:
    """The first step that finds an identifier tells who pays."""

    column: str
    kind: str
    pattern: str = ""
    direction: str = ""


@dataclass(frozen=True)
class Preset:
    """A named set of columns, rules and payer steps."""

    key: str
    name: str
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...] = ()
    payers: tuple[PayerStep, ...] = ()
    default_outcome: str = "billable"
    default_direction: str = "outbound"


# A channel is named technology/endpoint-serial; Local channels have no endpoint.
ASTERISK_ENDPOINT = r"^(?:PJSIP|SIP|IAX2|DAHDI)/(.+)-[0-9a-f]{8}$"

ASTERISK = Preset(
    key="asterisk",
    name="Asterisk (Master.csv, cdr_custom, SQL)",
    columns=(
        Column("call_id", "uniqueid+sequence"),
        Column("start_time", "start_epoch,start,calldate"),
        Column("time_hint", "uniqueid"),
        Column("seconds", "billsec"),
        Column("duration", "duration"),
        Column("caller", "src"),
        Column("callee", "dst"),
    ),
    rules=(
        Rule(
            "Unanswered",
            "not_billable",
            "",
            (Condition("disposition", "is not", "ANSWERED"),),
        ),
        Rule(
            "Outbound over a carrier trunk",
            "billable",
            "outbound",
            (Condition("dstchannel", "like", "PJSIP/carrier-*"),),
        ),
        Rule(
            "Inbound from a carrier trunk",
            "not_billable",
            "inbound",
            (Condition("channel", "like", "PJSIP/carrier-*"),),
        ),
        Rule(
            "Internal or announcement",
            "not_billable",
            "internal",
            (),
        ),
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
        Column("call_id", "uuid"),
        Column("start_time", "start_epoch,start_stamp"),
        Column("seconds", "billsec"),
        Column("duration", "duration"),
        Column("caller", "caller_id_number"),
        Column("callee", "destination_number"),
        Column("direction", "direction"),
    ),
    rules=(
        # hangup_cause is no sign of an answer, the stamp is.
        Rule(
            "Unanswered",
            "not_billable",
            "",
            (Condition("answer_stamp", "is empty"),),
        ),
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
        Column("call_id", "pkid"),
        Column("start_time", "dateTimeOrigination", "epoch"),
        Column("seconds", "duration"),
        Column("caller", "callingPartyNumber"),
        Column("callee", "finalCalledPartyNumber"),
    ),
    rules=(
        Rule(
            "Not an end call record",
            "not_billable",
            "",
            (Condition("cdrRecordType", "is not", "1"),),
        ),
        Rule(
            "Never connected",
            "not_billable",
            "",
            (Condition("dateTimeConnect", "one of", "0,"),),
        ),
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
        Column("call_id", "call_id"),
        Column("start_time", "start_time"),
        Column("seconds", "duration"),
        Column("caller", "caller"),
        Column("callee", "callee"),
        Column("direction", "direction"),
    ),
    payers=(
        PayerStep("account", "account_code"),
        PayerStep("extension", "extension"),
        PayerStep("caller", "number", direction="outbound"),
        PayerStep("callee", "number", direction="inbound"),
    ),
)

PRESETS = {preset.key: preset for preset in (GENERIC, ASTERISK, FREESWITCH, CISCO)}
