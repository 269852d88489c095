# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...ingest.aside import Aside

#: said while a measured service writes its terms, and says itself since when
BY_SERVICE = Aside("metered_measured_terms", default=False)
#: of a price: the levels that "95th percentile" leaves out are the highest 5%
PERCENTILE = 95


class MeteredPrice(models.Model):
    """What a level is charged by, where it is not what its meter says."""

    _inherit = "metered.price"

    charge_basis = fields.Selection(
        [
            ("none", "Do not charge"),
            ("average", "Average of samples"),
            ("max", "Maximum"),
            ("min", "Minimum"),
            ("last", "Last"),
            ("time_average", "Average by time"),
            ("percentile", "95th percentile"),
        ],
        string="Charge Based On",
        tracking=True,
        help="Which level of the period is charged. Do not charge: the levels are "
        "statistics only. Average by time: each level counts for as long as it "
        "lasted. 95th percentile: the highest levels during 5% of the time are free. "
        "Leave empty to use the aggregation of the meter.",
    )

    @api.constrains("charge_basis")
    def _check_charge_basis(self):
        """A measured service says what it charges, or that it does not charge."""
        for service in self._measured_services():
            if not service.price_id.charge_basis:
                raise ValidationError(
                    self.env._(
                        "%(service)s is a measured service. Choose what it is charged "
                        "by under Charge Based On, or Do not charge.",
                        service=service.display_name,
                    )
                )

    def _measured_services(self):
        """The measured services whose price one of these is, with all rights."""
        services = self.env["metered.measured.service"].sudo()
        services = services.with_context(active_test=False)
        return services.search([("price_id", "in", self.ids)])

    def _charges_that_begin(self, vals):
        """Measured services that were statistics only, and are charged from now on.

        :param vals: of :meth:`write`, of the price itself
        :return: ``metered.measured.service``
        """
        prices = self.browse()
        if (vals.get("charge_basis") or "none") != "none" and not BY_SERVICE.heard():
            prices = self.filtered(
                lambda one: one.charge_basis == "none" and not one.date_from
            )
        return prices._measured_services()

    @api.model
    def _charge_from_this_month(self, services):
        """What was measured before is not charged."""
        for service in services:
            service.date_from = max(service.date_from, service._this_month())

    def _level_basis(self):
        """What the records of a period are combined into.

        :return: (aggregation, percent of a percentile)
        """
        self.ensure_one()
        meter, basis = self.meter_id, self.charge_basis
        if not basis or basis == "none":
            return meter.aggregation or "sum", meter.percentile
        if basis == "average" and meter._counts_calls():
            # There are no samples: the number of calls is known at all times.
            basis = "time_average"
        return basis, PERCENTILE if basis == "percentile" else meter.percentile

    def _is_charged_in(self, date_from, date_to):
        """Whether a version of the price charges something on days of a period."""
        versions = self._versions_in(date_from, date_to)
        return any(version.charge_basis != "none" for version in versions)

    def _deciding(self, date_to, date_from=None):
        """The version whose basis, free units and minimum count for a period.

        The last one that charges; the one in force on its last day where none does.

        :param date_from: first day; None: only the last day is looked at
        :param date_to: first day after it
        """
        versions = self._versions_in(date_from, date_to) if date_from else self.browse()
        charging = versions.filtered(lambda version: version.charge_basis != "none")
        return charging[-1:] or self._in_force(date_to)
