# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.tools import SQL, format_datetime, formatLang

from ...deck_files.sheet_texts import safe_text
from ...ingest.load import company_zone, customer_zone
from ...ingest.usage_calls import USAGE_CDRS
from ...rating.exact import exact_text, number
from ...statement.formats import duration

#: of a charge
DECIMALS = 4
#: calls on a page, and in a file
PAGE, MOST_DOWNLOADED = 80, 20_000
#: records that are looked through for a page, after which the customer may go on, and
#: for a file, whose name says from which day on its calls are
MOST_SEARCHED, MOST_SEARCHED_FOR_FILE = 200_000, 1_000_000
#: calls that are read for a page; of many that are not listed, more are not
MOST_READ = 2_000
#: rows that are read from the database at a time, for a file
FETCHED = 1_000
#: of a filter that a customer typed
MOST_TYPED = 40
#: decimals of an amount that is typed: written out, a million would fill the memory
MOST_DECIMALS = 12
COLUMNS = (
    *("start", "time_zone", "direction", "from", "to", "destination", "call_type"),
    *("seconds", "billed_seconds", "covered_seconds", "charge", "currency"),
)


@dataclass(frozen=True)
class Asked:
    """Which calls a customer wants to see; what makes no sense is left out.

    :ivar first, last: days, both included
    :ivar meter: id of the call type, 0 for each
    :ivar destination: id, 0 for each
    :ivar least: Decimal, the least charge, or None
    :ivar after: (day, microseconds, id) of the call before the first one, or None
    """

    first: date
    last: date
    meter: int = 0
    destination: int = 0
    least: Decimal | None = None
    after: tuple | None = None

    @classmethod
    def from_texts(cls, texts, today):
        """Read the arguments of an address.

        :param texts: dict of texts, whatever was sent
        :param today: the last day, where none is given
        """
        last = _day(texts.get("until")) or today
        first = _day(texts.get("since")) or last.replace(day=1)
        return cls(
            min(first, last),
            max(first, last),
            _id(texts.get("type")),
            _id(texts.get("destination")),
            _amount(texts.get("least")),
            _place(texts.get("after")),
        )

    def as_texts(self):
        """The arguments of an address, without the place in the list."""
        return {
            "since": self.first.isoformat(),
            "until": self.last.isoformat(),
            "type": str(self.meter or ""),
            "destination": str(self.destination or ""),
            "least": exact_text(self.least) if self.least is not None else "",
        }


@dataclass
class Page:
    """A page of calls.

    :ivar calls: see ``_masked_calls``
    :ivar after: text, where the next page begins; empty at the end
    :ivar is_partial: there were so many records that not all were looked through
    """

    calls: list
    after: str = ""
    is_partial: bool = False


class MeteredPortal(models.AbstractModel):
    """Calls, as a portal user sees them."""

    _inherit = "metered.portal"

    # === FINDING === #

    @api.model
    def _calls_page(self, user, asked):
        """A page of the calls of a portal user's customer, the newest first.

        By the place of the last call and not by its number: page 900 takes as long as
        the first, and nothing is counted.

        :param asked: :class:`Asked`
        :return: :class:`Page`
        """
        page, found = Page([]), {}
        for places in self._call_places(user, asked, PAGE + 1, MOST_SEARCHED):
            if not isinstance(places, list):
                page.after, page.is_partial = _place_text(*places), True
                break
            found |= {place[2]: place for place in places}
            ids = [place[2] for place in places]
            page.calls += self._masked_calls(self._cdrs(ids))
            if len(page.calls) > PAGE:
                del page.calls[PAGE:]
                last = page.calls[-1]
                page.after = _place_text(*found[last["id"]])
                break
            if len(found) >= MOST_READ:
                page.after, page.is_partial = _place_text(*places[-1]), True
                break
        return page

    @api.model
    def _calls_file(self, user, asked, write):
        """The calls of a portal user's customer as CSV.

        :param write: is called with lists of texts, the names of the columns first
        :return: date, the first day of which there are calls, or were looked for
        """
        write(list(COLUMNS))
        left = MOST_DOWNLOADED
        for places in self._call_places(user, asked, FETCHED, MOST_SEARCHED_FOR_FILE):
            if not isinstance(places, list):
                return min(asked.last, places[0] + timedelta(days=1))
            calls = self._masked_calls(self._cdrs([place[2] for place in places]))
            for call in calls:
                values = {
                    **call,
                    "start": call["start_time"].isoformat(),
                    "charge": exact_text(call["amount"]),
                    # With a plus, a spreadsheet takes a number for a formula.
                    "from": call["from"].removeprefix("+"),
                    "to": call["to"].removeprefix("+"),
                }
                write([safe_text(str(values[name])) for name in COLUMNS])
            left -= len(places)
            if left <= 0:
                return places[-1][0]
            self.env["metered.cdr"].invalidate_model(flush=False)
        return asked.first

    @api.model
    def _cdrs(self, ids):
        return self.env["metered.cdr"].sudo().browse(ids)

    @api.model
    def _call_places(self, user, asked, count, most):
        """Where the calls are that were asked for, the newest day first.

        A customer's calls are found by its usage, which has an index: those of a day
        are read, and sorted, no others.

        :param count: at most so many places at a time
        :param most: records to look through
        :return: iterator of lists of (day, microseconds, id); a tuple as the last one
            where too many were looked through: the place to go on from
        """
        searched = 0
        for day, usage, records in self._usage_days(user, asked):
            if searched and searched + records > most:
                # Before the first call of that day.
                yield day, 1 << 62, 0
                return
            searched += records
            after = asked.after if asked.after and asked.after[0] == day else None
            while True:
                rows = self._calls_of_day(usage, asked, after, count)
                if not rows:
                    break
                yield [(day, *row) for row in rows]
                if len(rows) < count:
                    break
                after = (day, *rows[-1])

    @api.model
    def _usage_days(self, user, asked):
        """The days of the calls that were asked for, the newest first.

        :return: list of (day, ids of ``metered.usage``, number of records)
        """
        whose = self._usage_of(user)
        if whose is None:
            return []
        self.env["metered.usage"].flush_model()
        last = min(asked.last, asked.after[0]) if asked.after else asked.last
        return self.env.execute_query(
            SQL(
                """
                SELECT day, array_agg(usage.id), sum(records)
                  FROM metered_usage usage
                  JOIN metered_meter meter
                       ON meter.id = usage.meter_id AND meter.kind = 'call'
                 WHERE %s AND day BETWEEN %s AND %s AND records > 0 AND %s
                 GROUP BY day ORDER BY day DESC
                """,
                whose,
                asked.first,
                last,
                SQL("meter_id = %s", asked.meter) if asked.meter else SQL("TRUE"),
            )
        )

    @api.model
    def _calls_of_day(self, usage, asked, after, count):
        """Calls of some usage, the newest first: list of (microseconds, id)."""
        self.env["metered.cdr"].flush_model()
        conditions = [SQL("cdr.state = 'rated'")]
        if asked.destination:
            conditions.append(SQL("cdr.destination_id = %s", asked.destination))
        if asked.least is not None:
            conditions.append(SQL("cdr.charge >= %s", asked.least))
        if after:
            _day, micro, id_ = after
            conditions.append(
                SQL("(%s, cdr.id) < (%s::bigint, %s)", _MICRO, micro, id_)
            )
        return self.env.execute_query(
            SQL(
                """
                SELECT %s, cdr.id
                  FROM %s
                 WHERE %s
                 ORDER BY cdr.start_time DESC, cdr.id DESC LIMIT %s
                """,
                _MICRO,
                SQL(USAGE_CDRS.replace("%(usage)s", "%s"), usage),
                SQL(" AND ").join(conditions),
                count,
            )
        )

    @api.model
    def _call_of(self, user, id_):
        """A call of a portal user's customer; empty if it is none.

        :param id_: int, whatever was sent
        :return: ``metered.cdr`` with all rights
        """
        return self._calls_of(user, [id_])

    @api.model
    def _calls_of(self, user, ids):
        """Those of some calls that are a portal user's customer's.

        :param ids: ints, whatever was sent
        :return: ``metered.cdr`` with all rights
        """
        families = dict(self._families(user))
        cdrs = self._cdrs([id_ for id_ in ids if 0 < id_ < 1 << 63]).exists()
        return cdrs.filtered(
            lambda cdr: (
                cdr.state == "rated"
                and cdr.usage_id
                and cdr.usage_id.partner_id
                in families.get(cdr.usage_id.company_id, cdr.partner_id.browse())
            )
        )

    @api.model
    def _call_filters(self, user):
        """What calls can be filtered by.

        :return: dict: `types`, `destinations`, lists of (id, name)
        """
        whose = self._usage_of(user)
        if whose is None:
            return {"types": [], "destinations": []}
        self.env.flush_all()
        meters = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT usage.meter_id
                  FROM metered_usage usage
                  JOIN metered_meter meter
                       ON meter.id = usage.meter_id AND meter.kind = 'call'
                 WHERE %s
                """,
                whose,
            )
        )
        types = self.env["metered.meter"].sudo().browse(id_ for (id_,) in meters)
        companies = [False, *self._companies(user).ids]
        destinations = (
            self.env["metered.destination"]
            .sudo()
            .search([("company_id", "in", companies)], limit=1_000)
        )
        return {
            "types": [(one.id, one.name) for one in types.sorted("name")],
            "destinations": [(one.id, one.name) for one in destinations.sorted("name")],
        }

    # === MASKED === #

    @api.model
    def _masked_call(self, cdr):
        """What a customer may see of a call.

        :param cdr: one ``metered.cdr``
        :return: see :meth:`_masked_calls`; an empty dict for a call of which nothing
            is to be seen
        """
        return next(iter(self._masked_calls(cdr)), {})

    @api.model
    def _masked_calls(self, cdrs):
        """What a customer may see of calls: the one place where they are masked.

        :param cdrs: ``metered.cdr``; a call that statements do not list is left out
        :return: list of dicts: `id`, `start_time` (datetime, aware, in the customer's
            zone), `seconds`, `billed_seconds`, `covered_seconds`, `amount` (Decimal),
            and texts: `start`, `time_zone`, `direction`, `from`, `to`,
            `destination`, `call_type`, `duration`, `billed`, `covered`, `charge`,
            `currency`
        """
        policies, found = {}, []
        directions = dict(
            self.env["metered.cdr"]
            ._fields["direction"]
            ._description_selection(self.env)
        )
        for cdr in cdrs.sudo():
            if not cdr._is_call() or not cdr.partner_id:
                continue
            owner, usage = cdr.partner_id.commercial_partner_id, cdr.usage_id
            # What a policy asks of usage is the same for all of a day on one line.
            key = cdr.company_id, owner, usage.day, usage.invoice_line_id
            if key not in policies:
                policies[key] = self._policy(cdr.company_id, owner, usage)
            masking, zone = policies[key]
            is_inbound = cdr.direction == "inbound"
            other = cdr.caller if is_inbound else cdr.callee
            if not masking.lists(other, bool(cdr.charge)):
                continue
            caller, callee = masking.ends(cdr.caller, cdr.callee, is_inbound)
            start = cdr.start_time.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
            amount = number(cdr.charge)
            covered = cdr.plan_quantity or 0
            found.append(
                {
                    "id": cdr.id,
                    "start_time": start,
                    "start": format_datetime(
                        self.env, cdr.start_time, tz=zone, dt_format="medium"
                    ),
                    "time_zone": zone,
                    "direction": directions.get(cdr.direction, ""),
                    "from": caller,
                    "to": callee,
                    "destination": cdr.destination_id.name or "",
                    "call_type": cdr.meter_id.name or "",
                    "seconds": int(cdr.quantity),
                    "duration": duration(int(cdr.quantity)),
                    "billed_seconds": int(cdr.billed_quantity),
                    "billed": duration(int(cdr.billed_quantity)),
                    "covered_seconds": int(covered),
                    "covered": duration(int(covered)) if covered else "",
                    "amount": amount,
                    "currency": cdr.currency_id.name or "",
                    "charge": self._charge_text(amount, cdr.currency_id),
                }
            )
        return found

    @api.model
    def _policy(self, company, owner, usage):
        """How numbers of a customer are masked, and in which zone its days begin.

        As on the statement, which who pays gets: what was declared holds for periods
        that begin later.

        :param owner: commercial entity of the customer
        :param usage: ``metered.usage`` of the call; its day, where there is none
        """
        payer = owner.sudo().with_company(company)._metered_payer()
        payer = payer.with_company(company)
        zone = self._zone(owner, company)
        return payer._metered_masking(company, self._first_day(payer, usage)), zone

    @api.model
    def _zone(self, owner, company):
        """The time zone in which a customer is shown its usage in a company."""
        return customer_zone(owner.with_company(company), company_zone(company))

    @api.model
    def _first_day(self, payer, usage):
        """First day of the billing period that some usage is of."""
        billed = usage.invoice_line_id.metered_date_from
        if billed or not usage:
            return billed or payer._metered_today()
        [subscription] = payer._metered_subscriptions()[:1] or [None]
        due = subscription and subscription.recurring_next_date
        begin = due and subscription._metered_period_start(due)
        return begin if begin and begin <= usage.day else usage.day.replace(day=1)

    @api.model
    def _charge_text(self, amount, currency):
        """An amount of a call, whose cents have decimals."""
        exact = number(float(amount)).normalize()
        places = max(DECIMALS, currency.decimal_places, -exact.as_tuple().exponent)
        text = formatLang(self.env, float(amount), digits=places)
        symbol = currency.symbol or currency.name or ""
        # A space that does not break, as everywhere.
        parts = [symbol, text] if currency.position == "before" else [text, symbol]
        return "\N{NO-BREAK SPACE}".join(parts).strip()


#: as a number, which an address can hold
_MICRO = SQL("(extract(epoch FROM cdr.start_time) * 1000000)::bigint")


def _day(text):
    try:
        day = date.fromisoformat((text or "")[:MOST_TYPED])
    except ValueError:
        return None
    return day if 1970 <= day.year < 9000 else None


def _id(text):
    text = (text or "")[:MOST_TYPED]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _amount(text):
    try:
        amount = Decimal((text or "")[:MOST_TYPED].strip())
    except InvalidOperation:
        return None
    # Looked at before anything is computed with it.
    if not amount.is_finite() or amount.as_tuple().exponent < -MOST_DECIMALS:
        return None
    return amount if amount.adjusted() < MOST_DECIMALS else None


def _place(text):
    day, *numbers = (text or "")[: 2 * MOST_TYPED].split(".")
    day = _day(day)
    if not day or len(numbers) != 2:
        return None
    if not all(one.isascii() and one.isdigit() and len(one) < 20 for one in numbers):
        return None
    micro, id_ = map(int, numbers)
    return (day, micro, id_) if max(micro, id_) < 1 << 63 else None


def _place_text(day, micro, id_):
    return f"{day.isoformat()}.{micro}.{id_}"
