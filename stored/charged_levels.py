# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whom measured services charge for which levels."""

#: Which meters measured services charge customers for, on any day; part of a query.
CHARGED = """
    service AS (
        SELECT * FROM metered_measured_service service
         WHERE service.active AND EXISTS (
            SELECT 1 FROM metered_price price
             WHERE (price.id = service.price_id OR price.current_id = service.price_id)
               AND price.charge_basis IS DISTINCT FROM 'none')
    ), charged AS (
        SELECT company_id, partner_id AS payer_id, meter_id
          FROM service WHERE partner_id IS NOT NULL
        UNION
        SELECT service.company_id, partner.id, service.meter_id
          FROM service
          JOIN res_partner partner
            ON (partner.metered_group_id ->> service.company_id::text)::int
               = service.group_id
         WHERE NOT EXISTS (
            SELECT 1 FROM metered_measured_service own
             WHERE own.active AND own.partner_id = partner.id
               AND own.meter_id = service.meter_id
               AND own.company_id = service.company_id)
    )"""
