# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Layouts of the switches whose manuals say what is in their files.

Where the facts are from stands with the presets, in ``ingest/presets/``. Of a layout
with a header, those names are asked for that tell it from others; Panasonic's pattern A
is from the Feature Guide of the KX-NS1000, "Record Log Features": 80 characters.
"""

from .layout import CLOCK, STAMP, Layout

_THREECX = tuple(
    "historyid callid duration time-start time-answered time-end reason-terminated"
    " from-no to-no from-dn to-dn dial-no reason-changed final-number final-dn"
    " bill-code bill-rate bill-cost bill-name chain from-type to-type final-type"
    " from-dispname to-dispname final-dispname missed-queue-calls".split()
)

_SMDR = (
    "Call Start",
    "Connected Time",
    "Ring Time",
    "Caller",
    "Direction",
    "Called Number",
    "Dialled Number",
    "Account",
    "Is Internal",
    "Call ID",
    "Continuation",
    "Party1Device",
    "Party1Name",
    "Party2Device",
    "Party2Name",
    "Hold Time",
    "Park Time",
)
_SMDR_CHARGE = (
    "AuthValid",
    "AuthCode",
    "User Charged",
    "Call Charge",
    "Currency",
    "Amount at Last User Change",
    "Call Units",
    "Units at Last User Change",
    "Cost per Unit",
    "Mark Up",
    "External Targeting Cause",
    "External Targeter Id",
    "External Targeted Number",
)
# Later releases went on adding fields at the end, up to this count.
_SMDR_MOST = 40
_SMDR_LATER = tuple(f"Field {number}" for number in range(31, _SMDR_MOST + 1))
_SMDR_ALL = _SMDR + _SMDR_CHARGE

SWITCH_LAYOUTS = {
    "3cx": Layout(
        title="3CX CDR output",
        # The comma at the end of a line may be missing.
        orders=(_THREECX, _THREECX[:-1], (*_THREECX, "rest")),
        cells={
            "historyid": r"(Call )?\d+",
            "duration": rf"({CLOCK}(\.\d+)?)?",
            "time-start": STAMP,
            "time-answered": f"({STAMP})?",
            "time-end": STAMP,
            "from-type": r"\w*",
            "chain": "Chain:.*|",
        },
    ),
    "3cx_call_logs": Layout(
        title="3CX report Call Logs",
        header=frozenset(
            ["Call Time", "Call ID", "From", "To", "Direction", "Status"]
            + ["Ringing", "Talking", "Call Activity Details"]
        ),
    ),
    "yeastar": Layout(
        title="Yeastar CDR download",
        header=frozenset(
            ["Time", "Call From", "Call To", "Status", "Communication Type"]
        ),
    ),
    "grandstream": Layout(
        title="Grandstream UCM CDR file",
        header=frozenset(
            "AcctId accountcode src dst dcontext clid channel dstchannel start answer"
            " end duration billsec disposition uniqueid userfield channel_ext"
            " dstchannel_ext".split()
        ),
    ),
    "avaya_ip_office": Layout(
        title="Avaya IP Office SMDR",
        orders=(
            _SMDR_ALL,
            _SMDR,
            *(
                _SMDR_ALL + _SMDR_LATER[:more]
                for more in range(1, len(_SMDR_LATER) + 1)
            ),
        ),
        cells={
            "Call Start": STAMP,
            "Connected Time": CLOCK,
            "Ring Time": r"\d+",
            "Direction": "[IO]",
            "Is Internal": "[01]",
            "Call ID": r"\d+",
            "Continuation": "[01]",
        },
    ),
    "fritzbox": Layout(
        title="FRITZ!Box Anruferliste",
        header=frozenset(
            ["Typ", "Datum", "Rufnummer", "Nebenstelle", "Eigene Rufnummer", "Dauer"]
        ),
    ),
    "fusionpbx": Layout(
        title="FusionPBX CDR export",
        header=frozenset(
            "xml_cdr_uuid start_epoch answer_stamp direction caller_id_number"
            " destination_number billsec hangup_cause".split()
        ),
    ),
    "broadworks": Layout(
        title="BroadWorks accounting CDR",
        header=frozenset(
            "recordId type userNumber direction callingNumber calledNumber startTime"
            " answerIndicator answerTime releaseTime".split()
        ),
    ),
    "kamailio_acc": Layout(
        title="Kamailio acc: transactions, without durations",
        header=frozenset(
            "method from_tag to_tag callid sip_code sip_reason time".split()
        ),
    ),
    "kamailio_acc_cdrs": Layout(
        title="Kamailio acc_cdrs",
        header=frozenset("start_time end_time duration src_user dst_user".split()),
    ),
    "kamailio_cdrs": Layout(
        title="Kamailio cdrs",
        header=frozenset(
            "sip_call_id sip_from_tag sip_to_tag call_start_time duration src_username"
            " dst_username".split()
        ),
    ),
    "kazoo": Layout(
        title="Kazoo CDR",
        header=frozenset(
            "id call_id other_leg_call_id billing_seconds duration_seconds"
            " unix_timestamp authorizing_id dialed_number direction".split()
        ),
    ),
    "metaswitch_baf": Layout(
        title="Metaswitch Billing AMA Format",
        header=frozenset(
            "structure call_type timing answer originating_number overseas"
            " terminating_number elapsed".split()
        ),
    ),
    "teams_calling_plans": Layout(
        title="Microsoft Teams PSTN usage, Calling Plans",
        header=frozenset(
            [
                "UsageId",
                "Call ID",
                "UPN",
                "Caller ID",
                "Call Type",
                "Destination Number",
                "Start Time",
                "Duration Seconds",
            ]
        ),
    ),
    "teams_direct_routing": Layout(
        title="Microsoft Teams PSTN usage, Direct Routing",
        header=frozenset(
            [
                "CorrelationId",
                "UPN",
                "Invite time",
                "Start time",
                "End time",
                "Success",
                "Caller Number",
                "Callee Number",
                "Call type",
            ]
        ),
    ),
    "teams_graph": Layout(
        title="Microsoft Graph pstnCallLogRow",
        header=frozenset(
            "id callId userPrincipalName startDateTime duration callType callerNumber"
            " calleeNumber".split()
        ),
    ),
    "twilio": Layout(
        title="Twilio calls",
        header=frozenset(
            "sid account_sid from to status start_time duration direction".split()
        ),
    ),
    "twilio_console": Layout(
        title="Twilio console call log",
        header=frozenset(
            ["Call Sid", "From", "To", "Status", "Start Time", "Duration", "Direction"]
        ),
    ),
    "panasonic_a": Layout(
        title="Panasonic SMDR, pattern A (80 characters)",
        orders=(
            (
                "Date",
                "Time",
                "Ext",
                "CO",
                "Dial Number",
                "Ring",
                "Duration",
                "ACC Code",
                "CD",
            ),
        ),
        positions=(1, 10, 18, 24, 27, 53, 58, 67, 78),
        cells={
            "Date": r"\d\d/\d\d/\d\d",
            "Time": r"\d\d:\d\d([AP]M)?",
            "Ext": r"[\dDT*]?\d*",
            "CO": r"\d*",
            "Ring": r"(\d+'\d\d)?",
            "Duration": r"(\d\d:\d\d'\d\d)?",
        },
    ),
}
