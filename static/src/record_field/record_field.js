import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";

/**
 * A record of a source: its columns, name above value, where they could be told apart;
 * the text as it came where not.
 */
export class RecordField extends Component {
    static template = "metered_billing.RecordField";
    static props = {...standardFieldProps};

    get value() {
        return this.props.record.data[this.props.name];
    }

    get columns() {
        let values = this.value;
        if (typeof values === "string") {
            try {
                values = JSON.parse(values);
            } catch {
                return [];
            }
        }
        if (!values || typeof values !== "object" || Array.isArray(values)) {
            return [];
        }
        return Object.entries(values).map(([name, value]) => ({
            name,
            text: typeof value === "string" ? value : JSON.stringify(value),
        }));
    }
}

export const recordField = {
    component: RecordField,
    displayName: _t("Original record"),
    supportedTypes: ["json", "text"],
};

registry.category("fields").add("metered_record", recordField);
