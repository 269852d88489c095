# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ...connectors.addresses import parse_networks
from ...connectors.errors import SourceError


class MeteredAllowedNetworks(models.AbstractModel):
    """Networks of this server that a record may connect to, as an exception.

    To be inherited; who changes the address has to forget them.
    """

    _name = "metered.allowed.networks"
    _description = "Allowed Networks"

    allowed_networks = fields.Char(
        groups="base.group_system",
        copy=False,
        help="Addresses or networks such as 127.0.0.1 or 169.254.0.0/16. Connections "
        "to them are allowed even though they belong to this server itself or are "
        "link-local.",
    )

    @api.constrains("allowed_networks")
    def _check_allowed_networks(self):
        for record in self.sudo():
            try:
                parse_networks(record.allowed_networks)
            except SourceError as error:
                raise ValidationError(str(error)) from error
