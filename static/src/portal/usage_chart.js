import {Interaction} from "@web/public/interaction";
import {loadBundle} from "@web/core/assets";
import {registry} from "@web/core/registry";

const COLORS = [
    "#4e79a7",
    "#f28e2b",
    "#59a14f",
    "#b07aa1",
    "#e15759",
    "#76b7b2",
    "#9c755f",
];

/** Usage by day, stacked by type; the table beside it has the same figures. */
export class UsageChart extends Interaction {
    static selector = ".o_metered_chart";

    async willStart() {
        await loadBundle("web.chartjs_lib");
    }

    start() {
        const {labels, series, unit} = JSON.parse(this.el.dataset.chart);
        const isRtl = Boolean(this.el.closest(".o_rtl"));
        const chart = new window.Chart(this.el.querySelector("canvas"), {
            type: "bar",
            data: {
                labels,
                datasets: series.map(({name, values}, place) => ({
                    label: name,
                    data: values,
                    backgroundColor: COLORS[place % COLORS.length],
                })),
            },
            options: {
                maintainAspectRatio: false,
                animation: false,
                interaction: {mode: "index", intersect: false},
                plugins: {
                    legend: {position: "bottom", rtl: isRtl},
                    tooltip: {rtl: isRtl, filter: (item) => item.raw},
                },
                scales: {
                    x: {stacked: true, reverse: isRtl, grid: {display: false}},
                    y: {
                        stacked: true,
                        beginAtZero: true,
                        position: isRtl ? "right" : "left",
                        title: {display: true, text: unit},
                    },
                },
            },
        });
        this.registerCleanup(() => chart.destroy());
    }
}

registry.category("public.interactions").add("metered_billing.usage_chart", UsageChart);
