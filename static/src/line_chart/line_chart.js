import {Component, onWillStart, onWillUnmount, useEffect, useRef, useState} from "@odoo/owl";
import {getColor, getCustomColor} from "@web/core/colors/colors";
import {Dialog} from "@web/core/dialog/dialog";
import {_t} from "@web/core/l10n/translation";
import {cookie} from "@web/core/browser/cookie";
import {loadBundle} from "@web/core/assets";
import {registry} from "@web/core/registry";
import {standardWidgetProps} from "@web/views/widgets/standard_widget_props";
import {useService} from "@web/core/utils/hooks";

/** What was sent for a line of a subscription, by day, with the period's quantity. */
export class LineChartDialog extends Component {
    static template = "metered_billing.LineChartDialog";
    static components = {Dialog};
    static props = {lineId: Number, close: Function};

    setup() {
        this.orm = useService("orm");
        this.canvas = useRef("canvas");
        this.state = useState({data: null});
        onWillStart(async () => {
            await Promise.all([loadBundle("web.chartjs_lib"), this.load(0)]);
        });
        useEffect(
            () => this.draw(),
            () => [this.state.data]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get title() {
        return _t("Usage of %s", this.state.data.title);
    }

    /** Days on which something was sent: the rows of the table. */
    get days() {
        return this.state.data.days.filter((day) => Number(day.quantity));
    }

    get total() {
        const {combined, total, unit} = this.state.data;
        return _t("%(combined)s: %(total)s %(unit)s", {combined, total, unit});
    }

    async load(back) {
        this.state.data = await this.orm.call(
            "sale.subscription.line",
            "metered_usage_chart",
            [this.props.lineId, back]
        );
    }

    draw() {
        this.chart?.destroy();
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#374151", "#e4e4e4");
        const grid = getCustomColor(scheme, "#e7e9ed", "#3c3e4b");
        const {days, unit} = this.state.data;
        this.chart = new window.Chart(this.canvas.el, {
            type: "bar",
            data: {
                labels: days.map((day) => day.name),
                datasets: [
                    {
                        label: unit,
                        data: days.map((day) => Number(day.quantity)),
                        backgroundColor: getColor(0, scheme, 4),
                    },
                ],
            },
            options: {
                maintainAspectRatio: false,
                animation: false,
                plugins: {legend: {display: false}},
                scales: {
                    x: {
                        grid: {display: false},
                        ticks: {color: text, maxRotation: 0, autoSkipPadding: 12},
                    },
                    y: {
                        beginAtZero: true,
                        grid: {color: grid},
                        ticks: {color: text, maxTicksLimit: 6},
                        title: {display: true, text: unit, color: text},
                    },
                },
            },
        });
    }
}

/** The small chart icon of a metered line. */
export class LineChart extends Component {
    static template = "metered_billing.LineChart";
    static props = {...standardWidgetProps};

    setup() {
        this.dialog = useService("dialog");
    }

    get lineId() {
        const {record} = this.props;
        return record.data.metered_meter_id && record.resId;
    }

    open() {
        this.dialog.add(LineChartDialog, {lineId: this.lineId});
    }
}

registry.category("view_widgets").add("metered_line_chart", {
    component: LineChart,
    fieldDependencies: [{name: "metered_meter_id", type: "many2one"}],
});
