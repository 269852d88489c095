# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The evidence of an invoice, and what an auditor's check of it says."""

import base64
import subprocess
import sys
import tempfile
from pathlib import Path

CHECK = Path(__file__).resolve().parents[1] / "scripts" / "check_evidence.py"


def make(env, invoice):
    """Have the evidence of an invoice made.

    :return: ``metered.evidence`` record
    """
    pack = env["metered.evidence"].browse(invoice.action_metered_evidence()["res_id"])
    pack._process(commit=env.cr.commit)
    return pack


def check(pack):
    """Check a pack without Odoo.

    :return: the last line of what the check says, or all of it where something is wrong
    """
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(base64.b64decode(pack.file))
        file.flush()
        done = subprocess.run(
            [sys.executable, "-I", CHECK, file.name],
            capture_output=True,
            text=True,
            check=False,
        )
    text = done.stdout + done.stderr
    return text.splitlines()[-1] if not done.returncode else text
