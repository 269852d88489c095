# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Domains, users and numbers as rows of a NetSapiens server: v2's names, and v1's."""


def domain_row(domain):
    return {
        "domain": domain.name,
        "reseller": domain.reseller,
        "description": domain.description,
        "domain-type": "Standard",
        "time-zone": domain.time_zone,
        "is-domain-locked": "no",
        "active-calls-total-current": domain.active_calls,
        **(
            {}
            if domain.allowed_calls is None
            else {"limits-max-active-calls-total": domain.allowed_calls}
        ),
        **domain.changed,
    }


def user_row(domain, user):
    return {
        "domain": domain.name,
        "user": user.user,
        "name-first-name": user.first_name,
        "name-last-name": user.last_name,
        "email-address": f"{user.user}@example.com",
        "user-scope": "Basic User",
        "service-code": user.service_code,
        "created-datetime": user.created.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
    }


def number_row(domain, number, application, target):
    return {
        "phonenumber": number,
        "enabled": "yes",
        "domain": domain.name,
        "dial-rule-application": application,
        "dial-rule-translation-destination-user": target,
        "dial-rule-description": "",
    }


def domain_row_v1(domain):
    return {
        "domain": domain.name,
        "territory": domain.reseller,
        "description": domain.description,
    }


def user_row_v1(domain, user):
    return {
        "user": user.user,
        "domain": domain.name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "srv_code": user.service_code,
    }


def number_row_v1(domain, number, _application, _target):
    return {"matchrule": f"sip:{number}@*", "domain": domain.name}
