# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Requests about charges and invoices, as BillForward has them.

A field that is not known is refused: what it would have changed is not done otherwise.
Numbers stay the digits that were sent.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from .body import RequestFault
from .reading import Refused, documents

#: charges in one request
MOST_CHARGES = 1000
#: digits of a quantity before and after its point
MOST_WHOLE, MOST_PLACES = 12, 9
NUMBER = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?")
LATEST = "RecalculateWithLatestPricing"
LATEST_SUBSCRIPTION = "RecalculateAsLatestSubscriptionVersion"
ID = re.compile(r"(?:[A-Z]{3}-)?([1-9][0-9]{0,9})")
#: the largest id that a table of invoices has
MOST_ID = 2**31 - 1
#: what notifications about invoices are called: our messages -> (domain, action)
ACTIONS = {
    "invoice.pending": ("Invoice", "Pending"),
    "invoice.issued": ("Invoice", "Unpaid"),
    "invoice.paid": ("Invoice", "Paid"),
    "invoice.freed": ("Invoice", "Updated"),
}


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """What is asked of charges.

    - `charges`: list of (number or None, Decimal quantity)
    - `recalculates`: whether their invoices are recalculated; `issues`: and issued
    - `is_dry`: say what would be, and keep nothing of it
    """

    charges: list = field(default_factory=list)
    recalculates: bool = False
    issues: bool = False
    is_dry: bool = False


def id_number(text, mark):
    """The number in an id such as ``CHG-12``.

    :param str mark: what it begins with, ``CHG``; the number alone is taken as well
    :raise RequestFault: 404
    """
    found = ID.fullmatch(str(text))
    if not found or ("-" in str(text) and not str(text).startswith(f"{mark}-")):
        raise RequestFault(404, "No record has this ID.")
    number = int(found[1])
    if number > MOST_ID:
        raise RequestFault(404, "No record has this ID.")
    return number


def read_object(body):
    """The one object of a body; an empty body is an empty object.

    :param bytes body: JSON
    :raise RequestFault: 400 or 413
    """
    if not body.strip():
        return {}
    found = documents(body)
    [value] = found if len(found) == 1 else [None]
    if isinstance(value, Refused):
        raise RequestFault(400, value.reason)
    if not isinstance(value, dict) or body.lstrip()[:1] == b"[":
        raise RequestFault(400, "The body must be one JSON object.")
    return value


def read_charge(body):
    """The request that recalculates one charge.

    :return: :class:`ChargeRequest`
    :raise RequestFault: 400, 413 or 422
    """
    given = read_object(body)
    quantity = _quantity(given)
    is_dry = _flag(given, "dryRun", False)
    _check_all_known(given)
    return ChargeRequest([(None, quantity)], is_dry=is_dry)


def read_charges(body):
    """The request that recalculates charges, and their invoices.

    :return: :class:`ChargeRequest`
    :raise RequestFault: 400, 404, 413 or 422
    """
    given = read_object(body)
    charges = given.pop("charges", None)
    if not isinstance(charges, list) or not charges:
        raise RequestFault(422, "charges must be a list of charges.")
    if len(charges) > MOST_CHARGES:
        raise RequestFault(422, f"There can be at most {MOST_CHARGES:,} charges.")
    read, numbers = [], set()
    for one in charges:
        if not isinstance(one, dict) or not isinstance(one.get("id"), str):
            raise RequestFault(422, "Each of charges must be an object with an id.")
        number = id_number(one.pop("id"), "CHG")
        if number in numbers:
            raise RequestFault(422, "charges contains the same charge twice.")
        numbers.add(number)
        read.append((number, _quantity(one)))
        _check_all_known(one)
    request = ChargeRequest(
        read,
        _flag(given, "recalculateInvoices", True),
        _issues(given, "invoiceState"),
        _flag(given, "dryRun", False),
    )
    if request.issues and not request.recalculates:
        raise RequestFault(
            422, "invoiceState Unpaid requires recalculateInvoices to be true."
        )
    _check_all_known(given)
    return request


def read_invoice(body):
    """The request that recalculates an invoice.

    :return: :class:`ChargeRequest` without charges
    :raise RequestFault: 400, 413 or 422
    """
    given = read_object(body)
    issues = _issues(given, "newState")
    is_dry = _flag(given, "dryRun", False)
    _only(given, "recalculationBehaviour", LATEST_SUBSCRIPTION)
    if not _flag(given, "onlyInvoiceAssociatedCharges", True):
        raise RequestFault(
            422,
            "onlyInvoiceAssociatedCharges can only be true: other charges of the "
            "subscription are on other invoices.",
        )
    _check_all_known(given)
    return ChargeRequest(recalculates=True, issues=issues, is_dry=is_dry)


def read_quote(body):
    """The request for a quote of the period that runs.

    :return: (number of the subscription, list of (name of a meter, Decimal quantity))
    :raise RequestFault: 400, 404, 413 or 422
    """
    given = read_object(body)
    subscription = given.pop("subscriptionID", None)
    if not isinstance(subscription, str):
        raise RequestFault(422, "subscriptionID is missing.")
    quantities = given.pop("quantities", [])
    if not isinstance(quantities, list) or len(quantities) > MOST_CHARGES:
        raise RequestFault(
            422, f"quantities must be a list of at most {MOST_CHARGES:,} quantities."
        )
    read = []
    for one in quantities:
        if not isinstance(one, dict):
            raise RequestFault(422, "Each of quantities must be an object.")
        name = one.pop("pricingComponent", None)
        if not isinstance(name, str) or not name or "\0" in name:
            raise RequestFault(422, "pricingComponent must be the code of a meter.")
        read.append((name, _number(one, "quantity")))
        _check_all_known(one)
    _only(given, "quoteFor", "RecurringPeriod")
    _check_all_known(given)
    return id_number(subscription, "SUB"), read


def _quantity(given):
    """Take the quantity of a charge out of what was given."""
    if "amount" in given:
        raise RequestFault(
            422,
            "Send the quantity of the charge as pricingComponentValue. Amounts are not "
            "accepted.",
        )
    _only(given, "recalculationBehaviour", LATEST)
    return _number(given, "pricingComponentValue")


def _number(given, name):
    """Take a quantity out: a Decimal."""
    value = given.pop(name, None)
    text = value if isinstance(value, str) else ""
    if not NUMBER.fullmatch(text):
        raise RequestFault(422, f"{name} must be 0 or a positive number.")
    number = Decimal(text)
    places = text.rstrip("0").partition(".")[2]
    if number.adjusted() >= MOST_WHOLE or len(places) > MOST_PLACES:
        raise RequestFault(
            422,
            f"{name} can have at most {MOST_WHOLE} digits before and {MOST_PLACES} "
            "after the decimal point.",
        )
    return number


def _issues(given, name):
    """Whether a state is asked for that issues the invoice."""
    state = given.pop(name, "Pending")
    if state not in ("Pending", "Unpaid"):
        raise RequestFault(422, f"{name} must be Pending or Unpaid.")
    return state == "Unpaid"


def _flag(given, name, default):
    value = given.pop(name, default)
    if not isinstance(value, bool):
        raise RequestFault(422, f"{name} must be true or false.")
    return value


def _only(given, name, value):
    """Take a choice out of which only one is there."""
    if given.pop(name, value) != value:
        raise RequestFault(422, f"{name} can only be {value}.")


def _check_all_known(given):
    """:raise RequestFault: 422, something was given that is not known"""
    if given:
        names = ", ".join(sorted(given))[:200]
        raise RequestFault(422, f"Unknown fields: {names}.")
