# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
import json

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import consteq, hmac

METHODS = ("create", "write", "unlink")
#: fields that come from the screen whose saving was refused, and go on unchanged
SHOWN = ("model", "method", "record_ids", "vals_list", "altered")


class MeteredGoldenConfirm(models.TransientModel):
    """A change that alters golden calls, to be applied all the same, with a reason.

    It comes from the screen whose saving was refused, by way of the browser: what is
    applied is what the server wrote down for this user, or nothing. It is applied with
    the rights of who confirms it.
    """

    _name = "metered.golden.confirm"
    _description = "Change Golden Calls"
    _inherit = ["metered.guarded"]

    model = fields.Char(required=True)
    method = fields.Char(required=True)
    record_ids = fields.Char(required=True)
    vals_list = fields.Char(required=True)
    altered = fields.Text(string="Affected Golden Calls")
    digest = fields.Char(help="Identifies the change that was refused.")
    what = fields.Char(string="Changed Record", compute="_compute_what")
    # Asked for by the button: who goes back need not say anything.
    reason = fields.Text(
        help="Why the agreed prices may change. The reason is saved with the "
        "golden calls.",
    )

    @api.depends("model", "record_ids")
    def _compute_what(self):
        for wizard in self:
            wizard.what = False
            if wizard.model in self.env:
                label = self.env["ir.model"]._get(wizard.model).name
                names = wizard._records().exists().mapped("display_name")
                wizard.what = ": ".join(filter(None, (label, ", ".join(names[:5]))))

    @api.depends("what")
    def _compute_display_name(self):
        for wizard in self:
            wizard.display_name = self.env._("Change of %s", wizard.what or "?")

    @api.model
    def _digest(self, change):
        """What only the server can write below a change, for this user only.

        :param change: dict of the fields in ``SHOWN``
        """
        text = json.dumps([self.env.uid, *(change[name] or "" for name in SHOWN)])
        return hmac(self.env(su=True), "metered_golden_confirm", text)

    def _check_shown(self):
        """Refuse a change that is not the one that was shown.

        :raises UserError: when anything of it is another
        """
        self.ensure_one()
        change = {name: self[name] for name in SHOWN}
        if not consteq(self._digest(change), self.digest or ""):
            raise UserError(
                self.env._(
                    "This is not the change that was refused. Go back and save it "
                    "again."
                )
            )

    def _records(self):
        """The records that are changed.

        :raises UserError: when they are none that golden calls watch
        """
        self.ensure_one()
        model = self.env.get(self.model)
        if not hasattr(model, "_golden_watch") or self.method not in METHODS:
            raise UserError(
                self.env._(
                    "This change does not affect golden calls. Save it on its own form."
                )
            )
        return model.browse(json.loads(self.record_ids))

    def action_apply(self):
        """Apply the change, and keep the reason."""
        self.ensure_one()
        if not (self.reason or "").strip():
            raise UserError(self.env._("Enter why the agreed prices may change."))
        records = self._records()
        self._check_shown()
        home = records._golden_home()
        confirmed = records.with_context(
            metered_golden_reason=self.reason, metered_golden_shown=self.altered or ""
        )
        vals_list = json.loads(self.vals_list)
        if self.method == "create":
            records = confirmed.create(vals_list)
        elif self.method == "write":
            confirmed.write(vals_list[0])
        else:
            confirmed.unlink()
        return self._open((records.exists() or home.exists())[:1])

    def action_back(self):
        """Leave everything as it is."""
        self.ensure_one()
        return self._open(self._records().exists()[:1])

    def _open(self, record):
        action = record._get_records_action(
            name=self.env["ir.model"]._get(record._name).name, target="main", context={}
        )
        if not record:
            action["views"] = [(False, "list"), (False, "form")]
        return action
