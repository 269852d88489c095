# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Print the requirements of all dependency groups in pyproject.toml, one a line.

Runs before there is a virtual environment, so on the standard library alone, and pip
learned to read dependency groups itself only after Debian 12.
"""

import tomllib
from pathlib import Path

pyproject = Path(__file__).resolve().parent.parent / "pyproject.toml"
groups = tomllib.loads(pyproject.read_text(encoding="utf-8"))["dependency-groups"]
for name in sorted(groups):
    for requirement in groups[name]:
        print(requirement)
