import {Component, onMounted, onWillUnmount, useState} from "@odoo/owl";
import {formatInteger} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

const POLL_MILLISECONDS = 1000;
const FIELDS = ["state", "expected", "records", "progress", "speed", "time_left"];

/**
 * How far a job is, asked for every second until it is finished; then the form is
 * loaded anew. It asks for the counters only, those named in the widget's option
 * "counts" among them: the control totals of an import count calls, which is nothing to
 * do every second.
 */
export class JobProgress extends Component {
    static template = "metered_billing.JobProgress";
    static props = {
        ...standardWidgetProps,
        counts: {type: Array, element: String},
    };

    setup() {
        this.orm = useService("orm");
        this.job = useState({});
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

    /** The counters as they were asked for last, or as the form has them. */
    get values() {
        return "state" in this.job ? this.job : this.props.record.data;
    }

    get isWaiting() {
        return this.values.state === "queued";
    }

    get percent() {
        return Math.floor(this.values.progress || 0);
    }

    get counts() {
        return this.props.counts.map((name) => ({
            name,
            label: this.props.record.fields[name].string,
            value: this.format(name),
        }));
    }

    format(name) {
        return formatInteger(this.values[name] || 0);
    }

    async poll() {
        const id = this.props.record.resId;
        try {
            const [values] = await this.orm.silent.read(
                this.props.record.resModel,
                [id],
                [...FIELDS, ...this.props.counts]
            );
            if (!this.mounted) {
                return;
            }
            if (!values || !["queued", "running"].includes(values.state)) {
                // Whether done, failed or deleted: the form shows it.
                await this.props.record.load();
                return;
            }
            if (id === this.props.record.resId) {
                Object.assign(this.job, values);
            }
        } catch {
            // The server restarts, or the network is away: ask again later.
        }
        if (this.mounted) {
            this.timer = setTimeout(() => this.poll(), POLL_MILLISECONDS);
        }
    }
}

export const jobProgress = {
    component: JobProgress,
    extractProps: ({options}) => ({
        counts: options.counts || [],
    }),
    fieldDependencies: ({options}) => [
        {name: "state", type: "selection"},
        {name: "expected", type: "integer"},
        {name: "records", type: "integer"},
        {name: "progress", type: "float"},
        {name: "speed", type: "integer"},
        {name: "time_left", type: "char"},
        ...(options.counts || []).map((name) => ({name, type: "integer"})),
    ],
};

registry.category("view_widgets").add("metered_job_progress", jobProgress);
