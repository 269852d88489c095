import {Component, onMounted, onWillUnmount, toRaw, useEffect, useState} from "@odoo/owl";
import {formatInteger} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

/** Values that were asked for, by record: several widgets of a form ask once. */
const asked = new WeakMap();

/**
 * A value that takes long to compute: it is asked for when the form is there, and again
 * when the form is loaded anew. The option "names" has all such fields of the form.
 */
export class LateValue extends Component {
    static template = "metered_billing.LateValue";
    static props = {
        ...standardWidgetProps,
        name: String,
        names: {type: Array, element: String},
    };

    setup() {
        this.orm = useService("orm");
        this.values = useState({});
        this.mounted = false;
        onMounted(() => {
            this.mounted = true;
        });
        onWillUnmount(() => {
            this.mounted = false;
        });
        useEffect(
            (data) => {
                this.ask(data);
            },
            () => [toRaw(this.props.record.data)]
        );
    }

    async ask(data) {
        const {resId, resModel} = this.props.record;
        if (!resId) {
            return;
        }
        if (!asked.has(data)) {
            asked.set(data, this.orm.silent.read(resModel, [resId], this.props.names));
        }
        try {
            const [values] = await asked.get(data);
            if (this.mounted && data === toRaw(this.props.record.data)) {
                Object.assign(this.values, values);
            }
        } catch {
            // The record is gone, or the network: the form says so, this stays empty.
        }
    }

    get text() {
        if (!(this.props.name in this.values)) {
            return "…";
        }
        const value = this.values[this.props.name];
        return typeof value === "number" ? formatInteger(value) : value || "";
    }
}

export const lateValue = {
    component: LateValue,
    extractProps: ({options}) => ({name: options.name, names: options.names}),
};

registry.category("view_widgets").add("metered_late_value", lateValue);
