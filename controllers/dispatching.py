# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Requests whose body nobody looks at before whoever sent it is known.

Odoo's own dispatcher parses forms first: megabytes of ``a=1&`` are half a minute of a
worker's time, without any key.
"""

import logging

import psycopg2
from werkzeug.exceptions import HTTPException

from odoo import http
from odoo.sql_db import PoolError

#: what a program is told while the database is away
RETRY_SECONDS = 30
UNREACHABLE = (
    503,
    "The database cannot be reached. Try again later.",
    {"Retry-After": str(RETRY_SECONDS)},
)
UNAVAILABLE = (psycopg2.OperationalError, psycopg2.InterfaceError, PoolError)


def fault_of(exc):
    """What is answered where something was raised.

    :return: (status, message, headers)
    """
    if isinstance(exc, UNAVAILABLE):
        exc.loglevel = logging.WARNING  # it is no fault of ours
        return UNREACHABLE
    if isinstance(exc, HTTPException) and exc.code:
        return exc.code, exc.name, None
    return 500, "An error occurred. Try again later.", None


def dispatcher_of(routing, fault):
    """The class that serves requests of a type of routes.

    :param str routing: name of the type
    :param fault: function (status, text, headers) -> the answer to what went wrong
    """

    class PostDispatcher(http.Dispatcher):
        routing_type = routing
        told = staticmethod(fault)

        @classmethod
        def is_compatible_with(cls, _request):
            return True

        def dispatch(self, endpoint, args):
            self.request.params = args
            if not self.request.db:
                # Only where this module is one of server_wide_modules.
                return fault(*UNREACHABLE)
            return self.request.registry["ir.http"]._dispatch(endpoint)

        def handle_error(self, exc):
            return fault(*fault_of(exc))

    return PostDispatcher
