# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, models

from ...ingest.aside import Aside

#: said by who tries the exceptions again itself, or changes nothing in the end
NO_CURE = Aside("metered_no_cure")
#: reasons of exceptions that another rate cures
RATING = ("no_rate", "too_large")


class MeteredCure(models.AbstractModel):
    """What may cure exceptions when it is created or changed.

    Just before the user's change is committed, the exceptions that it may have cured
    are tried again: at once if they are few, by a job otherwise. Finding them is one
    look into an index, so that a change that cures nothing costs nothing.
    """

    _name = "metered.cure"
    _description = "Exception Cure"

    #: fields whose change may cure
    _curing = frozenset()
    #: whether a new record may cure what waited before there was any
    _cures_when_new = True

    @api.model_create_multi
    def create(self, vals_list):
        """Try again, later, what the new records may have cured."""
        records = super().create(vals_list)
        if self._cures_when_new and any(
            self._curing & vals.keys() for vals in vals_list
        ):
            records._cure_later()
        return records

    def write(self, vals):
        """Try again, later, what the change may have cured."""
        result = super().write(vals)
        if self._curing & vals.keys():
            self._cure_later()
        return result

    def _cure_later(self):
        """Note that these records may have cured exceptions."""
        if NO_CURE.heard():
            return
        precommit = self.env.cr.precommit
        waiting = precommit.data.setdefault("metered_cures", {})
        if not waiting:
            precommit.add(self.env["metered.cure"]._cure_what_waits)
        waiting.setdefault(self._name, set()).update(self.ids)

    @api.model
    def _cure_what_waits(self):
        """Try again what this transaction may have cured."""
        waiting = self.env.cr.precommit.data.pop("metered_cures", {})
        job = self.env["metered.exception.job"]
        for model, ids in waiting.items():
            records = self.env[model].sudo().browse(sorted(ids)).exists()
            for companies, target in records._cure_targets():
                job._offer(target, records._cure_name(), companies)

    @api.model
    def _every_company(self):
        """The companies that usage comes in for."""
        sources = self.env["metered.source"].sudo().with_context(active_test=False)
        groups = sources._read_group([], ["company_id"])
        return self.env["res.company"].union(*(company for (company,) in groups))

    def _cure_targets(self):
        """What these records may have cured.

        :return: list of (``res.company`` records, target: see
            ``metered_exception_target``)
        """
        return []

    def _cure_name(self):
        """These records in a few words, for the message about what they cured."""
        label = self.env["ir.model"]._get(self._name).name
        if len(self) == 1:
            return f"{label} {self.display_name}"
        return label
