# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Which records a hold keeps from retention."""

#: a condition, to be formatted with expressions of the record's customer, day, invoice
#: and import; with the values `company` and `today`
HELD = """
    EXISTS (
        SELECT 1 FROM metered_hold hold
         WHERE hold.company_id = %(company)s AND hold.lifted_on IS NULL
           AND hold.hold_from <= %(today)s
           AND coalesce(hold.hold_until, 'infinity') >= %(today)s
           AND (hold.partner_id IS NULL OR (
                SELECT owner.commercial_partner_id FROM res_partner owner
                 WHERE owner.id = {partner}) = (
                SELECT owner.commercial_partner_id FROM res_partner owner
                 WHERE owner.id = hold.partner_id))
           AND {day} >= coalesce(hold.day_from, '-infinity')
           AND {day} <= coalesce(hold.day_to, 'infinity')
           AND (hold.invoice_id IS NULL OR hold.invoice_id = {invoice})
           AND (hold.batch_id IS NULL OR hold.batch_id = {batch}))
"""
