import {Component, onWillStart, onWillUnmount, useEffect, useRef} from "@odoo/owl";
import {getColor, getCustomColor} from "@web/core/colors/colors";
import {_t} from "@web/core/l10n/translation";
import {cookie} from "@web/core/browser/cookie";
import {loadBundle} from "@web/core/assets";

/** Days of a period, stacked by call type, with the previous period as a line. */
export class DayChart extends Component {
    static template = "metered_billing.DayChart";
    static props = {
        labels: Array,
        meters: Array,
        measure: String,
        previous: Array,
        previousName: String,
        format: Function,
        onClick: Function,
    };

    setup() {
        this.canvas = useRef("canvas");
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.props.meters, this.props.measure]
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get datasets() {
        const scheme = cookie.get("color_scheme");
        const {meters, measure, previous, previousName} = this.props;
        const bars = meters
            .map((meter, rank) => ({
                label: meter.name,
                meterId: meter.id,
                data: meter[measure],
                backgroundColor: getColor(rank, scheme, Math.max(meters.length, 4)),
                stack: "days",
                order: 1,
            }))
            .filter((bar) => bar.data.some(Boolean));
        const line = {
            type: "line",
            label: previousName,
            data: previous,
            borderColor: getCustomColor(scheme, "#9a9ca5", "#7a7c8a"),
            backgroundColor: "transparent",
            borderWidth: 1.5,
            borderDash: [4, 3],
            pointRadius: 0,
            pointHoverRadius: 3,
            order: 0,
        };
        return previous.some(Boolean) ? [...bars, line] : bars;
    }

    /** The rows of the table: days on which there was anything. */
    get days() {
        const {labels, measure, format} = this.props;
        const rows = labels.map((label, index) => ({
            index,
            label,
            found: this.datasets.map((set) => set.data[index] || 0),
        }));
        return rows
            .filter(({found}) => found.some(Boolean))
            .map((row) => ({
                ...row,
                values: row.found.map((value) => format(measure, value)),
            }));
    }

    draw() {
        this.chart?.destroy();
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#374151", "#e4e4e4");
        const grid = getCustomColor(scheme, "#e7e9ed", "#3c3e4b");
        const format = (value) => this.props.format(this.props.measure, value);
        this.chart = new window.Chart(this.canvas.el, {
            type: "bar",
            data: {labels: this.props.labels, datasets: this.datasets},
            options: {
                maintainAspectRatio: false,
                animation: false,
                interaction: {mode: "index", intersect: false},
                onClick: (ev, elements, chart) => {
                    const [hit] = chart.getElementsAtEventForMode(
                        ev,
                        "index",
                        {intersect: false},
                        false
                    );
                    if (hit) {
                        this.props.onClick(hit.index);
                    }
                },
                onHover: (ev, elements) => {
                    ev.native.target.style.cursor = elements.length ? "pointer" : "";
                },
                plugins: {
                    legend: {
                        position: "bottom",
                        labels: {color: text, boxWidth: 12, padding: 12},
                    },
                    tooltip: {
                        filter: (item) => item.raw,
                        callbacks: {
                            label: (item) =>
                                `${item.dataset.label}: ${format(item.raw)}`,
                            footer: (items) =>
                                _t(
                                    "Total: %s",
                                    format(
                                        items
                                            .filter((item) => item.dataset.stack)
                                            .reduce((sum, item) => sum + item.raw, 0)
                                    )
                                ),
                        },
                    },
                },
                scales: {
                    x: {
                        stacked: true,
                        grid: {display: false},
                        ticks: {color: text, maxRotation: 0, autoSkipPadding: 12},
                    },
                    y: {
                        stacked: true,
                        beginAtZero: true,
                        grid: {color: grid},
                        ticks: {color: text, maxTicksLimit: 6, callback: format},
                    },
                },
            },
        });
    }
}
