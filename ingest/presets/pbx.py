# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Telephone systems of an office, after their makers' manuals; no real file was seen.

3CX
    "CDR - Call Data Records" (3cx.com): the 27 fields of the CDR output in the order of
    the manual, without a header. Lines that users published have dates as
    ``2024/06/17 05:59:49``, numbers of extensions as ``Ext.10016``, and a duration from
    answer to end. The manual does not say the time zone.
    Of the report "Call Logs" of version 20 the names and examples are from programs
    that users published: ``Call Time`` as ``2026-10-01T09:00:00`` without a zone, or
    with ``Z``; ends as ``Ann Lee (1001)``, ``1001`` or a number; a row for each part of
    a call, of which all have its Call ID; a last row ``Totals``. The report of earlier
    versions does not tell inbound from outbound, and is not read.

Yeastar
    "Call Detail Record (CDR) Overview" (help.yeastar.com, P-Series): names of the
    columns, and the words of Communication Type and Status. How the file writes
    durations and dates is not said, so that clocks of two parts and days before months
    are asked.

Grandstream UCM
    "CDR Report and CDR API Guide" (UCM6510): names and an example; "User Manual"
    (UCM6100, UCM6204): contexts, and that a channel ``PJSIP/trunk_1/…`` is a trunk.

Avaya IP Office
    "SMDR Fields" and "SMDR Examples" (documentation.avaya.com; Branch Gateway Manager
    10.0, appendix SMDR): the fields in order, without a header and never quoted. A
    call that is transferred has a record for each part, each with its own time.

FRITZ!Box
    Files that users published (``sep=;``, header, days as ``30.07.26 15:41``, hours and
    minutes as ``1:05``); AVM's manual only says that the list can be saved. Type 1 is
    inbound, 2 missed, 4 outbound. Type 3 was outbound in earlier versions, and is a
    rejected call, which has no duration, in later ones.
"""

from ..identify import PayerStep
from ..mapping import ColumnSpec
from ..rules import Condition
from .base import (
    INBOUND,
    INTERNAL,
    OUTSIDE_NUMBER,
    Preset,
    PresetRule,
    direction_is,
    extension_of,
    not_billable,
    number_of,
)

_WITHOUT_EXT = r"^(?:Ext\.)?(.*)$"

THREECX = Preset(
    key="3cx",
    name="3CX (CDR output)",
    columns=(
        ColumnSpec("call_id", "historyid+callid"),
        ColumnSpec("start_time", "time-start"),
        ColumnSpec("seconds", "duration", "h:mm:ss"),
        ColumnSpec("caller", "from-no", pattern=_WITHOUT_EXT),
        ColumnSpec("callee", "to-no", pattern=_WITHOUT_EXT),
    ),
    rules=(
        not_billable("Unanswered", Condition("time-answered", "is empty")),
        PresetRule(
            "In over a trunk and out over a trunk",
            "declared",
            "outbound",
            (Condition("from-type", "is", "Line"), Condition("to-type", "is", "Line")),
        ),
        # Whoever forwarded it pays for the call that left.
        PresetRule(
            "Forwarded out over a trunk",
            "declared",
            "outbound",
            (
                Condition("final-type", "is", "Line"),
                Condition("to-type", "is not", "Line"),
            ),
        ),
        not_billable(
            "Inbound", Condition("from-type", "is", "Line"), direction="inbound"
        ),
        PresetRule(
            "Outbound", "billable", "outbound", (Condition("to-type", "is", "Line"),)
        ),
        PresetRule(
            "Outside number called over an unknown kind of line",
            "declared",
            "outbound",
            (
                Condition("to-type", "is not", "Extension"),
                Condition("to-no", "matches", OUTSIDE_NUMBER),
            ),
        ),
        PresetRule(
            "Outside number dialed over an unknown kind of line",
            "declared",
            "outbound",
            (
                Condition("to-type", "is not", "Extension"),
                Condition("dial-no", "matches", OUTSIDE_NUMBER),
            ),
        ),
        not_billable("Internal", direction="internal"),
    ),
    payers=(
        PayerStep("bill-code", "account_code"),
        PayerStep("from-dn", "extension"),
        number_of("caller"),
    ),
    layouts=("3cx",),
)

# The number in brackets behind a name, or alone.
_NUMBER_OF_END = r"(?:^|\()(\+?[0-9*#]+)\)?$"
#: such an end that no extension has
_OUTSIDE_END = r"(?:^|\()\+?[0-9]{7,}\)?$"

THREECX_CALL_LOGS = Preset(
    key="3cx_call_logs",
    name="3CX (report Call Logs, version 20)",
    columns=(
        ColumnSpec("call_id", "Call ID+Call Time+From+To"),
        ColumnSpec("start_time", "Call Time"),
        ColumnSpec("seconds", "Talking", "h:mm:ss"),
        ColumnSpec("caller", "From", pattern=_NUMBER_OF_END),
        ColumnSpec("callee", "To", pattern=_NUMBER_OF_END),
        ColumnSpec("direction", "Direction"),
    ),
    rules=(
        not_billable("Not answered", Condition("Status", "is not", "Answered")),
        # Whoever forwarded it pays for the call that left.
        PresetRule(
            "Forwarded to an outside number",
            "declared",
            "outbound",
            (direction_is("inbound"), Condition("To", "matches", _OUTSIDE_END)),
        ),
        PresetRule(
            "Outside number called as an internal one",
            "declared",
            "outbound",
            (direction_is("internal"), Condition("To", "matches", _OUTSIDE_END)),
        ),
        INBOUND,
        INTERNAL,
    ),
    payers=(extension_of("caller", "outbound"), number_of("caller", "outbound")),
    layouts=("3cx_call_logs",),
)

# A name may stand before the number: Ann<1001>.
_IN_BRACKETS = r"(?:^|<)([^<>]*)>?$"

YEASTAR = Preset(
    key="yeastar",
    name="Yeastar P-Series, S-Series (CDR download)",
    columns=(
        ColumnSpec("call_id", "ID"),
        ColumnSpec("start_time", "Time"),
        ColumnSpec("seconds", "Talk Duration,Talk Duration(s)"),
        ColumnSpec("duration", "Call Duration,Call Duration(s)"),
        ColumnSpec("caller", "Call From", pattern=_IN_BRACKETS),
        ColumnSpec("callee", "Call To", pattern=_IN_BRACKETS),
        ColumnSpec("direction", "Communication Type"),
    ),
    rules=(
        not_billable("Unanswered", Condition("Status", "is not", "ANSWERED")),
        PresetRule(
            "In over a trunk and out over a trunk",
            "declared",
            "outbound",
            (
                Condition("Source Trunk", "is set"),
                Condition("Destination Trunk", "is set"),
            ),
        ),
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("PIN Code", "account_code"),
        extension_of("caller", "outbound"),
        number_of("caller", "outbound"),
    ),
    layouts=("yeastar",),
)

#: a channel of Grandstream over a trunk
_TRUNK = r"^[A-Za-z0-9]+/trunk_"

GRANDSTREAM = Preset(
    key="grandstream",
    name="Grandstream UCM (CDR file)",
    columns=(
        ColumnSpec("call_id", "uniqueid+AcctId"),
        ColumnSpec("start_time", "start"),
        ColumnSpec("time_hint", "uniqueid"),
        ColumnSpec("seconds", "billsec", "s"),
        ColumnSpec("duration", "duration", "s"),
        ColumnSpec("caller", "src"),
        ColumnSpec("callee", "dst"),
    ),
    rules=(
        not_billable("Unanswered", Condition("disposition", "is not", "ANSWERED")),
        PresetRule(
            "In over a trunk and out over a trunk",
            "declared",
            "outbound",
            (
                Condition("channel", "matches", _TRUNK),
                Condition("dstchannel", "matches", _TRUNK),
            ),
        ),
        PresetRule(
            "Extension that forwarded out over a trunk",
            "declared",
            "outbound",
            (
                Condition("dcontext", "is", "ext-local"),
                Condition("dstchannel", "matches", _TRUNK),
            ),
        ),
        not_billable(
            "Inbound", Condition("dcontext", "like", "ext-did*"), direction="inbound"
        ),
        not_billable(
            "Between extensions",
            Condition("dcontext", "is", "ext-local"),
            direction="internal",
        ),
        not_billable(
            "Extension called",
            Condition("userfield", "is", "EXT"),
            direction="internal",
        ),
        not_billable(
            "Announcement or voicemail",
            Condition("dstchannel", "is empty"),
            direction="internal",
        ),
        INTERNAL,
    ),
    payers=(
        PayerStep("accountcode", "account_code"),
        PayerStep("channel_ext", "extension"),
        extension_of("caller"),
        number_of("caller"),
    ),
    layouts=("grandstream",),
)

AVAYA_IP_OFFICE = Preset(
    key="avaya_ip_office",
    name="Avaya IP Office (SMDR)",
    columns=(
        # The same for all parts of a call, and counted anew after a restart.
        ColumnSpec(
            "call_id",
            "Call Start+Call ID+Continuation+Party1Device+Party2Device+Connected Time",
        ),
        ColumnSpec("linked_id", "Call ID"),
        ColumnSpec("start_time", "Call Start"),
        ColumnSpec("seconds", "Connected Time", "h:mm:ss"),
        # Over SIP trunks, the address may follow the number.
        ColumnSpec("caller", "Caller", pattern="^([^@]*)"),
        ColumnSpec("callee", "Called Number", pattern="^([^@]*)"),
    ),
    rules=(
        not_billable("Not connected", Condition("Connected Time", "is", "00:00:00")),
        not_billable(
            "Internal", Condition("Is Internal", "is", "1"), direction="internal"
        ),
        PresetRule(
            "In over a trunk and out over a trunk",
            "declared",
            "outbound",
            (
                Condition("Party1Device", "like", "T*"),
                Condition("Party2Device", "like", "T*"),
            ),
        ),
        not_billable("Inbound", Condition("Direction", "is", "I"), direction="inbound"),
        PresetRule(
            "Outbound",
            "billable",
            "outbound",
            (
                Condition("Direction", "is", "O"),
                Condition("Is Internal", "is", "0"),
            ),
        ),
        PresetRule("Neither inbound nor outbound", "declared", "", ()),
    ),
    payers=(
        PayerStep("Account", "account_code"),
        extension_of("caller"),
        # Of a part after a transfer, the caller may be empty.
        PayerStep("Party1Device", "extension", "^E(.+)$"),
        number_of("caller"),
    ),
    layouts=("avaya_ip_office",),
)

FRITZBOX = Preset(
    key="fritzbox",
    name="FRITZ!Box (Anruferliste)",
    columns=(
        ColumnSpec("start_time", "Datum", "%d.%m.%y %H:%M"),
        ColumnSpec("seconds", "Dauer", "h:mm"),
        ColumnSpec("caller", "Eigene Rufnummer", pattern=r"^(?:[^:]*: *)?(.*)$"),
        ColumnSpec("callee", "Rufnummer"),
    ),
    rules=(
        not_billable("Inbound", Condition("Typ", "is", "1"), direction="inbound"),
        not_billable("Missed", Condition("Typ", "is", "2"), direction="inbound"),
        not_billable("Not connected", Condition("Dauer", "is", "0:00")),
        PresetRule("Outbound", "billable", "outbound", (Condition("Typ", "is", "4"),)),
        PresetRule(
            "Outbound, earlier versions",
            "billable",
            "outbound",
            (Condition("Typ", "is", "3"),),
        ),
        PresetRule("Unknown call type", "declared", "", ()),
    ),
    payers=(
        number_of("caller"),
        PayerStep("Nebenstelle", "extension"),
    ),
    layouts=("fritzbox",),
)
