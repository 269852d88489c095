import {onMounted, onWillUnmount} from "@odoo/owl";
import {ListController} from "@web/views/list/list_controller";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";

const POLL_MILLISECONDS = 3000;

/** The list of imports: loaded anew while one of those that it shows is running. */
export class JobListController extends ListController {
    setup() {
        super.setup();
        onMounted(() => {
            this.timer = setInterval(() => this.refresh(), POLL_MILLISECONDS);
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    async refresh() {
        const list = this.model.root;
        const running =
            !list.isGrouped &&
            !list.selection.length &&
            list.records.some((record) =>
                ["queued", "running", "undoing"].includes(record.data.state)
            );
        if (running && !this.loading) {
            this.loading = true;
            try {
                await this.model.load();
                // What was selected while the answer was on its way stays selected.
                const chosen = new Set(list.selection.map((record) => record.resId));
                for (const record of this.model.root.records) {
                    if (chosen.has(record.resId)) {
                        record.toggleSelection(true);
                    }
                }
            } catch {
                // The server restarts, or the network is away: ask again later.
            } finally {
                this.loading = false;
            }
        }
    }
}

registry.category("views").add("metered_job_list", {
    ...listView,
    Controller: JobListController,
});
