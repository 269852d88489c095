# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Print the requirements of all dependency groups in pyproject.toml, one a line.

With `--pythons`: the versions of Python that it is tested on.

Runs before there is a virtual environment, so on the standard library alone, and pip
learned to read dependency groups itself only after Debian 12.
"""

import sys
import tomllib
from pathlib import Path

path = Path(__file__).resolve().parent.parent / "pyproject.toml"
pyproject = tomllib.loads(path.read_text(encoding="utf-8"))
if sys.argv[1:] == ["--pythons"]:
    print(*pyproject["tool"]["metered-billing"]["pythons"], sep="\n")
    sys.exit()
groups = pyproject["dependency-groups"]
for name in sorted(groups):
    for requirement in groups[name]:
        print(requirement)
