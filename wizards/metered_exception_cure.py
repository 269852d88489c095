# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..models.exception.metered_exception_target import target_sql

#: causes that one wizard shows
MOST_LINES = 200


class MeteredExceptionCure(models.AbstractModel):
    """A wizard that does something about open exceptions: those of its target."""

    _name = "metered.exception.cure"
    _description = "Requested Exception Cure"

    target = fields.Json()
    company_id = fields.Many2one("res.company")
    currency_id = fields.Many2one(related="company_id.currency_id")
    records = fields.Integer(help="The exceptions to cure.")
    estimate = fields.Monetary(
        string="At Stake (estimate)",
        help="Estimated charge of these records, if it can be estimated.",
    )

    @api.model
    def default_get(self, fields):
        """Sum up what the target is; subclasses add their lines."""
        values = super().default_get(fields)
        # Taken from the context, not by the field's own default: the client does not
        # hand a default of this kind back.
        target = self.env.context.get("default_target") or {}
        self.env["metered.exception"]._check_may_cure()
        company_id, records, estimate = self._select(
            target,
            SQL("min(company_id), count(*), sum(estimate)"),
        )[0]
        if not records:
            raise UserError(self._nothing_open())
        company = self.env["res.company"].browse(company_id)
        values.update(
            target=target, company_id=company.id, records=records, estimate=estimate
        )
        values.update(self.with_company(company)._prepare_values(target, company))
        return values

    @api.model
    def _prepare_values(self, target, company):
        """Further values of the wizard.

        :param target: dict, see ``metered_exception_target``
        :param company: ``res.company`` record: the first one of the exceptions
        """
        return {}

    @api.model
    def _select(self, target, what, condition=None, rest=None):
        """Query the open exceptions of a target, as far as the user may see them.

        :param what: SQL of the columns
        :param condition: SQL of a further condition
        :param rest: SQL after the conditions: GROUP BY and so on
        :return: list of tuples
        """
        self.env["metered.exception"].flush_model()
        self.env.cr.execute(
            SQL(
                "SELECT %s FROM metered_exception exception WHERE %s AND %s %s",
                what,
                target_sql(target, self.env.companies.ids),
                condition or SQL("TRUE"),
                rest or SQL(""),
            )
        )
        return self.env.cr.fetchall()

    def _company(self):
        """The company of the exceptions, whatever the wizard's fields say by now.

        :return: ``res.company`` record, one of those that the user works in
        :raises UserError: none of the exceptions is open any more
        """
        self.env["metered.exception"]._check_may_cure()
        [[company_id]] = self._select(self._own_target(), SQL("min(company_id)"))
        if not company_id:
            raise UserError(self._nothing_open())
        return self.env["res.company"].browse(company_id)

    def _own_target(self):
        """What the wizard was opened for; a target without conditions is everything."""
        return self.target or {"ids": []}

    @api.model
    def _nothing_open(self):
        return self.env._("None of these exceptions is open anymore. Refresh the list.")

    def _start(self, operation, values=None, target=None):
        """Do it to the wizard's exceptions, or to those of another target.

        :return: action that says what was done
        """
        self.env["metered.exception"]._check_may_cure()
        action = self.env["metered.exception.job"]._start(
            operation, target or self._own_target(), values
        )
        if action.get("tag") == "display_notification":
            action["params"]["next"] = {
                "type": "ir.actions.act_window_close",
                "infos": {"done": True},
            }
        return action
