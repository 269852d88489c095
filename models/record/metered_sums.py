# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
from odoo import api, fields, models


class Money(fields.Float):
    """An amount to the last digit, in the currency that another field names.

    Lists, pivots and graphs are told where that stands; ``metered.sums`` adds it up.
    """

    currency_field = "currency_id"
    _digits = 0

    def _description_currency_field(self, _env):
        return self.currency_field

    def _description_aggregator(self, _env):
        return self.aggregator


class MeteredSums(models.AbstractModel):
    """Sums of :class:`Money`, of one currency only.

    A sum over several currencies is no amount: lists, pivots and graphs get none, and
    are told which currencies there are. Group by currency to see the sums.
    """

    _name = "metered.sums"
    _description = "Totals in One Currency"

    #: fields that are not stored -> the stored ones that are added up for them
    _summed_as = {}

    @api.model
    @api.readonly
    def formatted_read_group(
        self,
        domain,
        groupby=(),
        aggregates=(),
        having=(),
        offset=0,
        limit=None,
        order=None,
    ):
        self._check_size(domain)
        groups = super().formatted_read_group(
            domain,
            groupby,
            self._summed(aggregates),
            having,
            offset=offset,
            limit=limit,
            order=order,
        )
        self._tell_sums(domain, groupby, aggregates, groups)
        return groups

    @api.model
    @api.readonly
    def formatted_read_grouping_sets(
        self, domain, grouping_sets, aggregates=(), *, order=None
    ):
        self._check_size(domain)
        found = super().formatted_read_grouping_sets(
            domain, grouping_sets, self._summed(aggregates), order=order
        )
        for groupby, groups in zip(grouping_sets, found, strict=True):
            self._tell_sums(domain, groupby, aggregates, groups)
        return found

    @api.model
    def _check_size(self, _domain):
        """Refuse what cannot be grouped while a user waits.

        :raises UserError: when these are too many records
        """

    @api.model
    def _summed(self, aggregates):
        """The aggregates to ask for, each once: of stored fields, with the currency."""
        asked = [self._stored_aggregate(spec) for spec in aggregates]
        if any(self._money(spec) for spec in aggregates):
            asked.append("currency_id:array_agg_distinct")
        return list(dict.fromkeys(asked))

    @api.model
    def _money(self, aggregate):
        return isinstance(self._fields.get(aggregate.partition(":")[0]), Money)

    @api.model
    def _stored_aggregate(self, aggregate):
        name, colon, function = aggregate.partition(":")
        # Of one currency it is the same, and there is no sum of several.
        function = "sum" if function == "sum_currency" else function
        return f"{self._summed_as.get(name, name)}{colon}{function}"

    @api.model
    def _tell_sums(self, domain, groupby, aggregates, groups):
        """Put the aggregates that were asked for into groups, money where it is one."""
        money = list(filter(self._money, aggregates))
        unknown = self._unknown_sums(domain, groupby) if money else ()
        for group in groups:
            for spec in aggregates:
                stored = self._stored_aggregate(spec)
                if stored != spec:
                    group[spec] = group[stored]
            if money:
                # Records without charge, such as inbound calls, have no currency.
                currencies = filter(None, group["currency_id:array_agg_distinct"] or ())
                if (
                    len(set(currencies)) > 1
                    or tuple(group[spec] for spec in groupby) in unknown
                ):
                    group.update(dict.fromkeys(money, False))

    @api.model
    def _unknown_sums(self, _domain, _groupby):
        """Groups, as tuples of their values, whose sum of money is not known."""
        return ()
