import {Component, onWillStart, useState} from "@odoo/owl";
import {levelText, millis, rowsOf} from "./level_points";
import {KeepLast} from "@web/core/utils/concurrency";
import {Layout} from "@web/search/layout";
import {LevelChart} from "./level_chart";
import {RecordAutocomplete} from "@web/core/record_selectors/record_autocomplete";
import {_t} from "@web/core/l10n/translation";
import {downloadFile} from "@web/core/network/download";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useDebounced} from "@web/core/utils/timing";
import {useService} from "@web/core/utils/hooks";

const {DateTime} = luxon;
const DAY = {year: "numeric", month: "short", day: "numeric"};
const MINUTE = {...DAY, hour: "numeric", minute: "2-digit"};
const TIME = {...MINUTE, second: "2-digit"};
/** Days that are shown in detail at first, and at most. */
const FIRST_DAYS = 7;
const MOST_DAYS = 93;

/** A level of a customer: three months of it, a part in detail, what it comes to. */
export class LevelWindow extends Component {
    static template = "metered_billing.LevelWindow";
    static components = {Layout, LevelChart, RecordAutocomplete};
    static props = {...standardActionServiceProps};
    static path = "metered-statistics";
    static displayName = _t("Statistics");

    setup() {
        this.orm = useService("orm");
        this.layout = {controlPanel: {}};
        this.keepLast = new KeepLast();
        this.keepLastSoFar = new KeepLast();
        const params = this.props.action.params || {};
        this.state = useState({
            meters: [],
            meterId: Number(params.meter_id) || false,
            partnerId: Number(params.partner_id) || false,
            data: null,
            // What it comes to: it takes longer than the graphs.
            soFar: null,
            detail: null,
            first: null,
            last: null,
            isTable: false,
        });
        this.companyId = Number(params.company_id) || false;
        // While keys are pressed one after the other nothing is read.
        this.loadSoon = useDebounced(() => this.loadDetail(), 250);
        onWillStart(async () => {
            const {meters, meter_id} = await this.orm.call(
                "metered.meter",
                "level_meters",
                [this.state.partnerId, this.companyId]
            );
            this.state.meters = meters;
            this.state.meterId ||= meter_id;
            await this.load();
        });
    }

    // --- reading

    call(method, ...args) {
        return this.orm.call("metered.meter", method, [this.state.meterId, ...args], {
            company_id: this.companyId,
        });
    }

    async load(lastDay = false) {
        const {meterId, partnerId} = this.state;
        this.props.updateActionState?.({
            meter_id: meterId || undefined,
            partner_id: partnerId || undefined,
            company_id: this.companyId || undefined,
        });
        if (!meterId) {
            this.state.data = null;
            return;
        }
        const data = await this.keepLast.add(
            this.orm.call("metered.meter", "level_window", [meterId], {
                partner_id: partnerId,
                company_id: this.companyId,
                last_day: lastDay,
            })
        );
        this.overview = data.series
            ? this.prepared(data.series, this.midnight(data.first, data), data.end)
            : null;
        Object.assign(this.state, {data, detail: null});
        if (data.customer && !lastDay) {
            this.loadSoFar();
        }
        if (!this.overview) {
            return;
        }
        const last = this.day(data.last);
        this.choose(last.minus({days: FIRST_DAYS - 1}), last);
        await this.loadDetail();
    }

    async loadSoFar() {
        this.state.soFar = null;
        this.state.soFar = await this.keepLastSoFar.add(
            this.call("level_so_far", this.state.partnerId)
        );
    }

    async loadDetail() {
        if (!this.overview) {
            return;
        }
        const {partnerId, first, last} = this.state;
        const detail = await this.keepLast.add(
            this.call("level_detail", partnerId, first, last)
        );
        this.state.detail = {
            first,
            last,
            ...this.prepared(detail, millis(detail.begin), detail.end),
        };
    }

    /** A series with what is drawn of it. */
    prepared(series, begin, end) {
        const until = millis(end);
        return {
            step: series.step,
            isExact: series.is_exact !== false,
            begin,
            end: until,
            rows: rowsOf(series, until),
            gaps: series.gaps.map((gap) => gap.map(millis)),
        };
    }

    // --- days

    get zone() {
        return this.state.data.zone;
    }

    day(text, data = this.state.data) {
        return DateTime.fromISO(text, {zone: data.zone});
    }

    midnight(text, data) {
        return this.day(text, data).startOf("day").toMillis();
    }

    /** What is chosen, as two moments. */
    get chosen() {
        const {first, last} = this.state;
        return [
            this.day(first).toMillis(),
            this.day(last).plus({days: 1}).toMillis(),
        ];
    }

    /** Choose days, inside of the three months and in their order. */
    choose(first, last) {
        const {data} = this.state;
        const [from, until] = [this.day(data.first), this.day(data.last)];
        const inside = (day) => DateTime.max(from, DateTime.min(until, day));
        [first, last] = [inside(first), inside(last)];
        if (last < first) {
            [first, last] = [last, first];
        }
        first = DateTime.max(first, last.minus({days: MOST_DAYS - 1}));
        this.state.first = first.toISODate();
        this.state.last = last.toISODate();
    }

    // --- choosing

    onChoose(from, until, isDone) {
        if (from === null) {
            [this.state.first, this.state.last] = this.before;
            this.before = null;
            return;
        }
        this.before ||= [this.state.first, this.state.last];
        const [first, last] = [from, until].map((moment) =>
            DateTime.fromMillis(moment, {zone: this.zone}).startOf("day")
        );
        this.choose(first, last);
        if (isDone) {
            this.before = null;
            this.loadDetail();
        }
    }

    onKey(ev) {
        const {data} = this.state;
        const [first, last] = [this.day(this.state.first), this.day(this.state.last)];
        const days = Math.round(last.diff(first, "days").days);
        const moved = {
            ArrowLeft: -1,
            ArrowRight: 1,
            PageUp: -days - 1,
            PageDown: days + 1,
            Home: -MOST_DAYS,
            End: MOST_DAYS,
        }[ev.key];
        if (!moved || ev.altKey || ev.ctrlKey || ev.metaKey) {
            return;
        }
        ev.preventDefault();
        if (ev.shiftKey) {
            this.choose(first, DateTime.max(first, last.plus({days: moved})));
        } else {
            // All of it moves, and stays as long as it is.
            const room = [this.day(data.first), this.day(data.last)];
            const least = -Math.round(first.diff(room[0], "days").days);
            const most = Math.round(room[1].diff(last, "days").days);
            const by = {days: Math.min(Math.max(moved, least), most)};
            this.choose(first.plus(by), last.plus(by));
        }
        this.loadSoon();
    }

    /** A day that is entered; the other one follows where it would be before it. */
    onDate(name, {value, validity}) {
        // While a year is typed it is one of long ago.
        if (!value || !validity.valid) {
            return;
        }
        const day = this.day(value);
        const [first, last] = [this.day(this.state.first), this.day(this.state.last)];
        if (name === "first") {
            this.choose(day, DateTime.max(day, last));
        } else {
            this.choose(DateTime.min(day, first), day);
        }
        this.loadSoon();
    }

    async chooseMeter(id) {
        this.state.meterId = Number(id) || false;
        await this.load();
    }

    async chooseCustomer(id) {
        this.state.partnerId = id;
        await this.load();
    }

    /** Three months earlier or later. */
    async go(months) {
        const last = this.day(this.state.data.last).plus({months});
        await this.load(last.toISODate());
    }

    // --- what is shown

    get isNewest() {
        return this.state.data.last === this.state.data.today;
    }

    get periodText() {
        const {first, last} = this.state.data;
        return this.daysText(first, last);
    }

    get detailDays() {
        return this.daysText(this.state.detail.first, this.state.detail.last);
    }

    daysText(first, last) {
        return _t("%(first)s through %(last)s", {
            first: this.day(first).toLocaleString(DAY),
            last: this.day(last).toLocaleString(DAY),
        });
    }

    get zoneText() {
        return _t("Times in %s", this.zone);
    }

    /** What the detail says, in one line. */
    get detailText() {
        const known = this.state.detail.rows.filter((row) => row.lowest !== null);
        if (!known.length) {
            return _t("The level of these days is unknown.");
        }
        const numbers = (name) => known.map((row) => Number(row[name]));
        return _t("Lowest: %(lowest)s, highest: %(highest)s", {
            lowest: levelText(Math.min(...numbers("lowest"))),
            highest: levelText(Math.max(...numbers("highest"))),
        });
    }

    get stepText() {
        const {step} = this.state.detail;
        if (step === "hour") {
            return _t("By hour: range and average");
        }
        if (step === "day") {
            return _t("By day: range and average");
        }
        return this.state.data.is_held ? _t("Every change") : _t("Every sample");
    }

    get hasGaps() {
        return this.overview.gaps.length || this.state.detail?.gaps.length;
    }

    level(text) {
        return levelText(text);
    }

    get customerName() {
        return this.state.data?.customer.name || "";
    }

    rowTitle(row, step) {
        const format = {day: DAY, hour: MINUTE}[step] || TIME;
        return DateTime.fromMillis(row.from, {zone: this.zone}).toLocaleString(format);
    }

    gapText([from, until]) {
        const text = (moment) =>
            DateTime.fromMillis(moment, {zone: this.zone}).toLocaleString(TIME);
        return _t("No sample from %(from)s to %(until)s", {
            from: text(from),
            until: text(until),
        });
    }

    /** Both tables: of what is in detail, and of the three months. */
    get tables() {
        const {detail} = this.state;
        const tables = [{key: "overview", title: this.periodText, ...this.overview}];
        if (detail) {
            tables.unshift({key: "detail", title: this.detailDays, ...detail});
        }
        return tables;
    }

    async exportCsv() {
        const {partnerId, detail} = this.state;
        const {first, last} = detail;
        const {name, text} = await this.call("level_csv", partnerId, first, last);
        downloadFile(text, name, "text/csv");
    }
}

registry.category("actions").add("metered_billing.level_window", LevelWindow);
