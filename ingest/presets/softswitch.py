# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Switches of operators, after manuals and published sources; no real file was seen.

FusionPBX
    ``app/xml_cdr/xml_cdr_inc.php`` and ``xml_cdr_export.php`` (fusionpbx/fusionpbx):
    the names of the exported columns. ``duration`` is ``billsec`` there; a row may be
    of the other leg.

BroadWorks
    Names of the columns of release 18; Freeside's reader of release 22, after the
    *Accounting CDR Interface Specification*: only rows of type Normal are calls. The
    specification itself is not public: that times are in UTC, as
    ``20261001090000.123``, is general knowledge, and so is that the two records of a
    call between users name each other: *localCallId* of one is the other's
    *remoteCallId*.

Kamailio
    ``acc_cdrs`` of the module *acc* (kamailio.org, database schema), with the columns
    for numbers that the sample configuration adds; and the table *cdrs* that the widely
    used procedures make of ``acc``. The table ``acc`` itself holds transactions, an
    INVITE and a BYE, and no durations: it is recognized, and refused with that reason.

Kazoo
    ``applications/crossbar/src/modules/cb_cdrs.erl`` (2600hz/kazoo): the CSV's columns.
    A direction there is that of a leg, as the media switch sees it: what a device dials
    comes in, with the device as *authorizing_id*, and goes out as another leg. The
    column ``timestamp`` counts from year 0; ``unix_timestamp`` is taken.

Metaswitch
    Binary files in Billing AMA Format, see ``connectors/baf.py``: structures, fields,
    and call types after the maker's own viewer of them, bafview 4.0. Its manuals are
    not public; nothing could be found of other formats (CSV, XML, RADIUS).
"""

from ..identify import PayerStep
from ..mapping import ColumnSpec
from ..rules import Condition
from .base import (
    INBOUND,
    INTERNAL,
    Preset,
    PresetRule,
    extension_of,
    not_billable,
    number_of,
)

FUSIONPBX = Preset(
    key="fusionpbx",
    name="FusionPBX (CDR export)",
    columns=(
        ColumnSpec("call_id", "xml_cdr_uuid"),
        ColumnSpec("start_time", "start_epoch,start_stamp"),
        ColumnSpec("seconds", "billsec", "s"),
        ColumnSpec("caller", "caller_id_number"),
        ColumnSpec("callee", "destination_number"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        not_billable("Other leg", Condition("leg", "is", "b")),
        # hangup_cause is no sign of an answer, the stamp is.
        not_billable("Unanswered", Condition("answer_stamp", "is empty")),
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("accountcode", "account_code"),
        PayerStep("extension", "extension"),
        number_of("caller", "outbound"),
        PayerStep("domain_name", "context"),
    ),
    layouts=("fusionpbx",),
    words=(("local", "internal"),),
)

BROADWORKS = Preset(
    key="broadworks",
    name="BroadWorks (accounting CDR)",
    columns=(
        ColumnSpec("call_id", "recordId"),
        ColumnSpec("linked_id", "localCallId+remoteCallId"),
        ColumnSpec("start_time", "startTime"),
        ColumnSpec("answer_time", "answerTime"),
        ColumnSpec("end_time", "releaseTime"),
        ColumnSpec("caller", "callingNumber"),
        ColumnSpec("callee", "calledNumber"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        not_billable("Not a call record", Condition("type", "is not", "Normal")),
        not_billable("Unanswered", Condition("answerIndicator", "not like", "Yes*")),
        # A call between users has a record of each.
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("userNumber", "number"),
        PayerStep("accountCode", "account_code"),
        PayerStep("group", "context"),
    ),
    timezone="UTC",
    layouts=("broadworks",),
)

KAMAILIO = Preset(
    key="kamailio",
    name="Kamailio (acc_cdrs, cdrs)",
    columns=(
        ColumnSpec("call_id", "sip_call_id+sip_from_tag+sip_to_tag,callid,id"),
        ColumnSpec("linked_id", "sip_call_id,callid"),
        ColumnSpec("start_time", "call_start_time,start_time"),
        ColumnSpec("seconds", "duration", "s"),
        ColumnSpec("caller", "src_username,src_user"),
        ColumnSpec("callee", "dst_username,dst_user"),
    ),
    rules=(
        not_billable("No time", Condition("duration", "one of", "0,0.000,")),
        INTERNAL,
    ),
    payers=(
        number_of("caller"),
        extension_of("caller"),
        PayerStep("src_domain", "context"),
    ),
    layouts=("kamailio_acc_cdrs", "kamailio_cdrs"),
)

KAZOO = Preset(
    key="kazoo",
    name="Kazoo (CDR as CSV)",
    columns=(
        ColumnSpec("call_id", "id"),
        ColumnSpec("linked_id", "call_id+other_leg_call_id"),
        ColumnSpec("start_time", "unix_timestamp", "epoch"),
        ColumnSpec("seconds", "billing_seconds", "s"),
        ColumnSpec("duration", "duration_seconds", "s"),
        ColumnSpec("caller", "caller_id_number"),
        ColumnSpec("callee", "dialed_number,callee_id_number"),
    ),
    rules=(
        # The same call as the leg that came in from the device, or to a device.
        not_billable("Other leg", Condition("direction", "is", "outbound")),
        not_billable("Unanswered", Condition("billing_seconds", "one of", "0,")),
        not_billable(
            "Inbound", Condition("authorizing_id", "is empty"), direction="inbound"
        ),
        INTERNAL,
    ),
    payers=(
        PayerStep("authorizing_id", "device"),
        PayerStep("owner_id", "account_code"),
        number_of("caller"),
        extension_of("caller"),
    ),
    layouts=("kazoo",),
)

#: call types of calls that a subscriber made: message rate, toll, directory assistance,
#: ISDN, interLATA, feature groups A and B, number services; and of those that came in
_OUTGOING = "001,005,006,009,033,045,088,110,131,134,141,142"
_INCOMING = "119,132,135"

METASWITCH = Preset(
    key="metaswitch",
    name="Metaswitch (Billing AMA Format)",
    columns=(
        ColumnSpec("start_time", "date+time"),
        ColumnSpec("seconds", "elapsed", "s"),
        ColumnSpec("caller", "originating_number"),
        ColumnSpec("callee", "terminating_number"),
    ),
    rules=(
        PresetRule(
            "Marked, damaged, or of an unknown structure",
            "declared",
            "",
            (Condition("record_status", "is set"),),
        ),
        # Parts of a call that lasts for days: the last one may count all of it.
        PresetRule(
            "Part of a long call",
            "declared",
            "",
            (Condition("timing", "matches", "^..[^05]"),),
        ),
        not_billable("Not answered", Condition("answer", "one of", "1,5,8")),
        PresetRule(
            "Answer not certain", "declared", "", (Condition("answer", "is", "2"),)
        ),
        not_billable(
            "Inbound",
            Condition("call_type", "one of", _INCOMING),
            direction="inbound",
        ),
        not_billable(
            "Inbound, terminating structure",
            Condition("structure", "one of", "0079,0221,0653"),
            direction="inbound",
        ),
        PresetRule(
            "Outbound",
            "billable",
            "outbound",
            (Condition("call_type", "one of", _OUTGOING),),
        ),
        PresetRule("Unknown call type", "declared", "", ()),
    ),
    payers=(number_of("caller"),),
    layouts=("metaswitch_baf",),
)
