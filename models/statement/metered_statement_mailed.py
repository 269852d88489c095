# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import logging

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import models
from odoo.exceptions import UserError

from ...statement.protection import PROTECTED, ProtectionError, protect
from .res_company_statement import MIMETYPES

#: a statement of so many records is made while its invoice is sent, if it still waits
MOST_AT_ONCE = 2_000
_MB = 1_000_000

_logger = logging.getLogger(__name__)


class MeteredStatement(models.Model):
    """What of a statement goes into a mail."""

    _inherit = "metered.statement"

    def _is_unfit(self):
        """Whether nobody may get this statement: it is wrong, or was not made."""
        self.ensure_one()
        return self.is_current and (
            self.state == "failed" or (self.state == "done" and not self.adds_up)
        )

    def _mailed_names(self):
        """The files that an invoice's mail has: list of (name, ending).

        Of a customer with a password those that can have one.
        """
        return [
            (f"{statement.file_name}.{ending}", ending)
            for statement in self
            for ending in statement._mailed_endings()
            if ending in PROTECTED or not statement._password()
        ]

    def _mailed_endings(self):
        """Endings of the files that the company sends."""
        wanted = self.company_id.metered_statement_mailed.split("_")
        return [ending for ending in wanted if ending in MIMETYPES]

    def _password(self):
        """What the files open with that this customer gets; "" for nothing."""
        return (
            self.env["metered.statement.password"].sudo()._find(self.partner_id).value
            or ""
        )

    def _mailed(self, unwanted=frozenset()):
        """What is sent of this statement.

        :param unwanted: names of files that their sender took out
        :return: list of (name, bytes), and HTML with a link where a file is too large,
            was not made yet, or the company sends links
        """
        if not self:
            return [], ""
        self._make_now()
        if self._is_unfit():
            return [], ""
        every = self._mailed_names()
        names = [(name, ending) for name, ending in every if name not in unwanted]
        if every and not names:
            return [], ""
        left, sent = self.company_id.metered_statement_mail_mb * _MB, []
        for name, ending in names if self.state == "done" else ():
            content = self._mailed_file(ending)
            if content and len(content) <= left:
                sent.append((name, content))
                left -= len(content)
        text = self._mailed_hint() if sent and self._password() else ""
        left_out = len(self._mailed_endings()) - len(every)
        if not names or left_out or len(sent) < len(names):
            text += self._mailed_link()
        return sent, text

    def _mailed_file(self, ending):
        """A file as its customer gets it, with a password if there is one.

        :return: bytes; empty if it must not be sent without
        """
        content = self.with_context(bin_size=False)._file_bytes(ending)
        password = self._password()
        if not password:
            return content
        try:
            return protect(content, ending, password)
        except ProtectionError as error:
            _logger.warning("%s: the package %s is missing", self.name, error)
            return b""

    def _mailed_hint(self):
        """HTML that says that the files have a password."""
        made = self.with_context(lang=self.lang)
        return Markup("<p>%s</p>") % made.env._(
            "The attached usage statement opens with the password that we gave you."
        )

    def _mailed_link(self):
        """HTML that says where the customer finds this statement."""
        made = self.with_context(lang=self.lang)
        return Markup("<p>%s <a href='%s'>%s</a></p>") % (
            made.env._("Your usage statement %s is in the customer portal:", self.name),
            self.get_base_url() + self._customer_path(),
            made.env._("View Statement"),
        )

    def _customer_path(self):
        """Where in the portal a customer finds this statement."""
        is_made = self.state == "done"
        return f"/my/statements/{self.id}/pdf" if is_made else "/my/statements"

    def _make_now(self):
        """Make a small statement that still waits, as its invoice is sent right now.

        Where that does not succeed, the job goes on with it.
        """
        if self.state != "queued" or self.expected > MOST_AT_ONCE:
            return
        try:
            with self.env.cr.savepoint():
                if self._is_free():
                    self._process()
        except (OperationalError, UserError, ValueError) as error:
            self.invalidate_recordset()
            _logger.info("%s is not made yet: %s", self.name, error)

    def _is_free(self):
        """Whether no job is at it; until the transaction ends, none will be."""
        self.env.cr.execute(
            "SELECT pg_try_advisory_xact_lock(%s, %s)", (self._job_lock_class, self.id)
        )
        return self.env.cr.fetchone()[0]
