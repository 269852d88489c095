# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Run a script inside Odoo.

    odoo_env.py --config FILE --database DB --http-port PORT SCRIPT [args]

The script runs as `__main__` with `env` (the superuser's) as a global and its own
arguments in `sys.argv`. What it wants kept it commits itself (`env.cr.commit()`); the
rest is rolled back. It ends with its own exit code, or 1 after a traceback.
"""

import argparse
import runpy
import sys
import threading

import odoo.init  # noqa: F401  # pylint: disable=unused-import
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.service import server
from odoo.tools import config

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--config", required=True)
parser.add_argument("--database", required=True)
parser.add_argument("--http-port", required=True)
parser.add_argument("--log-level", default="warn")
parser.add_argument("script")
parser.add_argument("args", nargs=argparse.REMAINDER)
options = parser.parse_args()

config.parse_config(
    [
        "--config",
        options.config,
        "--database",
        options.database,
        "--log-level",
        options.log_level,
        "--http-port",
        options.http_port,
        "--max-cron-threads",
        "0",
    ],
    setup_logging=True,
)
server.start(preload=[], stop=True)
server.server.http_spawn()
threading.current_thread().dbname = options.database
with Registry(options.database).cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    env = env(context=env["res.users"].context_get())
    sys.argv = [options.script, *options.args]
    try:
        runpy.run_path(options.script, {"env": env}, "__main__")
    finally:
        cr.rollback()
