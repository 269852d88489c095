# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Check an evidence pack without the program that made it.

    python3 check_evidence.py EVIDENCE.zip [SHA-256-OF-THE-LAST-SEAL]

Python's standard library alone. It says what it checked and what does not fit:

1. The digests of the records, of the usage, and of the invoice are made again from the
   texts in ``sealed/``, and compared with the invoice's last seal.
2. Each seal of the company follows from the one before it. Where somebody kept the last
   one elsewhere, it is compared as well.
3. records.csv, usage.csv, and lines.csv say what was sealed, and add up.
4. Each call's charge is worked out again from rates.csv, by rules that are written out
   here. Calls that were charged by parts of the day, or from allowances of money or
   with a price of their own, are counted, and left to the program.

Its exit status is 0 where all fits, else 1.
"""

import csv
import io
import json
import sys
import zipfile
from collections import Counter, defaultdict
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    ROUND_UP,
    Decimal,
    getcontext,
)
from fractions import Fraction
from hashlib import sha256

ROUNDINGS = {
    "half_up": ROUND_HALF_UP,
    "half_even": ROUND_HALF_EVEN,
    "up": ROUND_UP,
    "down": ROUND_DOWN,
}
#: problems that are printed of a kind
MOST_PRINTED = 20


class Pack:
    """An opened pack.

    :param path: of the ZIP file
    """

    def __init__(self, path):
        self.archive = zipfile.ZipFile(path)
        self.problems = defaultdict(list)
        self.checked = {}

    def text(self, name):
        """All of a file of the pack."""
        return self.archive.read(name).decode("utf-8")

    def rows(self, name):
        """Yield the rows of a table as dicts."""
        with self.archive.open(name) as file:
            yield from csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""))

    def wrong(self, kind, text):
        """Note what does not fit."""
        self.problems[kind].append(text)

    # --- digests

    def of_usage(self, name):
        """The digests of lines ``usage<TAB>text``, by usage, and how many there are."""
        digests, counts = {}, defaultdict(int)
        with self.archive.open(name) as file:
            for line in file:
                usage, _tab, text = line.rstrip(b"\n").partition(b"\t")
                usage = int(usage)
                if usage in digests:
                    digests[usage].update(b"\n")
                else:
                    digests[usage] = sha256()
                digests[usage].update(text)
                counts[usage] += 1
        return {usage: digest.hexdigest() for usage, digest in digests.items()}, counts

    def check_digests(self):
        """From the records to the invoice; its digest."""
        records, counts = self.of_usage("sealed/records.txt")
        samples, _counts = self.of_usage("sealed/samples.txt")
        usage = self.text("sealed/usage.txt")
        kept = {
            int(row["usage"]) for row in self.rows("usage.csv") if row["details_gone"]
        }
        gone = 0
        for line in filter(None, usage.split("\n")):
            row = json.loads(line)
            found = " ".join(filter(None, [records.get(row[0]), samples.get(row[0])]))
            if row[0] in kept:
                # Under a retention rule: the digest of then is what is left of them.
                gone += 1
            elif found != (row[7] or ""):
                self.wrong("digests", f"usage {row[0]}: its records were changed")
        self.checked["records"] = sum(counts.values())
        self.checked["days of usage whose records are gone"] = gone
        text = self.text("sealed/invoice.txt")
        of_usage = sha256(usage.encode()).hexdigest()
        return sha256(f"{text}\n{of_usage}".encode()).hexdigest()

    def check_seals(self, digest, last=""):
        """The chain of seals, and the invoice's own."""
        invoice = json.loads(self.text("invoice.json"))
        previous, position, own = "", 0, None
        for line in self.text("sealed/seals.jsonl").splitlines():
            seal = json.loads(line)
            said = seal["said"]
            text = json.dumps(
                said, sort_keys=True, separators=(",", ":"), ensure_ascii=True
            )
            made = sha256(f"{seal['previous']}\n{text}".encode()).hexdigest()
            if seal["seal"] != f"${seal['version']}${made}":
                self.wrong("seals", f"seal {said['position']} was changed")
            if seal["previous"] != previous or said["position"] != position + 1:
                self.wrong("seals", f"seal {said['position']} does not follow")
            previous, position = seal["seal"], said["position"]
            if said["kind"] == "invoice" and said["invoice_id"] == invoice["id"]:
                own = said
        self.checked["seals"] = position
        if own is None:
            self.checked["seal of the invoice"] = "none"
        elif own["digest"] != digest:
            self.wrong("seals", "the invoice is not what its last seal says")
        if last and previous != last:
            self.wrong("seals", "the last seal is not the one that was kept")

    def check_records(self):
        """records.csv says what was sealed."""
        sealed = defaultdict(Counter)
        with self.archive.open("sealed/records.txt") as file:
            for line in file:
                usage, _tab, text = line.decode().partition("\t")
                sealed[usage][facts_of(json.loads(text))] += 1
        for row in self.rows("records.csv"):
            facts = (
                row["start"],
                row["quantity"],
                row["billed_quantity"],
                row["from"].replace("'", ""),
                row["to"].replace("'", ""),
                row["rate"],
                row["charge"],
            )
            if not sealed[row["usage"]][facts]:
                self.wrong("records", f"record {row['record']} is not as sealed")
            sealed[row["usage"]][facts] -= 1
            if not row["plan_taken"] and row["charge_without_plan"] != row["charge"]:
                self.wrong("records", f"record {row['record']} has two charges")
        missing = sum(
            count for some in sealed.values() for count in some.values() if count > 0
        )
        if missing:
            self.wrong("records", f"{missing} sealed records are not in records.csv")

    # --- sums

    def check_sums(self):
        """Records add up to usage, and usage to the lines of the invoice."""
        sums = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
        for row in self.rows("records.csv"):
            one = sums[row["usage"]]
            one[0] += 1
            one[1] += Decimal(row["quantity"])
            one[2] += Decimal(row["charge"] or 0)
        lines = defaultdict(Decimal)
        currencies = defaultdict(set)
        for row in self.rows("usage.csv"):
            lines[row["invoice_line"]] += Decimal(row["amount"])
            currencies[row["invoice_line"]].add(row["currency"])
            if row["details_gone"] or row["kind"] != "call":
                continue
            count, quantity, charge = sums[row["usage"]]
            found = (count, quantity, charge)
            said = (
                int(row["records"]),
                Decimal(row["quantity"]),
                Decimal(row["amount"]),
            )
            if found != said:
                self.wrong("sums", f"usage {row['usage']}: {found} is not {said}")
        compared = 0
        for row in self.rows("lines.csv"):
            if row["has_usage"] != "true" or row["priced_together"] == "true":
                continue
            if currencies[row["invoice_line"]] != {row["currency"]}:
                continue
            compared += 1
            digits = Decimal(1).scaleb(-int(row["decimals"]))
            amount = lines[row["invoice_line"]].quantize(digits, ROUND_HALF_UP)
            left = 1 - Decimal(row["discount"] or 0) / 100
            amount = (amount * left).quantize(digits, ROUND_HALF_UP)
            if amount != Decimal(row["amount"]):
                self.wrong(
                    "sums",
                    f"line {row['invoice_line']}: {amount} is not {row['amount']}",
                )
        self.checked["lines of calls"] = compared

    # --- charges

    def check_charges(self):
        """Work out each call's charge from its rate."""
        rates = {row["rate"]: row for row in self.rows("rates.csv")}
        allowances = {row["allowance"]: row for row in self.rows("allowances.csv")}
        done = left = 0
        for row in self.rows("records.csv"):
            if not row["rate"]:
                continue
            rate = rates.get(row["rate"])
            cover = covered(row, allowances)
            if rate is None or cover is None:
                left += 1
                continue
            billed, charge = charge_of(rate, int(Decimal(row["quantity"])), *cover)
            if rate["crossing"] == "split" and charge != Decimal(row["charge"]):
                left += 1
                continue
            done += 1
            if (billed, charge) != (
                Decimal(row["billed_quantity"]),
                Decimal(row["charge"]),
            ):
                self.wrong(
                    "charges",
                    f"record {row['record']}: {charge} for {billed} s is not "
                    f"{row['charge']} for {row['billed_quantity']} s",
                )
        self.checked["charges worked out again"] = done
        self.checked["charges left to the program"] = left

    def check(self, last=""):
        """Check all of it.

        :param last: the company's last seal, as somebody kept it; may be empty
        :return: whether it fits
        """
        self.check_seals(self.check_digests(), last)
        self.check_records()
        self.check_sums()
        self.check_charges()
        again = json.loads(self.text("reperformance.json"))
        if again["differences"]:
            self.wrong(
                "done again",
                f"{again['differences']} differences, see differences.csv",
            )
        return not self.problems


def facts_of(sealed):
    """What records.csv has of a record, from its sealed text."""
    texts = ["" if value is None else str(value) for value in sealed]
    start, quantity, billed = texts[2], texts[4], texts[5]
    caller, callee = texts[7].replace("'", ""), texts[8].replace("'", "")
    return start, quantity, billed, caller, callee, texts[13], texts[15]


def covered(row, allowances):
    """What a calling plan took of a call, where these rules are enough for it.

    :return: (billed seconds, whether the connection fee is waived); None where not
    """
    taken = json.loads(row["plan_taken"] or "{}")
    waived = False
    for key in taken:
        allowance = allowances.get(key)
        if allowance is None or allowance["unit"] == "money":
            return None
        if Decimal(allowance["price"] or 0):
            return None
        waived |= allowance["waives_connection_fee"] == "true"
    return int(Decimal(row["plan_quantity"] or 0)), waived


def charge_of(rate, seconds, included=0, waived=False):
    """What a rate makes of a call.

    :param seconds: connected
    :param included: billed seconds that a calling plan took, from the beginning
    :param waived: whether there is no connection fee
    :return: (billed seconds, charge)
    """
    if seconds == 0 or seconds < int(rate["grace_seconds"]):
        return 0, Decimal(0)
    billed, amount = 0, Fraction(0)
    for length, price in steps(rate, seconds):
        paid = max(0, billed + length - max(billed, included))
        amount += price * paid
        billed += length
    rest = billed - min(included, billed)
    amount += 0 if waived else Fraction(rate["connection_fee"])
    if rest and Fraction(rate["minimum"]) > 0:
        amount = max(amount, Fraction(rate["minimum"]))
    if rate["maximum"]:
        amount = min(amount, Fraction(rate["maximum"]))
    digits = Decimal(1).scaleb(-int(rate["decimals"]))
    # Of a ratio: all of its digits are needed only to tell which side it is on.
    exact = Decimal(amount.numerator) / Decimal(amount.denominator)
    return billed, exact.quantize(digits, ROUNDINGS[rate["rounding"]])


def steps(rate, seconds):
    """Yield (seconds, price of one) of each increment that was begun."""
    price = Fraction(rate["price"]) / int(rate["per_seconds"])
    increment = int(rate["increment"])
    levels = [
        (int(begin), Fraction(tier) / int(per), int(step))
        for begin, tier, per, step in json.loads(rate["tiers"] or "[]")
    ]
    begun, first = 0, int(rate["first_increment"])
    while begun < seconds:
        now, length = price, increment
        for begin, tier, step in levels:
            if begun >= begin:
                now, length = tier, step
        if begun == 0 and first:
            length = first
        if begun == 0 or not levels:
            # Equal increments at once: a day's call has 86,400 seconds.
            rest = -(-max(0, seconds - begun - length) // length) if begun else 0
            length += rest * length
        yield length, now
        begun += length


def main(arguments):
    """Check the pack that is named; see above."""
    if len(arguments) not in (1, 2):
        print(__doc__)
        return 2
    getcontext().prec = 60
    pack = Pack(arguments[0])
    fits = pack.check(*arguments[1:])
    for what, count in pack.checked.items():
        print(f"{what}: {count}")
    for kind, problems in pack.problems.items():
        print(f"WRONG, {kind}: {len(problems)}")
        for text in problems[:MOST_PRINTED]:
            print(f"  {text}")
    print("Everything fits." if fits else "Not everything fits.")
    return 0 if fits else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
