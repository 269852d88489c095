import {ListRenderer} from "@web/views/list/list_renderer";
import {_t} from "@web/core/l10n/translation";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";

/** A list with amounts: it adds up what is of one currency, and says so where not. */
export class MoneyListRenderer extends ListRenderer {
    computeAggregates() {
        const aggregates = super.computeAggregates();
        for (const column of this.columns) {
            if (
                column.widget === "metered_amount" &&
                aggregates[column.name] &&
                this.getFieldCurrencies(column.name).size > 1
            ) {
                aggregates[column.name] = {
                    value: "–",
                    help: _t("Several currencies: group by currency to see the sums."),
                };
            }
        }
        return aggregates;
    }

    getFieldCurrencies(fieldName) {
        const {list} = this.props;
        if (list.isGrouped && !list.selection.length) {
            const currencies = list.groups.flatMap(
                (group) => (group.aggregates.currency_id || []).filter(Boolean)
            );
            return new Set(currencies);
        }
        // Records without charge, such as inbound calls, have no currency.
        const currencies = super.getFieldCurrencies(fieldName);
        currencies.delete(undefined);
        return currencies;
    }

    formatGroupAggregate(group, column) {
        if (
            column.widget === "metered_amount" &&
            (group.aggregates.currency_id || []).filter(Boolean).length > 1
        ) {
            return {
                value: "–",
                help: _t("Several currencies: group by currency to see the sums."),
            };
        }
        return super.formatGroupAggregate(group, column);
    }
}

registry.category("views").add("metered_money_list", {
    ...listView,
    Renderer: MoneyListRenderer,
});
