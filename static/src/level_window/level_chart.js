import {Component, onWillStart, onWillUnmount, useEffect, useRef} from "@odoo/owl";
import {getColor, getCustomColor} from "@web/core/colors/colors";
import {levelText, pointsOf, ticksOf} from "./level_points";
import {_t} from "@web/core/l10n/translation";
import {cookie} from "@web/core/browser/cookie";
import {loadBundle} from "@web/core/assets";

const {DateTime} = luxon;

/** A level over time: its steps, or a band from the lowest to the highest of spans. */
export class LevelChart extends Component {
    static template = "metered_billing.LevelChart";
    static props = {
        rows: Array,
        gaps: Array,
        begin: Number,
        end: Number,
        step: String,
        isHeld: Boolean,
        unit: String,
        zone: String,
        label: String,
        // What is chosen of it: two moments; and who is told when that changes.
        chosen: {type: Array, optional: true},
        onChoose: {type: Function, optional: true},
        onKey: {type: Function, optional: true},
    };

    setup() {
        this.canvas = useRef("canvas");
        this.root = useRef("root");
        this.anchor = null;
        onWillStart(() => loadBundle("web.chartjs_lib"));
        useEffect(
            () => this.draw(),
            () => [this.props.rows]
        );
        useEffect(
            () => this.chart?.draw(),
            () => this.props.chosen || []
        );
        onWillUnmount(() => this.chart?.destroy());
    }

    get isRaw() {
        return this.props.step === "raw";
    }

    // --- drawing

    get datasets() {
        const scheme = cookie.get("color_scheme");
        const color = getColor(0, scheme, 4);
        const {rows, isHeld} = this.props;
        const holds = isHeld || !this.isRaw;
        const line = {
            borderColor: color,
            backgroundColor: color,
            borderWidth: 2,
            pointRadius: isHeld || !this.isRaw ? 0 : 2.5,
            pointHoverRadius: 4,
            spanGaps: false,
        };
        const points = (name) => pointsOf(rows, name, holds);
        if (this.isRaw) {
            return [{...line, name: "highest", data: points("highest")}];
        }
        const band = {...line, borderWidth: 1, borderColor: `${color}80`};
        return [
            {...band, name: "lowest", data: points("lowest")},
            {
                ...band,
                name: "highest",
                data: points("highest"),
                backgroundColor: `${color}40`,
                fill: "-1",
            },
            {...line, name: "average", data: points("average")},
        ];
    }

    /** Whether there are no halves of what is counted. */
    get isWhole() {
        return this.props.rows.every((row) =>
            [row.lowest, row.highest].every(
                (level) => level === null || Number.isInteger(Number(level))
            )
        );
    }

    name(dataset) {
        if (this.isRaw) {
            return _t("Level");
        }
        const names = {
            lowest: _t("Lowest"),
            highest: _t("Highest"),
            average: _t("Average"),
        };
        return names[dataset.name];
    }

    moment(value, format) {
        return DateTime.fromMillis(value, {zone: this.props.zone}).toLocaleString(
            format
        );
    }

    rowTitle(row) {
        const day = {year: "numeric", month: "short", day: "numeric"};
        const time = {...day, hour: "numeric", minute: "2-digit"};
        const seconds = {...time, second: "2-digit"};
        const {step} = this.props;
        return this.moment(
            row.from,
            step === "day" ? day : step === "hour" ? time : seconds
        );
    }

    draw() {
        this.chart?.destroy();
        const scheme = cookie.get("color_scheme");
        const text = getCustomColor(scheme, "#374151", "#e4e4e4");
        const grid = getCustomColor(scheme, "#e7e9ed", "#3c3e4b");
        const {begin, end, unit, zone} = this.props;
        this.chart = new window.Chart(this.canvas.el, {
            type: "line",
            data: {datasets: this.datasets},
            plugins: [
                {
                    id: "metered_level",
                    beforeDatasetsDraw: (chart) => this.drawGaps(chart),
                    afterDatasetsDraw: (chart) => this.drawChosen(chart),
                },
            ],
            options: {
                maintainAspectRatio: false,
                animation: false,
                parsing: false,
                normalized: true,
                // A finger chooses days there, and would open the figures of one.
                events: this.props.onChoose ? ["mousemove", "mouseout"] : undefined,
                interaction: {mode: "nearest", axis: "x", intersect: false},
                plugins: {
                    legend: {display: false},
                    tooltip: {
                        displayColors: false,
                        filter: (item, index, items) =>
                            items.findIndex(
                                (one) => one.datasetIndex === item.datasetIndex
                            ) === index,
                        callbacks: {
                            title: ([item]) => item && this.rowTitle(item.raw.row),
                            label: (item) =>
                                `${this.name(item.dataset)}: ${levelText(
                                    item.raw.row[item.dataset.name]
                                )} ${unit}`,
                        },
                    },
                },
                scales: {
                    x: {
                        type: "linear",
                        min: begin,
                        max: end,
                        grid: {color: grid},
                        afterBuildTicks: (axis) => {
                            const most = Math.max(Math.floor(axis.width / 55), 2);
                            const {ticks, format} = ticksOf(begin, end, zone, most);
                            this.tickFormat = format;
                            axis.ticks = ticks.map((value) => ({value}));
                        },
                        ticks: {
                            color: text,
                            maxRotation: 0,
                            callback: (value) => this.moment(value, this.tickFormat),
                        },
                    },
                    y: {
                        beginAtZero: true,
                        grace: "5%",
                        grid: {color: grid},
                        title: {display: true, text: unit, color: text},
                        ticks: {
                            color: text,
                            maxTicksLimit: 6,
                            precision: this.isWhole ? 0 : undefined,
                            callback: (value) => levelText(value),
                        },
                    },
                },
            },
        });
    }

    /** Two moments as pixels, inside of the chart. */
    pixels(chart, [from, until]) {
        const {left, right} = chart.chartArea;
        const at = (value) =>
            Math.min(Math.max(chart.scales.x.getPixelForValue(value), left), right);
        return [at(from), at(until)];
    }

    drawGaps(chart) {
        const {top, bottom} = chart.chartArea;
        const {ctx} = chart;
        ctx.save();
        ctx.fillStyle = getCustomColor(
            cookie.get("color_scheme"),
            "rgba(120, 124, 135, 0.28)",
            "rgba(160, 164, 175, 0.35)"
        );
        for (const gap of this.props.gaps) {
            const [from, until] = this.pixels(chart, gap);
            ctx.fillRect(from, top, Math.max(until - from, 1), bottom - top);
        }
        ctx.restore();
    }

    drawChosen(chart) {
        if (!this.props.chosen) {
            return;
        }
        const {top, bottom} = chart.chartArea;
        const [from, until] = this.pixels(chart, this.props.chosen);
        const {ctx} = chart;
        const scheme = cookie.get("color_scheme");
        ctx.save();
        ctx.fillStyle = getCustomColor(
            scheme,
            "rgba(113, 75, 103, 0.16)",
            "rgba(190, 150, 180, 0.28)"
        );
        ctx.strokeStyle = getCustomColor(scheme, "#714b67", "#d3aec9");
        ctx.lineWidth = 2;
        ctx.fillRect(from, top, until - from, bottom - top);
        ctx.strokeRect(from, top, until - from, bottom - top);
        ctx.restore();
    }

    // --- choosing with a pointer

    /** The moment below a pointer. */
    at(ev) {
        const x = ev.clientX - this.canvas.el.getBoundingClientRect().left;
        const moment = this.chart.scales.x.getValueForPixel(x);
        const {begin, end} = this.props;
        return Math.min(Math.max(moment, begin), end - 1);
    }

    onPointerDown(ev) {
        if (!this.props.onChoose || ev.button) {
            return;
        }
        this.anchor = this.at(ev);
        this.root.el.setPointerCapture?.(ev.pointerId);
        this.props.onChoose(this.anchor, this.anchor, false);
    }

    onPointerMove(ev) {
        if (this.anchor !== null) {
            this.props.onChoose(this.anchor, this.at(ev), false);
        }
    }

    onPointerUp(ev) {
        if (this.anchor !== null) {
            const anchor = this.anchor;
            this.anchor = null;
            this.props.onChoose(anchor, this.at(ev), true);
        }
    }

    /** The browser scrolls instead: nothing was chosen. */
    onPointerCancel() {
        if (this.anchor !== null) {
            this.anchor = null;
            this.props.onChoose(null);
        }
    }
}
