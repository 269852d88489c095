import {Component, onWillStart, useState} from "@odoo/owl";
import {formatFloat, formatInteger} from "@web/views/fields/formatters";
import {DayChart} from "./day_chart";
import {Layout} from "@web/search/layout";
import {OnboardingPanel} from "../onboarding/onboarding_panel";
import {_t} from "@web/core/l10n/translation";
import {formatCurrency} from "@web/core/currency";
import {registry} from "@web/core/registry";
import {standardActionServiceProps} from "@web/webclient/actions/action_service";
import {useService} from "@web/core/utils/hooks";
import {useSetupAction} from "@web/search/action_hook";

/**
 * The app's first screen. All figures come by one call of `metered.dashboard`; each of
 * them carries what it was counted from, and a click opens just that.
 */
export class Dashboard extends Component {
    static template = "metered_billing.Dashboard";
    static components = {DayChart, Layout, OnboardingPanel};
    static props = {...standardActionServiceProps};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.layout = {controlPanel: {}};
        const before = this.props.state?.dashboard || {};
        this.state = useState({
            data: null,
            period: before.period || null,
            currencyId: before.currencyId || null,
            measure: before.measure || "amount",
        });
        useSetupAction({
            getLocalState: () => ({
                dashboard: {
                    period: this.state.period,
                    currencyId: this.state.currencyId,
                    measure: this.state.measure,
                },
            }),
        });
        onWillStart(() => this.load());
    }

    async load() {
        this.state.data = await this.orm.call("metered.dashboard", "get_dashboard", [
            this.state.period,
            this.state.currencyId,
        ]);
    }

    // --- the setup

    /** Whether the setup's next step opens: not where somebody comes back to the page. */
    get isGoingOn() {
        return Boolean(this.props.action.params?.setup) && !this.props.state;
    }

    async loadSteps() {
        await this.load();
        return this.data.onboarding?.steps || [];
    }

    // --- what is shown

    get data() {
        return this.state.data;
    }

    get periods() {
        return [
            {key: "this_month", name: _t("This month")},
            {key: "last_month", name: _t("Last month")},
            {key: "last_30", name: _t("Last 30 days")},
        ];
    }

    get measures() {
        return [
            {key: "amount", name: _t("Amount")},
            {key: "minutes", name: _t("Minutes")},
            {key: "calls", name: _t("Records")},
        ];
    }

    get mainAmount() {
        return this.data.totals.amounts[0];
    }

    /** Amounts in currencies other than that of the figures; they are only named. */
    get otherAmounts() {
        return this.data.totals.amounts.slice(1);
    }

    get largestCustomer() {
        return Math.max(...this.data.customers.map((row) => row.amount), 0);
    }

    get largestDestination() {
        return Math.max(...this.data.destinations.rows.map((row) => row.amount), 0);
    }

    get chosenMeters() {
        return this.data.meters.filter((meter) => meter.totals.calls);
    }

    amount(value, currencyId) {
        return formatCurrency(value || 0, currencyId || this.data.currency_id);
    }

    integer(value) {
        return formatInteger(Math.round(value || 0));
    }

    percent(value) {
        return `${formatFloat(100 * value, {digits: [16, value < 0.1 ? 1 : 0]})} %`;
    }

    format(measure, value) {
        return measure === "amount" ? this.amount(value) : this.integer(value);
    }

    /** How much more or less than before; "" where there was nothing before. */
    change(value, previous) {
        if (!previous) {
            return "";
        }
        const percent = Math.round((100 * (value - previous)) / previous);
        return `${percent > 0 ? "+" : percent < 0 ? "−" : "±"}${formatInteger(
            Math.abs(percent)
        )} %`;
    }

    // --- whole sentences: words beside a value cannot be translated

    get usageTitle() {
        return _t("Usage, %s", this.data.period.name);
    }

    get comparedText() {
        const {value, previous} = this.mainAmount;
        const period = this.data.period.compared;
        const change = this.change(value, previous);
        return change
            ? _t("%(change)s compared with %(period)s", {change, period})
            : _t("Nothing in %s", period);
    }

    get otherRecordsText() {
        return _t("Other records: %s", this.integer(this.data.totals.others.value));
    }

    get leftOutText() {
        return _t(
            "Excluding meter usage that is priced when it is invoiced: %s",
            this.integer(this.data.left_out)
        );
    }

    get noUsageText() {
        return _t("No usage in %s.", this.data.period.name);
    }

    get noDestinationText() {
        return _t("No charged calls to any destination in %s.", this.data.period.name);
    }

    get estimatedText() {
        return _t(
            "Estimated from %s calls",
            this.integer(this.data.destinations.estimated)
        );
    }

    get dueText() {
        return _t("%s due", this.integer(this.data.renewals.due.count));
    }

    get notPostedText() {
        return _t(
            "Invoices not posted: %s",
            this.integer(this.data.renewals.reviews.failed)
        );
    }

    get toApproveText() {
        return _t(
            "Invoices to approve: %s",
            this.integer(this.data.renewals.reviews.count)
        );
    }

    get unbilledText() {
        return _t(
            "Billing periods without an invoice: %s",
            this.integer(this.data.renewals.unbilled.count)
        );
    }

    get noRenewalText() {
        const {money, count} = this.data.renewals.no_renewal;
        if (!money.length) {
            return _t(
                "Records without a price that no renewal will bill: %s",
                this.integer(count)
            );
        }
        const amounts = money.map((each) => this.amount(each.value, each.currency_id));
        return _t("Usage that no renewal will bill: %s", amounts.join(" + "));
    }

    atStakeText(money) {
        return _t("About %s at stake", this.amount(money.value, money.currency_id));
    }

    recordsText(count) {
        return count === 1 ? _t("1 record") : _t("%s records", this.integer(count));
    }

    exceptionsText(count) {
        return count === 1
            ? _t("1 exception")
            : _t("%s exceptions", this.integer(count));
    }

    subscriptionsText(count) {
        return count === 1
            ? _t("1 subscription")
            : _t("%s subscriptions", this.integer(count));
    }

    width(value, largest) {
        return `width: ${largest ? Math.max((100 * value) / largest, 1) : 0}%`;
    }

    // --- what is done

    async choosePeriod(key) {
        this.state.period = key;
        await this.load();
    }

    async chooseCurrency(id) {
        this.state.currencyId = id;
        await this.load();
    }

    /** Open the records that a number was counted from. */
    async open(link) {
        const action = await this.action.loadAction(link.action);
        action.name = action.display_name = link.name;
        if (link.res_id) {
            action.res_id = link.res_id;
            action.views = action.views.filter((view) => view[1] === "form");
            action.view_mode = "form";
        } else {
            action.domain = link.domain;
            // What the menu filters by must not hide a part of the number.
            action.context = {};
        }
        // Its path would lose the domain when the page is loaded again.
        delete action.path;
        await this.action.doAction(action);
    }

    openDay(index) {
        const {dates, labels, link} = this.data.days;
        return this.open({
            ...link,
            name: labels[index],
            domain: [...link.domain, ["day", "=", dates[index]]],
        });
    }

    async showOnboarding(shown) {
        await this.orm.call("metered.onboarding", "set_hidden", [!shown]);
        await this.load();
    }

    importFile() {
        return this.action.doAction("metered_billing.action_metered_import", {
            // Not where the dialog led to another page: see the checks.
            onClose: (how) => (how?.noReload ? undefined : this.load()),
        });
    }
}

registry.category("actions").add("metered_billing.dashboard", Dashboard);
