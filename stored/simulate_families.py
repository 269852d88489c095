# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whose calling plans a simulation looks at, and which they would have."""

from dataclasses import dataclass

from .plan_calls import with_parents


@dataclass(frozen=True)
class Family:
    """Companies that may share plans.

    :ivar root_id: of the company above all
    :ivar partner_ids: its own, and those of all below it
    :ivar subscriptions: ``sale.subscription`` records, those with plans now or then
    """

    root_id: int
    partner_ids: tuple
    subscriptions: object


class TriedPlan:
    """Which plans subscriptions would have.

    :param plan: ``metered.calling.plan`` record that is tried; empty: none is
    :param replaced: only where there is this one; empty: in place of all plans, and
        for customers without any on their first subscription
    """

    def __init__(self, plan, replaced):
        self.plan, self.replaced = plan, replaced

    def then(self, subscriptions, covered):
        """The plans of a family's subscriptions, and which of them are tried.

        :param covered: ids of the customers whose calls take from a plan now
        :return: (dict subscription id -> dict plan id -> quantity, ids of those with
            the plan that is tried)
        """
        plans, tried, first_of = {}, set(), set()
        for subscription in subscriptions.sorted("id"):
            known = subscription._metered_plans()
            plans[subscription.id] = {p.id: q for p, q in known.items()}
            if not self.plan:
                continue
            owner = subscription.partner_id.commercial_partner_id.id
            if self.replaced:
                if self.replaced not in known:
                    continue
                own = plans[subscription.id]
                quantity = own.pop(self.replaced.id) + own.pop(self.plan.id, 0)
                own[self.plan.id] = quantity
            elif known:
                plans[subscription.id] = {self.plan.id: sum(known.values())}
            elif owner not in covered and owner not in first_of:
                plans[subscription.id] = {self.plan.id: 1}
                first_of.add(owner)
            else:
                continue
            tried.add(subscription.id)
        return plans, tried


def find_families(company, tried):
    """The families with plans, now or then, or with some to be applied, by root.

    :param company: ``res.company`` record, with all rights
    :param tried: :class:`TriedPlan`
    :return: list of :class:`Family`
    """
    env = company.env
    Subscription = env["sale.subscription"].with_company(company)
    domain = Subscription._metered_plan_domain(company)
    if tried.plan and not tried.replaced:
        domain = [
            ("company_id", "=", company.id),
            "|",
            ("in_progress", "=", True),
            ("metered_plan_end", "!=", False),
        ]
    elif not env["metered.plan.mark"]._exist_plans():
        return []
    subscriptions = Subscription.search(domain, order="id")
    marked = env["metered.plan.mark"].search([("company_id", "=", company.id)])
    Partner = env["res.partner"].with_context(active_test=False)
    root_of = _roots(env.cr, (subscriptions.partner_id | marked.partner_id).ids)
    partners = Partner.search([("id", "child_of", list(set(root_of.values())))])
    members = {}
    for partner_id, root in _roots(env.cr, partners.ids).items():
        members.setdefault(root, []).append(partner_id)
    of_root = {root: [] for root in members}
    for subscription in subscriptions:
        of_root.setdefault(root_of[subscription.partner_id.id], []).append(
            subscription.id
        )
    return [
        Family(root, tuple(sorted(members[root])), subscriptions.browse(ids))
        for root, ids in sorted(of_root.items())
    ]


def _roots(cr, partner_ids):
    return {own: ids[-1] for own, ids in with_parents(cr, partner_ids).items()}
