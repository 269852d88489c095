# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Check the XML files of a folder: well-formed, formatted, no id twice.

The format is OCA's: an XML declaration, four spaces for each level of nesting, no tabs,
no blanks at the end of a line, a newline at the end of the file. Prints one line for
each finding and ends with 1 when there is any.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

INDENT = 4
DECLARATION = '<?xml version="1.0" encoding="utf-8" ?>'


class Checker:
    """Findings of one file, and the external ids that it defines."""

    def __init__(self, text: str):
        self.text = text
        self.lines = text.splitlines()
        self.findings: list[tuple[int, str]] = []
        self.ids: list[tuple[int, str]] = []
        self.depth = 0
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end

    def run(self) -> None:
        if self.lines[:1] != [DECLARATION]:
            self.findings.append((1, f"the first line must be {DECLARATION}"))
        for number, line in enumerate(self.lines, 1):
            if "\t" in line:
                self.findings.append((number, "tab"))
            if line != line.rstrip():
                self.findings.append((number, "blanks at the end of the line"))
        if not self.text.endswith("\n"):
            self.findings.append((len(self.lines), "no newline at the end of the file"))
        try:
            self.parser.Parse(self.text.encode(), True)
        except expat.ExpatError as error:
            self.findings.append((error.lineno, expat.ErrorString(error.code)))

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.check_indent()
        self.depth += 1
        # Ids of fields and options in a view are another matter.
        if tag in ("record", "template", "menuitem", "report") and "id" in attributes:
            self.ids.append((self.parser.CurrentLineNumber, attributes["id"]))

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.check_indent(closing=True)

    def check_indent(self, closing: bool = False) -> None:
        """Where a tag begins its line, it stands INDENT columns for each level."""
        number = self.parser.CurrentLineNumber
        line = self.lines[number - 1]
        column = len(line) - len(line.lstrip(" "))
        # expat counts bytes; a tag is first in its line only where both agree.
        if self.parser.CurrentColumnNumber != column:
            return
        if closing and not line.startswith("</", column):
            return
        if column != INDENT * self.depth:
            self.findings.append(
                (number, f"indented by {column} instead of {INDENT * self.depth}")
            )


def check(root: Path) -> Iterator[str]:
    """Yield a line for each finding in the XML files below `root`."""
    seen: dict[str, str] = {}
    for path in sorted(root.rglob("*.xml")):
        name = path.relative_to(root)
        if any(part.startswith(".") for part in name.parts):
            continue
        checker = Checker(path.read_text(encoding="utf-8"))
        checker.run()
        for number, external_id in checker.ids:
            place = f"{name}:{number}"
            if external_id in seen:
                checker.findings.append(
                    (number, f"id {external_id} is also at {seen[external_id]}")
                )
            seen[external_id] = place
        for number, finding in sorted(checker.findings):
            yield f"{name}:{number}: {finding}"


def main() -> int:
    findings = list(check(Path(sys.argv[1]).resolve()))
    print("\n".join(findings) or "XML: all checks passed")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
