import {ListController} from "@web/views/list/list_controller";
import {listView} from "@web/views/list/list_view";
import {registry} from "@web/core/registry";

/**
 * A list of what golden calls watch. Who goes on to the screen that confirms a change
 * leaves the row as it is, unsaved: that screen saves it.
 */
export class GoldenListController extends ListController {
    beforeLeave({forceLeave} = {}) {
        if (forceLeave) {
            return this.model.root.leaveEditMode({discard: true});
        }
        return super.beforeLeave(...arguments);
    }
}

registry.category("views").add("metered_golden_list", {
    ...listView,
    Controller: GoldenListController,
});
