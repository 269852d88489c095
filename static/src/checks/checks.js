import {Component, useState} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {calledAction} from "../called_action/called_action";
import {registry} from "@web/core/registry";
import {standardFieldProps} from "@web/views/fields/standard_field_props";
import {useService} from "@web/core/utils/hooks";

/**
 * What was looked at: a green or a red mark each, and for a red one the button that
 * leads to where it is cured. Back from there, it looks again.
 */
export class Checks extends Component {
    static template = "metered_billing.Checks";
    static props = {
        ...standardFieldProps,
        folded: {type: Boolean, optional: true},
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        this.state = useState({unfolded: {}});
    }

    get info() {
        return this.props.record.data[this.props.name] || {groups: []};
    }

    /** Groups with the checks to show: all, or only red ones where it is folded. */
    get groups() {
        return (this.info.groups || []).map((group, index) => ({
            ...group,
            index,
            shown:
                this.props.folded && group.ok && !this.state.unfolded[index]
                    ? []
                    : group.checks,
        }));
    }

    label(check) {
        return check.ok ? _t("All right") : _t("Needs attention");
    }

    adminText(check) {
        return _t("(%s: ask an administrator)", check.remedy);
    }

    toggle(index) {
        this.state.unfolded[index] = !this.state.unfolded[index];
    }

    /** Opens the place where something is cured, and looks again afterwards. */
    async call([model, id, method, args]) {
        const record = this.props.record;
        if (!(await record.save())) {
            return;
        }
        const action = await this.orm.call(model, method, [[id], ...args]);
        await this.action.doAction(calledAction(action), {
            // Where the dialog led to another page there is nothing to look at again,
            // and a load that never ends would keep the dialog open above that page.
            onClose: (how) => (how?.noReload ? undefined : record.load()),
        });
    }

    showPage(ev, page) {
        const tab = ev.target
            .closest(".o_form_view")
            ?.querySelector(`.o_notebook .nav-link[name='${page}']`);
        tab?.click();
        tab?.scrollIntoView({block: "nearest"});
    }
}

export const checks = {
    component: Checks,
    displayName: _t("Checks"),
    supportedTypes: ["json"],
    extractProps: ({options}) => ({folded: Boolean(options.folded)}),
};

registry.category("fields").add("metered_checks", checks);
