# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Reading how numbers are dialled, and what calls to them are."""

from dataclasses import replace

from .classify import Destination, split_prefixes
from .dial_plans import dial_plan, is_dialled_in
from .short_codes import by_country

#: destinations of this module without a country whose short codes some countries have
SEVERAL_COUNTRIES = ("destination_world_toll_free", "destination_world_directory")


def source_dial_plan(source):
    """How numbers are dialled at a source: as in its home country, or as it says."""
    overrides = {}
    if source.idd_prefixes:
        overrides["idd_prefixes"] = tuple(
            text.strip() for text in source.idd_prefixes.split(",") if text.strip()
        )
    if source.short_code_max:
        overrides["short_code_max"] = source.short_code_max
    return dial_plan(source.country_id.code, **overrides)


def own_country(partner):
    """Where a customer dials as far as its address tells.

    :param partner: ``res.partner`` record
    :return: ``res.country``, empty where it has none or its dialling is not known
    """
    country = partner.country_id or partner.commercial_partner_id.country_id
    return country if is_dialled_in(country.code) else country.browse()


def load_classes(env, company):
    """What calls to which prefixes are.

    :return: (list of :class:`~.classify.Destination`, dict call class -> meter id)
    """
    shared = [("active", "=", True), ("company_id", "in", [False, company.id])]
    several = env["metered.destination"].union(
        *(
            env.ref(f"metered_billing.{name}", raise_if_not_found=False)
            or env["metered.destination"]
            for name in SEVERAL_COUNTRIES
        )
    )
    prefixes = []
    for found in env["metered.destination"].search(shared):
        destination = Destination(
            id=found.id,
            country_id=found.country_id.id or 0,
            kind=found.kind,
            prefixes=tuple(split_prefixes(found.prefixes)),
            meter_id=found.meter_id.id or 0,
        )
        if found in several and not found.country_id:
            prefixes += _at_home(env, destination)
        else:
            prefixes.append(destination)
    meters = env["metered.meter"].search(
        [("kind", "=", "call"), ("call_class", "!=", False), *shared],
        # The company's own meter comes last and so takes the place of a shared one.
        order="company_id NULLS FIRST, id",
    )
    return prefixes, {meter.call_class: meter.id for meter in meters}


def _at_home(env, destination):
    """A destination of several countries, for each of them what counts there."""
    everywhere, of_country = by_country(destination.prefixes)
    countries = env["res.country"].search([("code", "in", [*of_country])])
    return [
        replace(destination, prefixes=everywhere),
        *(
            replace(
                destination, country_id=country.id, prefixes=of_country[country.code]
            )
            for country in countries
        ),
    ]
