import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** A customer's open usage: a table per billing period, a row per call type or meter. */
export class UsageSoFar extends Component {
    static template = "metered_billing.UsageSoFar";
    static props = {...standardFieldProps};

    get blocks() {
        return this.props.record.data[this.props.name]?.blocks || [];
    }
}

export const usageSoFar = {
    component: UsageSoFar,
    displayName: _t("Usage so far"),
    supportedTypes: ["json"],
};

/** What a customer's usage came to in the last months, as bars. */
export class UsageHistory extends Component {
    static template = "metered_billing.UsageHistory";
    static props = {...standardFieldProps};

    get months() {
        return this.props.record.data[this.props.name]?.months || [];
    }

    monthText(row) {
        return row.so_far ? _t("%s so far", row.month) : row.month;
    }
}

export const usageHistory = {
    component: UsageHistory,
    displayName: _t("Usage by month"),
    supportedTypes: ["json"],
};

registry.category("fields").add("metered_usage_so_far", usageSoFar);
registry.category("fields").add("metered_usage_history", usageHistory);
