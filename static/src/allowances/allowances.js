import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** Gauges of what calling plans include: a bar for each allowance of a subscription. */
export class Allowances extends Component {
    static template = "metered_billing.Allowances";
    static props = {...standardFieldProps};

    get info() {
        return this.props.record.data[this.props.name] || {};
    }

    get blocks() {
        return this.info.blocks || [];
    }

    usedText(gauge) {
        return _t("%(used)s of %(total)s", gauge);
    }

    leftText(gauge) {
        return _t("%s remaining", gauge.left);
    }

    rolledText(gauge) {
        return _t("%s rolled over from earlier periods", gauge.rolled);
    }

    expiresText(gauge) {
        return _t("Expires on %s", gauge.expires);
    }

    barClass(gauge) {
        if (gauge.used_up) {
            return "bg-danger";
        }
        return gauge.percent >= 80 ? "bg-warning" : "bg-success";
    }
}

export const allowances = {
    component: Allowances,
    displayName: _t("Calling plan allowances"),
    supportedTypes: ["json"],
};

registry.category("fields").add("metered_allowances", allowances);
