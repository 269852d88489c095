# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A customer's phone system that was hacked last night: calls of a second switch."""

import base64
import datetime

CUSTOMER, NUMBER = "Quick Courier", "+16465550199"
#: calls on several lines at one time, to one range of satellite numbers
CALLS, LINES, SECONDS = 24, 4, 240
RANGE = "88163211"


def raise_alarm(env, partner):
    """Import last night's calls: they raise a fraud alarm.

    :return: ``metered.fraud.alarm``
    """
    source = env["metered.source"].create(
        {
            "name": "Softswitch Albany",
            "preset": "generic",
            "timezone": "UTC",
            "country_id": env.ref("base.us").id,
        }
    )
    env["metered.identifier"].create(
        {
            "partner_id": partner.id,
            "source_id": source.id,
            "kind": "number",
            "value": NUMBER,
        }
    )
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None, microsecond=0)
    begin = now - datetime.timedelta(hours=6)
    lines = ["call_id,start_time,duration,caller,callee"]
    for call in range(CALLS):
        start = begin + datetime.timedelta(
            seconds=call // LINES * (SECONDS + 15) + call % LINES * 5
        )
        lines.append(f"night-{call},{start},{SECONDS},{NUMBER},+{RANGE}{call % 6:04}")
    content = base64.b64encode("\n".join(lines).encode()).decode()
    batch = env["metered.batch"].browse(
        env["metered.batch"].import_file(source.id, "last_night.csv", content)
    )
    batch._process(commit=env.cr.commit)
    return env["metered.fraud.alarm"].search([("partner_id", "=", partner.id)])
