import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/** What of a record's columns was kept, one under the other. */
export class MeteredPropertiesField extends Component {
    static template = "metered_billing.PropertiesField";
    static props = {...standardFieldProps};

    get entries() {
        const values = this.props.record.data[this.props.name] || {};
        return Object.entries(values).map(([name, value]) => ({
            name,
            text: typeof value === "object" ? JSON.stringify(value) : String(value),
        }));
    }
}

export const meteredPropertiesField = {
    component: MeteredPropertiesField,
    displayName: _t("Kept columns"),
    supportedTypes: ["json"],
};

registry.category("fields").add("metered_properties", meteredPropertiesField);
