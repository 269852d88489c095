# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The switch of the demo database, for as long as somebody serves the database.

    switch.py ADDRESS DAY

Answers at ADDRESS (http://127.0.0.1:PORT) what the switch answered when the demo was
made on DAY, and the calls of the days since then. Ends when its standard input does.
"""

import datetime
import sys
from urllib.parse import urlsplit

from servers.netsapiens import NetSapiensServer, make_domains

CUSTOMERS = 2
DAYS = 7
CALLS_PER_DAY = 60


def make_demo_domains(made, today=None):
    """Domains with all calls from a week before the demo was made until yesterday.

    :param made: date; the same date gives the same calls
    :param today: date, the same day unless told
    """
    begin = datetime.datetime.combine(
        made - datetime.timedelta(days=DAYS), datetime.time(), datetime.UTC
    )
    days = DAYS + ((today or made) - made).days
    return make_domains(CUSTOMERS, begin, days, CALLS_PER_DAY)


def main():
    address, made = sys.argv[1:]
    today = datetime.datetime.now(datetime.UTC).date()
    domains = make_demo_domains(datetime.date.fromisoformat(made), today)
    try:
        with NetSapiensServer(domains, port=urlsplit(address).port):
            sys.stdin.read()
    except KeyboardInterrupt:
        return
    except OSError as error:
        print(f"The demo's switch is not there, {address}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
