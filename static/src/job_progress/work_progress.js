import {Component} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useJobValues} from "./job_values";

/**
 * How far other work on a record is, such as taking an import back: a bar alone.
 *
 * Options: `progress`, the field with the percents; `states`, those of work.
 */
export class WorkProgress extends Component {
    static template = "metered_billing.WorkProgress";
    static props = {
        ...standardWidgetProps,
        progress: {type: String},
        states: {type: Array},
    };

    setup() {
        const {progress, states} = this.props;
        this.job = useJobValues(this.props, [progress], states);
    }

    get percent() {
        const {progress, record} = this.props;
        return Math.floor({...record.data, ...this.job}[progress] || 0);
    }
}

export const workProgress = {
    component: WorkProgress,
    extractProps: ({options}) => ({
        progress: options.progress,
        states: options.states,
    }),
    fieldDependencies: ({options}) => [
        {name: "state", type: "selection"},
        {name: options.progress, type: "float"},
    ],
};

registry.category("view_widgets").add("metered_work_progress", workProgress);
