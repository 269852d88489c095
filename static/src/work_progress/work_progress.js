import {Component, onMounted, onWillUnmount, useState} from "@odoo/owl";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

const POLL_MILLISECONDS = 1000;

/**
 * How far work in the background is, asked for every second while the record is in one
 * of the states of work; then the form is loaded anew.
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
        this.orm = useService("orm");
        this.work = useState({percent: this.props.record.data[this.props.progress]});
        this.mounted = false;
        onMounted(() => {
            this.mounted = true;
            this.poll();
        });
        onWillUnmount(() => {
            this.mounted = false;
            clearTimeout(this.timer);
        });
    }

    get percent() {
        return Math.floor(this.work.percent || 0);
    }

    async poll() {
        const {record, progress, states} = this.props;
        try {
            const [values] = await this.orm.silent.read(
                record.resModel,
                [record.resId],
                ["state", progress]
            );
            if (!this.mounted) {
                return;
            }
            if (!values || !states.includes(values.state)) {
                await record.load();
                return;
            }
            this.work.percent = values[progress];
        } catch {
            // The server restarts, or the network is away: ask again later.
        }
        if (this.mounted) {
            this.timer = setTimeout(() => this.poll(), POLL_MILLISECONDS);
        }
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
