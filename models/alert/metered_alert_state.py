# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import timedelta
from fractions import Fraction

from odoo import api, fields, models

from ...rating.exact import exact_text, rounded
from ...rating.thresholds import newly_reached
from ..guard.unchecked_many2one import UncheckedMany2one

#: days that figures of periods are kept in which nothing was triggered
KEPT_DAYS = 400
#: of a figure: a share of an allowance need not end
DECIMALS = 6

_ADD = """
    INSERT INTO metered_alert_state
           (alert_id, subscription_id, company_id, date_from, date_to, figure, previous,
            is_capped)
    SELECT *, 0, 0, FALSE
      FROM unnest(%s::int[], %s::int[], %s::int[], %s::date[], %s::date[])
        ON CONFLICT (alert_id, subscription_id, date_from) DO NOTHING
"""
# Whoever comes second waits, and then has to begin again with what is told then.
_LOCK = """
    SELECT state.alert_id, state.subscription_id, state.date_from, state.id,
           state.figure::text
      FROM metered_alert_state state
      JOIN unnest(%s::int[], %s::int[], %s::date[])
           AS wanted (alert_id, subscription_id, date_from)
     USING (alert_id, subscription_id, date_from)
     ORDER BY state.id
       FOR NO KEY UPDATE OF state
"""
_SET = """
    UPDATE metered_alert_state state
       SET figure = new.figure, previous = state.figure, date_to = new.date_to,
           as_of = new.as_of, problem = new.problem
      FROM unnest(%s::int[], %s::numeric[], %s::date[], %s::timestamp[], %s::text[])
           AS new (id, figure, date_to, as_of, problem)
     WHERE state.id = new.id
"""


class MeteredAlertState(models.Model):
    """What a subscription's period has come to for an alert, and whether it is capped.

    Its row is locked by whoever checks: two that reach a threshold at the same time
    tell it once.
    """

    _name = "metered.alert.state"
    _description = "Alert Status"
    _inherit = ["metered.guarded"]
    _log_access = False
    _order = "date_from desc, id desc"

    alert_id = fields.Many2one(
        "metered.alert", required=True, readonly=True, ondelete="cascade"
    )
    company_id = UncheckedMany2one("res.company", required=True, readonly=True)
    subscription_id = fields.Many2one(
        "sale.subscription",
        required=True,
        readonly=True,
        ondelete="cascade",
        index=True,
    )
    partner_id = fields.Many2one(related="subscription_id.partner_id")
    date_from = fields.Date(string="From", required=True, readonly=True)
    date_to = fields.Date(
        string="Next Period From",
        required=True,
        readonly=True,
        help="First day of the next period.",
    )
    figure = fields.Float(
        string="Current Value", digits=0, readonly=True, aggregator=None
    )
    previous = fields.Float(
        string="Previous Value",
        digits=0,
        readonly=True,
        aggregator=None,
        help="Value at the previous check.",
    )
    as_of = fields.Datetime(
        readonly=True,
        help="Time when the newest records that are included were stored.",
    )
    problem = fields.Char(readonly=True, help="Usage without a price is not included.")
    is_capped = fields.Boolean(string="Capped", readonly=True)
    lift_reason = fields.Char(readonly=True)
    lifted_uid = fields.Many2one("res.users", string="Lifted By", readonly=True)

    _once_uniq = models.UniqueIndex("(alert_id, subscription_id, date_from)")
    _capped_idx = models.Index("(company_id) WHERE is_capped")

    @api.depends("alert_id", "subscription_id", "date_from")
    def _compute_display_name(self):
        for state in self:
            state.display_name = (
                f"{state.alert_id.name}, {state.subscription_id.display_name}"
            )

    # === CHECKING === #

    @api.model
    def _note(self, found):
        """Note what periods have come to, and tell which thresholds they reach anew.

        :param found: list of (``metered.alert``, ``sale.subscription``, first day, day
            after the last one, Fraction, why some of it has no price, when the newest
            records were stored)
        """
        if not found:
            return
        self.env.flush_all()
        cr = self.env.cr
        keys = {
            (a.id, s.id, begin): place for place, (a, s, begin, *_) in enumerate(found)
        }
        alerts, subscriptions, begins = map(list, zip(*sorted(keys), strict=True))
        ends = [found[keys[key]][3] for key in sorted(keys)]
        companies = [found[keys[key]][0].company_id.id for key in sorted(keys)]
        cr.execute(_ADD, (alerts, subscriptions, companies, begins, ends))
        cr.execute(_LOCK, (alerts, subscriptions, begins), log_exceptions=False)
        rows = cr.fetchall()
        told = self._told(alerts, subscriptions)
        changes, reached = [], []
        thresholds = {
            alert.id: alert._as_thresholds()
            for alert in self.env["metered.alert"].browse(set(alerts))
        }
        for alert_id, subscription_id, begin, state_id, before in rows:
            _alert, _subscription, _begin, end, figure, problem, as_of = found[
                keys[alert_id, subscription_id, begin]
            ]
            figure = Fraction(rounded(figure, DECIMALS, "floor"))
            changes.append((state_id, exact_text(figure), end, as_of, problem or None))
            news = newly_reached(
                thresholds[alert_id],
                figure,
                told.get((alert_id, subscription_id, begin), []),
            )
            if news:
                reached.append((self.browse(state_id), Fraction(before), news))
        cr.execute(_SET, [list(column) for column in zip(*changes, strict=True)])
        self.invalidate_model(flush=False)
        for state, before, news in reached:
            self.env["metered.alert.event"]._trigger(state, before, news)

    @api.model
    def _told(self, alerts, subscriptions):
        """What was told of the running periods.

        :return: dict (alert id, subscription id, first day) -> list of (id of the
            threshold, or None, level as Fraction)
        """
        self.env.cr.execute(
            """
            SELECT alert_id, subscription_id, date_from, threshold_id, level::text
              FROM metered_alert_event
             WHERE alert_id = ANY(%s) AND subscription_id = ANY(%s)
            """,
            (list(set(alerts)), list(set(subscriptions))),
        )
        found = {}
        for *key, threshold_id, level in self.env.cr.fetchall():
            found.setdefault(tuple(key), []).append((threshold_id, Fraction(level)))
        return found

    # === CAPS === #

    def _is_running(self):
        """Whether its period is the one that runs today, so that its cap holds."""
        self.ensure_one()
        today = self.company_id._metered_today()
        subscription = self.subscription_id
        if not subscription.recurring_next_date:
            return False
        if self.alert_id.basis == "allowance" and not self.alert_id.meter_id:
            return self.date_from <= today < self.date_to
        days = subscription._metered_running_days(today)
        return bool(days) and self.date_from == days[-1][0]

    @api.model
    def _capped_of(self, subscriptions):
        """The caps that hold of subscriptions.

        :return: ``metered.alert.state``
        """
        found = self.search(
            [("subscription_id", "in", subscriptions.ids), ("is_capped", "=", True)]
        )
        return found.filtered(lambda state: state._is_running())

    def _cap(self):
        """Have the entitlement say no, and tell so."""
        before = self._entitled()
        self._set_as_program({"is_capped": True})
        self._tell_entitlements(before)

    def _entitled(self):
        """Dict of the subscriptions of these -> whether they are allowed."""
        subscriptions = self.sudo().subscription_id
        capped = self._capped_of(subscriptions).subscription_id
        return {
            one: one.in_progress and not one.is_paused and one not in capped
            for one in subscriptions
        }

    def _tell_entitlements(self, before):
        """Tell other programs which entitlements changed.

        :param before: of :meth:`_entitled`
        """
        now = self._entitled()
        for subscription, allowed in now.items():
            if before.get(subscription) != allowed:
                subscription._metered_entitlement_changed(allowed)

    @api.model
    def _mark_ended(self):
        """Lift the caps of periods that are over: the next one starts anew."""
        capped = self.sudo().search([("is_capped", "=", True)])
        over = capped.filtered(lambda state: not state._is_running())
        if over:
            over._lift(self.env._("The next billing period started."), by_person=False)

    def _lift(self, reason, by_person=True):
        """Let the entitlement say yes again.

        :param str reason: told on the subscription
        """
        capped = self.filtered("is_capped")
        # Caps of a period that is over did not hold any more, but were told.
        before = dict.fromkeys(capped.sudo().subscription_id, False)
        values = {"is_capped": False, "lift_reason": reason}
        if by_person:
            values["lifted_uid"] = self.env.uid
        capped._set_as_program(values)
        for state in capped:
            state.subscription_id.sudo().message_post(
                author_id=self.env.user.partner_id.id,
                body=self.env._(
                    "The cap of the alert %(alert)s was lifted: %(reason)s",
                    alert=state.alert_id.name,
                    reason=reason,
                ),
            )
        capped._tell_entitlements(before)

    @api.autovacuum
    def _gc_states(self):
        limit = fields.Date.today() - timedelta(days=KEPT_DAYS)
        self.search(
            [("date_to", "<", limit), ("is_capped", "=", False)], limit=10_000
        ).unlink()
