# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Whose calling plans a simulation looks at, and which they would have."""

from dataclasses import dataclass

from .payers import with_children, with_parents


@dataclass(frozen=True)
class Family:
    """Companies that may share plans.

    :ivar root_id: of the company above all
    :ivar partner_ids: its own, and those of all below it
    :ivar subscriptions: list of ``PlanSubscription``, those with plans now or then
    """

    root_id: int
    partner_ids: tuple
    subscriptions: list


class TriedPlan:
    """Which plans subscriptions would have.

    :param plan_id: calling plan that is tried, 0 for none
    :param replaced_id: only where there is this one; 0: in place of all plans, and
        for customers without any on their first subscription
    """

    def __init__(self, plan_id, replaced_id):
        self.plan_id, self.replaced_id = plan_id, replaced_id

    def then(self, subscriptions, covered):
        """The plans of a family's subscriptions, and which of them are tried.

        :param covered: ids of the customers whose calls take from a plan now
        :return: (dict subscription id -> dict plan id -> quantity, ids of those with
            the plan that is tried)
        """
        plans, tried, first_of = {}, set(), set()
        for subscription in subscriptions:
            known, owner_id = subscription.plans, subscription.owner_id
            plans[subscription.id] = own = dict(known)
            if not self.plan_id:
                continue
            if self.replaced_id:
                if self.replaced_id not in known:
                    continue
                quantity = own.pop(self.replaced_id) + own.pop(self.plan_id, 0)
                own[self.plan_id] = quantity
            elif known:
                plans[subscription.id] = {self.plan_id: sum(known.values())}
            elif owner_id not in covered and owner_id not in first_of:
                plans[subscription.id] = {self.plan_id: 1}
                first_of.add(owner_id)
            else:
                continue
            tried.add(subscription.id)
        return plans, tried


def find_families(book, tried):
    """The families with plans, now or then, or with some to be applied, by root.

    :param book: :class:`~.plan_book.PlanBook`
    :param tried: :class:`TriedPlan`
    :return: list of :class:`Family`
    """
    cr = book.cr
    subscriptions = book.find([], every=bool(tried.plan_id and not tried.replaced_id))
    cr.execute(
        "SELECT DISTINCT partner_id FROM metered_plan_mark WHERE company_id = %s",
        (book.company_id,),
    )
    marked = {partner_id for (partner_id,) in cr.fetchall()}
    root_of = _roots(cr, marked.union(each.owner_id for each in subscriptions))
    members = {}
    partners = with_children(cr, set(root_of.values()))
    for partner_id, root in _roots(cr, partners).items():
        members.setdefault(root, []).append(partner_id)
    of_root = {root: [] for root in members}
    for subscription in subscriptions:
        of_root[root_of[subscription.owner_id]].append(subscription)
    return [
        Family(root, tuple(sorted(members[root])), own)
        for root, own in sorted(of_root.items())
    ]


def _roots(cr, partner_ids):
    return {own: ids[-1] for own, ids in with_parents(cr, partner_ids).items()}
