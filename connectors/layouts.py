# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""File layouts that are known: which column is where in files that do not say so.

Sources: Asterisk cdr/cdr_csv.c and configs/samples/cdr_custom.conf.sample; FreeSWITCH
autoload_configs/cdr_csv.conf.xml; Cisco CUCM flat files, whose columns only ever grew
at the end.
"""

import re
from collections.abc import Sequence

from .errors import SourceFileError
from .layout import EPOCH, SECONDS, STAMP, Layout
from .switch_layouts import SWITCH_LAYOUTS

_UNIQUE_ID = r"(.+-)?\d{9,10}\.\d+"
# This share of the first records must look right: some of them may be bad.
_ENOUGH = 0.8

_ASTERISK_CELLS = {
    "start": STAMP,
    "answer": f"({STAMP})?",
    "end": f"({STAMP})?",
    "duration": SECONDS,
    "billsec": SECONDS,
    "disposition": "ANSWERED|NO ANSWER|BUSY|FAILED|CONGESTION",
    "uniqueid": _UNIQUE_ID,
    "linkedid": f"({_UNIQUE_ID})?",
    "start_epoch": rf"{EPOCH}(\.\d+)?",
    "end_epoch": rf"{EPOCH}(\.\d+)?",
    "sequence": r"\d*",
}

_MASTER = tuple(
    "accountcode src dst dcontext clid channel dstchannel lastapp lastdata start answer"
    " end duration billsec disposition amaflags".split()
)
_MASTER_NEW = ("peeraccount", "linkedid", "sequence")  # newcdrcolumns=yes

_CUCM = tuple(
    """
    cdrRecordType globalCallID_callManagerId globalCallID_callId origLegCallIdentifier
    dateTimeOrigination origNodeId origSpan origIpAddr callingPartyNumber
    callingPartyUnicodeLoginUserID origCause_location origCause_value
    origPrecedenceLevel origMediaTransportAddress_IP origMediaTransportAddress_Port
    origMediaCap_payloadCapability origMediaCap_maxFramesPerPacket
    origMediaCap_g723BitRate origVideoCap_Codec origVideoCap_Bandwidth
    origVideoCap_Resolution origVideoTransportAddress_IP origVideoTransportAddress_Port
    origRSVPAudioStat origRSVPVideoStat destLegIdentifier destNodeId destSpan destIpAddr
    originalCalledPartyNumber finalCalledPartyNumber finalCalledPartyUnicodeLoginUserID
    destCause_location destCause_value destPrecedenceLevel destMediaTransportAddress_IP
    destMediaTransportAddress_Port destMediaCap_payloadCapability
    destMediaCap_maxFramesPerPacket destMediaCap_g723BitRate destVideoCap_Codec
    destVideoCap_Bandwidth destVideoCap_Resolution destVideoTransportAddress_IP
    destVideoTransportAddress_Port destRSVPAudioStat destRSVPVideoStat dateTimeConnect
    dateTimeDisconnect lastRedirectDn pkid originalCalledPartyNumberPartition
    callingPartyNumberPartition finalCalledPartyNumberPartition lastRedirectDnPartition
    duration origDeviceName destDeviceName origCallTerminationOnBehalfOf
    destCallTerminationOnBehalfOf origCalledPartyRedirectOnBehalfOf
    lastRedirectRedirectOnBehalfOf origCalledPartyRedirectReason
    lastRedirectRedirectReason destConversationId globalCallId_ClusterID joinOnBehalfOf
    comment authCodeDescription authorizationLevel clientMatterCode origDTMFMethod
    destDTMFMethod callSecuredStatus origConversationId origMediaCap_Bandwidth
    destMediaCap_Bandwidth authorizationCodeValue outpulsedCallingPartyNumber
    outpulsedCalledPartyNumber origIpv4v6Addr destIpv4v6Addr origVideoCap_Codec_Channel2
    origVideoCap_Bandwidth_Channel2 origVideoCap_Resolution_Channel2
    origVideoTransportAddress_IP_Channel2 origVideoTransportAddress_Port_Channel2
    origVideoChannel_Role_Channel2 destVideoCap_Codec_Channel2
    destVideoCap_Bandwidth_Channel2 destVideoCap_Resolution_Channel2
    destVideoTransportAddress_IP_Channel2 destVideoTransportAddress_Port_Channel2
    destVideoChannel_Role_Channel2 IncomingProtocolID IncomingProtocolCallRef
    OutgoingProtocolID OutgoingProtocolCallRef currentRoutingReason origRoutingReason
    lastRedirectingRoutingReason huntPilotPartition huntPilotDN calledPartyPatternUsage
    IncomingICID IncomingOrigIOI IncomingTermIOI OutgoingICID OutgoingOrigIOI
    OutgoingTermIOI outpulsedOriginalCalledPartyNumber outpulsedLastRedirectingNumber
    wasCallQueued totalWaitTimeInQueue callingPartyNumber_uri
    originalCalledPartyNumber_uri finalCalledPartyNumber_uri lastRedirectDn_uri
    mobileCallingPartyNumber finalMobileCalledPartyNumber origMobileDeviceName
    destMobileDeviceName origMobileCallDuration destMobileCallDuration mobileCallType
    originalCalledPartyPattern finalCalledPartyPattern lastRedirectingPartyPattern
    huntPilotPattern origDeviceType destDeviceType origDeviceSessionID
    destDeviceSessionID
    """.split()
)
_CUCM_OLD = 112  # columns of an earlier version

LAYOUTS = {
    "asterisk_master": Layout(
        title="Asterisk cdr_csv (Master.csv)",
        orders=(
            _MASTER,
            (*_MASTER, "uniqueid"),
            (*_MASTER, "userfield"),
            (*_MASTER, "uniqueid", "userfield"),
            (*_MASTER, *_MASTER_NEW),
            (*_MASTER, "uniqueid", *_MASTER_NEW),
            (*_MASTER, "userfield", *_MASTER_NEW),
            (*_MASTER, "uniqueid", "userfield", *_MASTER_NEW),
        ),
        cells=_ASTERISK_CELLS,
    ),
    "asterisk_custom": Layout(
        title="Asterisk cdr_custom, 19 columns of the sample configuration",
        orders=(
            tuple(
                "clid src dst dcontext channel dstchannel lastapp lastdata start answer"
                " end duration billsec disposition amaflags accountcode uniqueid"
                " userfield sequence".split()
            ),
        ),
        cells=_ASTERISK_CELLS,
    ),
    "asterisk_custom_epoch": Layout(
        title="Asterisk cdr_custom, 24 columns with epoch times",
        orders=(
            tuple(
                "clid src dst dcontext channel dstchannel lastapp lastdata start answer"
                " end start_epoch answer_epoch end_epoch duration billsec disposition"
                " amaflags accountcode peeraccount uniqueid linkedid userfield"
                " sequence".split()
            ),
        ),
        cells=_ASTERISK_CELLS,
    ),
    "asterisk_sql": Layout(
        title="Asterisk CDR table (PostgreSQL, MySQL), with header",
        header=frozenset(
            "src dst dcontext channel dstchannel start answer end duration billsec"
            " disposition uniqueid".split()
        ),
    ),
    "freeswitch_csv": Layout(
        title='FreeSWITCH mod_cdr_csv, template "example"',
        orders=(
            tuple(
                "caller_id_name caller_id_number destination_number context start_stamp"
                " answer_stamp end_stamp duration billsec hangup_cause uuid bleg_uuid"
                " accountcode read_codec write_codec".split()
            ),
        ),
        cells={
            "start_stamp": STAMP,
            "answer_stamp": f"({STAMP})?",
            "end_stamp": f"({STAMP})?",
            "duration": SECONDS,
            "billsec": SECONDS,
            "hangup_cause": "[A-Z][A-Z0-9_]*",
            "uuid": "[0-9A-Fa-f-]{32,36}",
        },
    ),
    "cisco_cucm": Layout(
        title="Cisco Unified Communications Manager",
        orders=(_CUCM, _CUCM[:_CUCM_OLD]),
        cells={
            "cdrRecordType": r"\d",
            "dateTimeOrigination": EPOCH,
            "dateTimeConnect": rf"0|{EPOCH}",
            "dateTimeDisconnect": rf"0|{EPOCH}",
            "pkid": "[0-9A-Fa-f-]{36}",
            "duration": r"\d+",
        },
        header=frozenset(
            "globalCallID_callManagerId globalCallID_callId dateTimeOrigination"
            " callingPartyNumber finalCalledPartyNumber dateTimeConnect"
            " dateTimeDisconnect pkid duration".split()
        ),
        types_line=True,
    ),
    "generic": Layout(
        title="Generic call records, with header",
        header=frozenset(
            "call_id start_time duration caller callee direction account".split()
        ),
    ),
    **SWITCH_LAYOUTS,
}


def layout_columns(layout: str, count: int) -> tuple[str, ...]:
    """The columns of a layout in a file without header that has so many of them.

    :raise SourceFileError: the layout does not exist with so many columns
    """
    if layout not in LAYOUTS:
        raise SourceFileError(f"There is no file layout {layout!r}.")
    known = LAYOUTS[layout]
    for columns in known.orders:
        if len(columns) == count:
            return columns
    if not known.orders:
        raise SourceFileError(
            f"The layout {known.title!r} needs a header, but this file has none."
            " Choose another layout."
        )
    counts = sorted({len(columns) for columns in known.orders})
    raise SourceFileError(
        f"The layout {known.title!r} has {', '.join(map(str, counts))} columns, but"
        f" this file has {count}. Choose another layout."
    )


def recognise_header(names: Sequence[str]) -> str:
    """The layout with the most names of those whose names are all there, or ''."""
    present = set(names)
    found = [
        key
        for key, layout in LAYOUTS.items()
        if layout.header and layout.header <= present
    ]
    return max(found, key=lambda key: len(LAYOUTS[key].header), default="")


def recognise_records(
    records: Sequence[Sequence[str]], only: str = ""
) -> tuple[str, tuple[str, ...]]:
    """Layout and columns of records without a header, by count and content.

    :param records: the first records, of one count of columns
    :param only: look at this layout alone
    :return: ('', ()) when no layout fits
    """
    for key, layout in LAYOUTS.items():
        for columns in layout.orders:
            if only in ("", key) and _fits(layout, columns, records):
                return key, columns
    return "", ()


def layouts_at_positions() -> list[tuple[str, tuple[int, ...]]]:
    """The layouts whose columns begin at fixed positions, and these."""
    return [
        (key, layout.positions) for key, layout in LAYOUTS.items() if layout.positions
    ]


def _fits(layout, columns, records):
    if not records or len(columns) != len(records[0]):
        return False
    cells = [
        (columns.index(name), re.compile(pattern))
        for name, pattern in layout.cells.items()
        if name in columns
    ]
    right = sum(
        all(pattern.fullmatch(record[index].strip()) for index, pattern in cells)
        for record in records
    )
    return right >= _ENOUGH * len(records)
