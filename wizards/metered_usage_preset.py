# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..models.screen.actions import CLOSE, notification
from ..models.screen.usage_presets import PRESETS, preset_events


class MeteredUsageSetup(models.TransientModel):
    """What trades bill, at a click: source, meters, and what they are sold as."""

    _inherit = "metered.usage.setup"

    presets = fields.Json(
        compute="_compute_presets", help="Examples that one click creates."
    )

    @api.depends_context("lang")
    def _compute_presets(self):
        for setup in self:
            setup.presets = [
                {"key": key, "label": self.env._(preset.label)}
                for key, preset in PRESETS.items()
            ]

    @api.model
    def create_preset(self, key):
        """Make the metered products of a preset, and the source that takes its events.

        :param str key: of ``PRESETS``
        :return: action: a notification that also closes the dialog
        """
        self.check_access("create")
        if key not in PRESETS:
            raise UserError(self.env._("There is no example %s.", key))
        preset = PRESETS[key]
        source = self._events_source()
        taken = set(source.event_type_ids.mapped("name"))
        for sold in preset.sold:
            if sold.type in taken:
                raise UserError(
                    self.env._(
                        "%(preset)s was already added: %(origin)s accepts events of "
                        "the type %(type)s. Change its meter and price under Metered "
                        "Products.",
                        preset=self.env._(preset.label),
                        origin=source.name,
                        type=sold.type,
                    )
                )
        made = [self._make_sold(sold) for sold in preset.sold]
        source.write(
            {
                "event_type_ids": [
                    Command.create({"name": sold.type, "meter_id": meter.id})
                    for sold, (meter, _price) in zip(preset.sold, made, strict=True)
                ],
                "event_sample": preset_events(preset, preset.subject),
            }
        )
        prices = ", ".join(f"{price.name}: {price.description}" for _m, price in made)
        return notification(
            self.env._(
                "%(origin)s now accepts events for %(preset)s. Check the prices under "
                "Metered Products: %(prices)s.",
                origin=source.name,
                preset=self.env._(preset.label),
                prices=prices,
            ),
            next=CLOSE,
        )

    def _make_sold(self, sold):
        """Make one product of a preset, as the dialog itself does.

        :return: (``metered.meter``, ``metered.price``)
        """
        name, unit = self.env._(sold.name), self.env._(sold.unit)
        meter = self._make_meter(
            name,
            {
                "unit": unit,
                "kind": sold.kind,
                "aggregation": sold.aggregation,
                **sold.meter,
            },
        )
        price = {
            "charge_model": "graduated" if sold.tiers else "standard",
            "tier_ids": [
                Command.create(
                    {"sequence": at, "up_to": up_to, "unit_price": float(unit_price)}
                )
                for at, (up_to, unit_price) in enumerate(sold.tiers)
            ],
        }
        for key, value in sold.price.items():
            price[key] = float(value) if key == "unit_price" else value
        if "unit" in price:
            price["unit"] = self.env._(price["unit"])
        return meter, self._make_product(name, meter, price)

    @api.model
    def _events_source(self):
        """The company's first source of events, made where there is none."""
        sources = self.env["metered.source"]
        found = sources.search(
            [
                ("company_id", "=", self.env.company.id),
                ("takes_events", "=", True),
            ],
            order="id",
            limit=1,
        )
        return found or sources.create(
            {
                "name": self.env._("Pushed events"),
                "source_type": "events",
                "company_id": self.env.company.id,
            }
        )
