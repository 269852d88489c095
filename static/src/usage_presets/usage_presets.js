import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/** What is ready to use: a click makes all of it, whatever the form still lacks. */
export class UsagePresets extends Component {
    static template = "metered_billing.UsagePresets";
    static props = {...standardFieldProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get presets() {
        return this.props.record.data[this.props.name] || [];
    }

    async create(key) {
        const action = await this.orm.call(
            this.props.record.resModel,
            "create_preset",
            [key],
            {context: this.props.record.context}
        );
        await this.action.doAction(action);
    }
}

registry.category("fields").add("metered_usage_presets", {
    component: UsagePresets,
    supportedTypes: ["json"],
});
