# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Telephony from the cloud, after the makers' manuals; no real file was seen.

Microsoft Teams
    "Microsoft Teams PSTN usage report" (learn.microsoft.com), *Fields in the export*,
    of Calling Plans and of Direct Routing: names, ISO 8601 times with offset, and the
    call types. In some countries the last digits of numbers are asterisks: such a call
    is priced by what is left. What *Caller ID* is of an outbound call the page says in
    two ways, so that nobody is charged by it. The duration of Direct Routing counts
    from the invitation; the time from answer to end is charged. Calling Plans also
    under the names of *pstnCallLogRow* (Microsoft Graph).

Twilio
    "Call resource" (twilio.com/docs): names and words of the properties, times in GMT
    as in RFC 2822. The names of the console's own file, and its times as ``09:00:05 UTC
    2026-10-01``, are from a program that a user published; its words are those that
    the console shows. A time zone other than the source's is asked about.
"""

from ..identify import PayerStep
from ..mapping import ColumnSpec
from ..rules import Condition
from .base import INBOUND, INTERNAL, Preset, not_billable, number_of

TEAMS = Preset(
    key="teams",
    name="Microsoft Teams (PSTN usage, Calling Plans)",
    columns=(
        ColumnSpec("call_id", "UsageId,id"),
        ColumnSpec("start_time", "Start Time,startDateTime"),
        ColumnSpec("seconds", "Duration Seconds,duration", "s"),
        ColumnSpec("caller", "Caller ID,callerNumber"),
        ColumnSpec("callee", "Destination Number,calleeNumber"),
        ColumnSpec("direction", "Call Type,callType"),
    ),
    rules=(
        not_billable("Not connected", Condition("seconds", "is", "0", fact="seconds")),
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("UPN", "account_code"),
        PayerStep("userPrincipalName", "account_code"),
    ),
    timezone="UTC",
    layouts=("teams_calling_plans", "teams_graph"),
)

TEAMS_DIRECT_ROUTING = Preset(
    key="teams_direct_routing",
    name="Microsoft Teams (PSTN usage, Direct Routing)",
    columns=(
        # Parts of a call share the correlation.
        ColumnSpec("call_id", "CorrelationId+Invite time+Callee Number"),
        ColumnSpec("linked_id", "CorrelationId"),
        ColumnSpec("start_time", "Invite time"),
        ColumnSpec("answer_time", "Start time"),
        ColumnSpec("end_time", "End time"),
        ColumnSpec("caller", "Caller Number"),
        ColumnSpec("callee", "Callee Number"),
        ColumnSpec("direction", "Call type"),
    ),
    rules=(
        not_billable("Not established", Condition("Success", "is not", "Yes")),
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("UPN", "account_code"),
        number_of("caller", "outbound"),
    ),
    timezone="UTC",
    layouts=("teams_direct_routing",),
)

TWILIO = Preset(
    key="twilio",
    name="Twilio (calls)",
    columns=(
        ColumnSpec("call_id", "sid"),
        ColumnSpec("start_time", "start_time", "%a, %d %b %Y %H:%M:%S %z"),
        ColumnSpec("seconds", "duration", "s"),
        ColumnSpec("caller", "from"),
        ColumnSpec("callee", "to"),
        ColumnSpec("direction", "direction"),
    ),
    rules=(
        not_billable("Not completed", Condition("status", "is not", "completed")),
        INBOUND,
        INTERNAL,
    ),
    payers=(
        PayerStep("account_sid", "account_code"),
        number_of("caller", "outbound"),
        number_of("callee", "inbound"),
    ),
    timezone="UTC",
    layouts=("twilio",),
)

TWILIO_CONSOLE = Preset(
    key="twilio_console",
    name="Twilio (call log of the console)",
    columns=(
        ColumnSpec("call_id", "Call Sid"),
        ColumnSpec("start_time", "Start Time"),
        ColumnSpec("seconds", "Duration"),
        ColumnSpec("caller", "From"),
        ColumnSpec("callee", "To"),
        ColumnSpec("direction", "Direction"),
    ),
    rules=(
        not_billable("Not completed", Condition("Status", "not like", "[Cc]ompleted")),
        INBOUND,
        INTERNAL,
    ),
    payers=(number_of("caller", "outbound"), number_of("callee", "inbound")),
    layouts=("twilio_console",),
)
