# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import format_datetime

from ...connectors.checks import Check
from ...connectors.errors import SourceBusy, SourceError, SourceUnreachable
from ...ingest.conflicts import StillInTheWay, again
from ...ingest.load import company_zone, customer_zone
from ...stored.samples import Sample, known_samples, store_samples

ACTIVE = "active_calls"
#: read with each sync, once a day
DAILY = ("extensions", "allowed_calls")
#: minutes between two looks of the scheduled action
LEAST_MINUTES = 5
MOST_MINUTES = 24 * 60
#: without a sample for as many intervals, something is wrong
MISSED = 3
_GAUGE = (
    "[('kind', '=', 'gauge'), ('level_source', '=', 'samples'),"
    " ('company_id', 'in', [False, company_id])]"
)


class MeteredSource(models.Model):
    """Levels that a switch is asked for: extensions, and calls at one time.

    Each becomes a record of a meter, as if it had been imported: what it costs is a
    matter of the meter and its price. A level that cannot be read never keeps calls
    from being fetched.
    """

    _inherit = "metered.source"

    has_levels = fields.Boolean(
        compute="_compute_has_levels",
        help="The switch reports how many extensions and active calls an account has.",
    )
    sample_extensions_meter_id = fields.Many2one(
        "metered.meter",
        string="Extensions",
        domain=_GAUGE,
        ondelete="restrict",
        check_company=True,
        help="Meter for the number of extensions of each account, without system "
        "users. Read once a day, with the first sync. Leave empty not to read it.",
    )
    sample_allowed_meter_id = fields.Many2one(
        "metered.meter",
        string="Allowed Calls",
        domain=_GAUGE,
        ondelete="restrict",
        check_company=True,
        help="Meter for the number of simultaneous calls that each account may have. "
        "Read once a day, with the first sync. Leave empty not to read it.",
    )
    sample_active_meter_id = fields.Many2one(
        "metered.meter",
        string="Active Calls",
        domain=_GAUGE,
        ondelete="restrict",
        check_company=True,
        help="Meter for the number of calls in progress. Leave empty not to read it. "
        "Peaks between two samples are not seen; a meter that counts concurrent calls "
        "from the call records sees all of them.",
    )
    sample_minutes = fields.Integer(
        string="Sample Every (minutes)",
        default=LEAST_MINUTES,
        help="How often active calls are read: one request for each account.",
    )
    sampled = fields.Datetime(string="Last Sample", readonly=True, copy=False)
    sample_error = fields.Char(string="Sampling Problem", readonly=True, copy=False)

    @api.depends("source_type")
    def _compute_has_levels(self):
        for source in self:
            source.has_levels = bool(getattr(source._kind(), "levels", ()))

    @api.constrains("sample_minutes")
    def _check_sample_minutes(self):
        for source in self:
            if not LEAST_MINUTES <= source.sample_minutes <= MOST_MINUTES:
                raise ValidationError(
                    self.env._(
                        "Active calls can be sampled every %(least)s to %(most)s "
                        "minutes.",
                        least=LEAST_MINUTES,
                        most=MOST_MINUTES,
                    )
                )

    @api.constrains(
        "sample_extensions_meter_id",
        "sample_allowed_meter_id",
        "sample_active_meter_id",
    )
    def _check_sample_meters(self):
        for source in self:
            for meter in source._sampled().values():
                if meter.kind != "gauge" or meter.level_source != "samples":
                    raise ValidationError(
                        self.env._(
                            "%s does not take samples of a level. Choose a meter of "
                            "the kind Samples of a level.",
                            meter.name,
                        )
                    )
            if len(source._sampled()) > len({*source._sampled().values()}):
                raise ValidationError(
                    self.env._(
                        "Choose a different meter for each of Extensions, Allowed "
                        "Calls and Active Calls."
                    )
                )

    def _sampled(self):
        """What is sampled: name of the level -> ``metered.meter``."""
        self.ensure_one()
        meters = {
            "extensions": self.sample_extensions_meter_id,
            "allowed_calls": self.sample_allowed_meter_id,
            ACTIVE: self.sample_active_meter_id,
        }
        known = getattr(self._kind(), "levels", ())
        return {
            name: meter for name, meter in meters.items() if meter and name in known
        }

    # === ACTIVE CALLS === #

    @api.model
    def _cron_sample(self):
        """Read the active calls of each source for which it is time."""
        for source in self.search([("sample_active_meter_id", "!=", False)]):
            source._sample_active(self.env.cr.commit)

    def _sample_active(self, commit=None):
        """Read the active calls of the accounts that have no sample of this slot.

        All are read before any is stored: while the switch is asked, nothing is locked.

        :param commit: function that commits; None: the caller's transaction has it all
        """
        self.ensure_one()
        if ACTIVE not in self._sampled():
            return
        now = fields.Datetime.now()
        slot = int(now.replace(tzinfo=UTC).timestamp()) // (60 * self.sample_minutes)
        keys = {
            account: self._sample_key(ACTIVE, account, f"{self.sample_minutes}/{slot}")
            for account in self.account_ids.filtered("active")
        }
        known = known_samples(self.env.cr, self.id, keys.values())
        wanted = {account: key for account, key in keys.items() if key not in known}
        if not wanted:
            return
        if commit:
            commit()
        samples, problem = self._read_active(wanted, now)
        self._keep_samples(samples, problem, now, commit)

    def _read_active(self, wanted, now):
        """Ask the switch.

        :param dict wanted: ``metered.source.account`` -> key of its sample
        :return: (list of ``Sample``, text of a problem)
        """
        samples, problem = [], ""
        try:
            with self._make_connector() as connector, connector.hurried():
                for account, key in wanted.items():
                    try:
                        level = connector.level(account.name, ACTIVE)
                    except (SourceUnreachable, SourceBusy):
                        raise
                    except SourceError as error:
                        problem = problem or f"{account.name}: {error}"
                        continue
                    samples += account._sample(ACTIVE, key, level, now)
        except SourceError as error:
            problem = str(error)
        return samples, problem

    def _keep_samples(self, samples, problem, now, commit=None):
        """Store samples, and what went wrong."""

        def work(_failed):
            store_samples(self.env.cr, samples)
            self.env["metered.alert.mark"]._check_soon()
            values = {"sample_error": problem}
            if samples:
                values["sampled"] = now
            self._set_as_program(values)
            self.env.flush_all()
            if commit:
                commit()

        try:
            again(self.env.cr, work, commit)
        except StillInTheWay:
            return  # read again in the next slot
        self.env["metered.usage"].invalidate_model(flush=False)

    @staticmethod
    def _sample_key(what, account, slot):
        return f"sample/{what}/{account.id}/{slot}"

    # === CHECKS === #

    def _check_samples(self):
        """Whether the levels that are billed are read."""
        if not self._sampled():
            return []
        name = self.env._("Samples")
        if self.sample_error:
            remedy = self.env._("Test connection")
            return [Check(name, False, self.sample_error, remedy, "test")]
        if ACTIVE not in self._sampled() or not self.account_ids:
            return []
        late = timedelta(minutes=MISSED * max(self.sample_minutes, LEAST_MINUTES))
        if not self.sampled or self.sampled + late < fields.Datetime.now():
            detail = self.env._("Active calls have not been read for a while.")
            return [Check(name, False, detail, self.env._("Test connection"), "test")]
        return [
            Check(
                name,
                True,
                self.env._(
                    "Active calls were last read on %s.",
                    format_datetime(self.env, self.sampled),
                ),
            )
        ]


class MeteredSourceAccount(models.Model):
    _inherit = "metered.source.account"

    def _sample(self, what, key, level, now):
        """A sample of this account; none where the switch does not tell.

        :param level: int or None
        :param now: naive datetime in UTC
        :return: list of ``Sample``
        """
        self.ensure_one()
        if level is None:
            return []
        source = self.source_id
        named = self.identifier_ids.filtered(lambda one: one.kind == "account_code")[:1]
        partner = named.partner_id or self.partner_id
        zone = ZoneInfo(customer_zone(partner, company_zone(source.company_id)))
        return [
            Sample(
                company_id=source.company_id.id,
                source_id=source.id,
                partner_id=partner.id,
                subscription_id=named.subscription_id.id or None,
                identifier_id=named.id or None,
                meter_id=source._sampled()[what].id,
                currency_id=source.company_id.currency_id.id,
                account=self.name,
                key=key,
                day=now.replace(tzinfo=UTC).astimezone(zone).date(),
                moment=now,
                level=level,
            )
        ]

    def _sample_daily(self, connector, found):
        """Store today's extensions and allowed calls, with the first sync of the day.

        :param connector: of the source
        :param found: list of :class:`~..connectors.interface.Identifier`
        """
        self.ensure_one()
        source = self.source_id
        sampled = source._sampled()
        now = fields.Datetime.now()
        keys = {
            what: source._sample_key(what, self, now.date())
            for what in DAILY
            if what in sampled
        }
        if not keys:
            return
        known = known_samples(self.env.cr, source.id, keys.values())
        samples, problem = [], ""
        for what, key in keys.items():
            if key in known:
                continue
            try:
                if what == "extensions":
                    level = sum(one.kind == "extension" for one in found)
                else:
                    level = connector.level(self.name, what)
            except SourceError as error:
                problem = f"{self.name}: {error}"
                continue
            samples += self._sample(what, key, level, now)
        store_samples(self.env.cr, samples)
        if samples or problem:
            source._set_as_program({"sample_error": problem})
        self.env["metered.usage"].invalidate_model(flush=False)
