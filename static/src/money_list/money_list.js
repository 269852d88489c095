import {ListRenderer} from "@web/views/list/list_renderer";
import {formatDuration} from "../number_fields/duration";
import {_t} from "@web/core/l10n/translation";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";

// Elsewhere no sum means that there is nothing to add up.
const PRICED_LATER = "amount_so_far";

const unknownSum = () =>
    _t(
        "Some of this usage is priced when it is invoiced. Its lines show the amount so far.");

/** A list with amounts: it adds up what is of one currency, and says so where not. */
export class MoneyListRenderer extends ListRenderer {
    computeAggregates() {
        const aggregates = super.computeAggregates();
        for (const column of this.columns) {
            if (column.widget === "metered_duration" && aggregates[column.name]) {
                Object.assign(
                    aggregates[column.name],
                    this.getDurationSum(column)
                );
            } else if (
                column.widget === "metered_amount" &&
                aggregates[column.name] &&
                this.getFieldCurrencies(column.name).size > 1
            ) {
                aggregates[column.name] = {
                    value: "–",
                    help: _t("Several currencies: group by currency to see totals."),
                };
            } else if (
                column.widget === "metered_amount" &&
                this.isSumUnknown(column.name)
            ) {
                aggregates[column.name] = {value: "–", help: unknownSum()};
            }
        }
        return aggregates;
    }

    /** The sum of durations; what is of several units has none. */
    getDurationSum(column) {
        const {list} = this.props;
        if (list.isGrouped && !list.selection.length) {
            return {};
        }
        const rows = list.selection.length ? list.selection : list.records;
        if (rows.some(({data}) => (data.meter_kind || "call") !== "call")) {
            return {value: "–", help: _t("Several units: filter by call type or meter to see totals.")};
        }
        const sum = rows.reduce((total, {data}) => total + data[column.name], 0);
        return {value: formatDuration(sum), help: _t("Total of the rows shown")};
    }

    /** Whether a sum is not known, because the amount of a group or of a row is not. */
    isSumUnknown(fieldName) {
        const {list} = this.props;
        if (fieldName !== PRICED_LATER) {
            return false;
        }
        if (list.isGrouped && !list.selection.length) {
            return list.groups.some(
                (group) => group.count && group.aggregates[fieldName] === false
            );
        }
        const rows = list.selection.length ? list.selection : list.records;
        return rows.some((record) => record.data.amount_note === "unpriced");
    }

    getFieldCurrencies(fieldName) {
        const {list} = this.props;
        if (list.isGrouped && !list.selection.length) {
            const currencies = list.groups.flatMap((group) =>
                this.getGroupCurrencies(group, fieldName)
            );
            return new Set(currencies);
        }
        // Records without charge, such as inbound calls, have no currency.
        const currencies = super.getFieldCurrencies(fieldName);
        currencies.delete(undefined);
        return currencies;
    }

    /** Ids of the currencies that the amounts of a group are in. */
    getGroupCurrencies(group, fieldName) {
        const currencyField = this.props.list.fields[fieldName].currency_field;
        return (group.aggregates[currencyField] || []).filter(Boolean);
    }

    formatGroupAggregate(group, column) {
        if (column.widget === "metered_amount") {
            if (this.getGroupCurrencies(group, column.name).length > 1) {
                return {
                    value: "–",
                    help: _t("Several currencies: group by currency to see totals."),
                };
            }
            if (
                column.name === PRICED_LATER &&
                group.count &&
                group.aggregates[column.name] === false
            ) {
                return {value: "–", help: unknownSum()};
            }
        }
        return super.formatGroupAggregate(group, column);
    }
}

registry.category("views").add("metered_money_list", {
    ...listView,
    Renderer: MoneyListRenderer,
});
