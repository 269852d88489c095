import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {formatInteger} from "@web/views/fields/formatters";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useJobValues} from "./job_values";

const FIELDS = ["expected", "records", "progress", "speed", "time_left"];

/**
 * How far a job is, with the counters that the widget's option "counts" names; the form
 * is loaded anew when one of the fields changes that its option "watched" names.
 */
export class JobProgress extends Component {
    static template = "metered_billing.JobProgress";
    static props = {
        ...standardWidgetProps,
        counts: {type: Array, element: String},
        watched: {type: Array, element: String},
    };

    setup() {
        this.job = useJobValues(
            this.props,
            [...FIELDS, ...this.props.counts],
            ["queued", "running"],
            this.props.watched
        );
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

    get doneText() {
        return _t("%(done)s of %(expected)s", {
            done: this.format("records"),
            expected: this.format("expected"),
        });
    }

    get speedText() {
        const speed = this.format("speed");
        const time = this.values.time_left;
        return time
            ? _t("%(speed)s per second, %(time)s remaining", {speed, time})
            : _t("%s per second", speed);
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
}

export const jobProgress = {
    component: JobProgress,
    extractProps: ({options}) => ({
        counts: options.counts || [],
        watched: options.watched || [],
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
