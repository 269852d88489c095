# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models
from odoo.exceptions import AccessError

from .actions import window_action
from .usage_presets import preset_events, preset_of

STEPS = (
    "company",
    "product",
    "source",
    "customer",
    "rates",
    "import",
    "subscription",
    "invoice",
)
#: steps that companies do not have which bill only this
WITHOUT = {"calls": {"product"}, "usage": {"rates"}, "both": set()}


class MeteredOnboarding(models.AbstractModel):
    """What a new company has to set up, in its order, up to the first invoice.

    Nothing is ticked off by hand: a step is done when what it is for is there.
    """

    _name = "metered.onboarding"
    _description = "Metered Billing Setup"

    @api.model
    def get_panel(self):
        """The steps for the company of the user, for administrators only.

        :return: False, or dict of ``hidden`` and ``steps`` (key, title, text, done,
            button)
        """
        if not self._is_administrator():
            return False
        choice = self.env.company.metered_onboarding
        if choice == "hidden":
            return {"hidden": True, "steps": []}
        steps = [
            {"key": key, **getattr(self, f"_step_{key}")()} for key in self._keys()
        ]
        done = all(step["done"] for step in steps)
        return {"hidden": done and choice != "shown", "steps": steps}

    @api.model
    def is_going_on(self):
        """Whether the user sees the panel, and not all of its steps are done."""
        panel = self.get_panel()
        return bool(
            panel
            and not panel["hidden"]
            and not all(step["done"] for step in panel["steps"])
        )

    @api.model
    def open_next(self):
        """The panel, with the first step open that is not done.

        :return: action
        """
        action = self._list("metered_billing.action_metered_dashboard")
        return {**action, "target": "main", "params": {"setup": True}}

    @api.model
    def set_hidden(self, hidden):
        """Hide the panel for this company, or bring it back."""
        if not self._is_administrator():
            raise AccessError(
                self.env._(
                    "Only administrators of Metered Billing can change the setup."
                )
            )
        self.env.company.sudo().metered_onboarding = "hidden" if hidden else "shown"

    @api.model
    def open_step(self, key):
        """The form in which a step is done, filled in as far as can be told.

        :param str key: as of :meth:`get_panel`
        :return: action
        """
        if key not in self._keys() or not self._is_administrator():
            raise AccessError(
                self.env._(
                    "Only administrators of Metered Billing can change the setup."
                )
            )
        action = getattr(self, f"_open_{key}")()
        if action.get("target") == "new":
            keys = self._keys()
            action["name"] = self.env._(
                "Step %(number)s of %(all)s: %(step)s",
                number=keys.index(key) + 1,
                all=len(keys),
                step=action["name"],
            )
        return action

    @api.model
    def _keys(self):
        """The steps that a company has that bills what it does."""
        without = WITHOUT[self.env.company.metered_bills or "calls"]
        return [key for key in STEPS if key not in without]

    @api.model
    def _is_administrator(self):
        return self.env.user.has_group("metered_billing.group_metered_administrator")

    # === STEPS: WHAT IS DONE, WHAT IS MISSING === #

    @api.model
    def _step_company(self):
        company = self.env.company
        done = bool(company.country_id and company.metered_tz)
        return {
            "title": self.env._("Your company"),
            "done": done,
            "text": self.env._(
                "%(country)s; usage days start at midnight in %(zone)s.",
                country=company.country_id.name,
                zone=company.metered_tz,
            )
            if done
            else self.env._(
                "What you bill, your country, and the time zone in which a usage day "
                "starts."
            ),
            "button": self.env._("Change") if done else self.env._("Set Up"),
        }

    @api.model
    def _bills_usage_only(self):
        return self.env.company.metered_bills == "usage"

    @api.model
    def _metered_products(self):
        return self.env["product.template"].search(
            [
                ("metered_meter_id", "!=", False),
                ("company_id", "in", [False, self.env.company.id]),
            ],
            order="id",
        )

    @api.model
    def _step_product(self):
        products = self._metered_products()
        return {
            "title": self.env._("What you bill"),
            "done": bool(products),
            "text": ", ".join(products[:3].mapped("name"))
            + (", …" if len(products) > 3 else "")
            if products
            else self.env._(
                "What you bill, in which unit, how it is counted and what it costs."
            ),
            "button": self.env._("Metered Products")
            if products
            else self.env._("Set Up"),
        }

    @api.model
    def _step_source(self):
        sources = self.env["metered.source"].search(self._own(), limit=4)
        return {
            "title": self.env._("A usage source"),
            "done": bool(sources),
            "text": ", ".join(sources[:3].mapped("name"))
            + (", …" if len(sources) > 3 else "")
            if sources
            else self.env._("The system or file your usage records come from.")
            if self._bills_usage_only()
            else self.env._("The switch or feed your call records come from."),
            "button": self.env._("Sources") if sources else self.env._("Add a Source"),
        }

    @api.model
    def _step_customer(self):
        Identifier = self.env["metered.identifier"]
        count = Identifier.search_count(self._own())
        [(customers,)] = Identifier._read_group(
            self._own(), [], ["partner_id:count_distinct"]
        )
        return {
            "title": self.env._("Customers and their identifiers")
            if self._bills_usage_only()
            else self.env._("Customers and their numbers"),
            "done": bool(count),
            "text": self.env._(
                "Identifiers: %(count)s. Customers with identifiers: %(customers)s.",
                count=count,
                customers=customers,
            )
            if count
            else self.env._(
                "A customer, with the API key, meter serial number or other "
                "identifier of its usage."
            )
            if self._bills_usage_only()
            else self.env._("A customer, with the phone number or line of its calls.")
            if self.env["res.partner"].has_access("create")
            else self.env._(
                "The phone number or line of a customer's calls. Ask someone who can "
                "create contacts to create the customer first."
            ),
            "button": self.env._("Service Identifiers")
            if count
            else self.env._("Add a Customer"),
        }

    @api.model
    def _step_rates(self):
        company = self.env.company
        rates = self.env["metered.rate"].search_count(self._own(), limit=1)
        if not rates:
            text = self.env._("What calls cost: review and accept the proposed rates.")
        elif company.metered_deck_id:
            text = self.env._(
                "Customers without a rate deck of their own pay %s.",
                company.metered_deck_id.name,
            )
        else:
            text = self.env._(
                "There are rates, but the company has no default deck yet. Choose one."
            )
        if not rates:
            button = self.env._("Propose Rates")
        elif company.metered_deck_id:
            button = self.env._("Rate Decks")
        else:
            button = self.env._("Choose")
        return {
            "title": self.env._("Rates"),
            "done": bool(rates),
            "text": text,
            "button": button,
        }

    @api.model
    def _step_import(self):
        Batch = self.env["metered.batch"]
        done = Batch.search(
            [*self._own(), ("state", "=", "done"), ("rated", ">", 0)], limit=1
        )
        latest = done or Batch.search(self._own(), limit=1)
        if done:
            text = self.env._(
                "%(file)s: %(rated)s of %(records)s records rated.",
                file=done.file_name,
                rated=self.env["metered.explanation"]._number(done.rated),
                records=self.env["metered.explanation"]._number(done.records),
            )
        elif latest.state in ("queued", "running"):
            text = self.env._("%s is being imported.", latest.file_name)
        elif latest.state == "failed":
            text = self.env._("%s could not be imported.", latest.file_name)
        elif latest and latest.state != "undone":
            text = self.env._(
                "%(file)s was imported, but no records were rated. Check the "
                "exceptions.",
                file=latest.file_name,
            )
        else:
            text = self.env._(
                "A file of usage records. You see how it is interpreted before "
                "anything is stored."
            )
        if not latest and self._events_source():
            text = self.env._(
                "A sample event, as your program would send it. It is rated right away."
            )
        return {
            "title": self.env._("Usage"),
            "done": bool(done),
            "text": text,
            "button": self.env._("Imports")
            if done
            else self.env._("Send an Event")
            if self._events_source()
            else self.env._("Import a File"),
        }

    @api.model
    def _step_subscription(self):
        Subscription = self.env["sale.subscription"]
        step = {"title": self.env._("A subscription"), "done": False, "button": False}
        if not Subscription.has_access("create"):
            step["text"] = self.env._("Someone in sales has to create it.")
            return step
        count = Subscription.search_count(
            [*self._own(), ("stage_type", "in", ("pre", "in_progress"))]
        )
        step.update(
            done=bool(count),
            text=self.env._("Active or ready subscriptions: %s.", count)
            if count
            else self.env._(
                "It invoices a customer every month: usage, plus a fee if you like."
            ),
            button=self.env._("Subscriptions")
            if count
            else self.env._("Create a Subscription"),
        )
        return step

    @api.model
    def _step_invoice(self):
        Usage = self.env["metered.usage"]
        invoiced = Usage.search(
            [*self._own(), ("invoice_line_id", "!=", False)], limit=1
        )
        waiting = Usage.search([*self._own(), ("invoice_line_id", "=", False)], limit=1)
        if invoiced:
            text = self.env._("Usage has been invoiced. You're all set!")
        elif waiting:
            text = self.env._("Usage is ready to be invoiced.")
        else:
            text = self.env._("You can invoice usage as soon as it is imported.")
        return {
            "title": self.env._("The first invoice"),
            "done": bool(invoiced),
            "text": text,
            "button": self.env._("Create Invoice") if waiting else False,
        }

    # === STEPS: WHERE THEY ARE DONE === #

    @api.model
    def _open_company(self):
        return self._dialog("metered.company.setup", self.env._("Your Company"))

    @api.model
    def _open_product(self):
        if self._step_product()["done"]:
            return self._list("metered_billing.action_metered_product")
        return window_action(self.env, "action_metered_usage_setup", context={})

    @api.model
    def _open_source(self):
        if self._step_source()["done"]:
            return self._list("metered_billing.action_metered_source")
        if self._bills_usage_only():
            meters = self._metered_products().metered_meter_id
            return self._dialog(
                "metered.source",
                self.env._("Add a Source"),
                default_name=self.env._("Usage feed"),
                default_preset="usage",
                default_meter_id=meters[:1].id,
            )
        return self._dialog(
            "metered.source",
            self.env._("Add a Source"),
            default_name=self.env._("Phone system"),
            default_preset="generic",
        )

    @api.model
    def _open_customer(self):
        if self._step_customer()["done"]:
            return self._list("metered_billing.action_metered_identifier")
        return self._dialog(
            "metered.identifier",
            self.env._("Add a Customer"),
            default_kind=self._usual_kind(),
        )

    @api.model
    def _usual_kind(self):
        """By what customers are known, as far as can be told: a kind of identifier."""
        preset = self._preset(self._events_source())
        if preset:
            return preset.identifier
        return "key" if self._bills_usage_only() else "number"

    @api.model
    def _events_source(self):
        """The source of a company that gets its usage from programs alone."""
        sources = self.env["metered.source"].search(self._own(), order="id")
        return sources[:1] if all(sources.mapped("takes_events")) else sources.browse()

    @api.model
    def _preset(self, source):
        """What its types of events are known from, None where from nothing."""
        return preset_of(set(source.event_type_ids.mapped("name")))

    @api.model
    def _open_rates(self):
        if self._step_rates()["done"]:
            if not self.env.company.metered_deck_id:
                return self._open_company()
            return self._list("metered_billing.action_metered_rate_deck")
        return self._dialog("metered.rate.proposal", self.env._("Propose Rates"))

    @api.model
    def _open_import(self):
        if self._step_import()["done"]:
            return self._list("metered_billing.action_metered_batch")
        source = self._events_source()
        if not source:
            return self._list("metered_billing.action_metered_import")
        preset = self._preset(source)
        identifier = self.env["metered.identifier"].search(
            [*self._own(), ("kind", "=", self._usual_kind())], limit=1
        )
        if preset and identifier:
            source.event_sample = preset_events(preset, identifier.value)
        return source._get_records_action(
            name=self.env._("Send an Event"),
            target="new",
            views=[
                (
                    self.env.ref("metered_billing.metered_source_view_form_event").id,
                    "form",
                )
            ],
            context={},
        )

    @api.model
    def _open_subscription(self):
        if self._step_subscription()["done"]:
            return self._list("metered_billing.action_metered_subscription")
        return window_action(
            self.env,
            "action_metered_subscription_setup",
            context={"metered_setup": True},
        )

    @api.model
    def _open_invoice(self):
        Usage = self.env["metered.usage"]
        usage = Usage.search(
            [*self._own(), ("invoice_line_id", "=", False)], order="day", limit=1
        )
        if not usage:
            return self._list("metered_billing.action_metered_manual_invoice")
        wizard = self.env["metered.manual.invoice"].create(
            {
                "partner_id": usage.partner_id.commercial_partner_id.id,
                "date_from": usage.day.replace(day=1),
                "date_to": fields.Date.end_of(usage.day, "month"),
            }
        )
        return wizard.action_search()

    @api.model
    def _own(self):
        return [("company_id", "=", self.env.company.id)]

    @api.model
    def _list(self, xml_id):
        return self.env["ir.actions.actions"]._for_xml_id(xml_id)

    @api.model
    def _dialog(self, model, name, **context):
        return self.env[model]._get_records_action(
            name=name, target="new", context=context
        )
