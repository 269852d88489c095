import {Component, onWillStart, onWillUnmount, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {registry} from "@web/core/registry";
import {user} from "@web/core/user";
import {useService} from "@web/core/utils/hooks";

const POLL_MILLISECONDS = 20000;

/** How many jobs of Metered Billing run or wait, in the bar; a click opens their list. */
export class JobCount extends Component {
    static template = "metered_billing.JobCount";
    static props = {};

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({count: 0});
        onWillStart(async () => {
            if (await user.hasGroup("metered_billing.group_metered_user")) {
                this.refresh();
                this.timer = setInterval(() => this.refresh(), POLL_MILLISECONDS);
            }
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    get title() {
        return this.state.count === 1
            ? _t("1 job is running or waiting")
            : _t("%s jobs are running or waiting", this.state.count);
    }

    async refresh() {
        if (document.hidden) {
            return;
        }
        try {
            this.state.count = await this.orm.silent.call(
                "metered.job.entry",
                "count_unfinished",
                []
            );
        } catch {
            // The server restarts, or the network is away: ask again later.
        }
    }

    open() {
        this.action.doAction("metered_billing.action_metered_job_entry", {
            clearBreadcrumbs: true,
        });
    }
}

registry
    .category("systray")
    .add("metered_billing.JobCount", {Component: JobCount}, {sequence: 30});
