import {Component} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {calledAction} from "../called_action/called_action";
import {useService} from "@web/core/utils/hooks";

/** The way to the first invoice: what is done, what is missing, and a button for it. */
export class OnboardingPanel extends Component {
    static template = "metered_billing.OnboardingPanel";
    static props = {
        steps: Array,
        reload: Function,
        hide: Function,
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get title() {
        return _t("Your first invoice: %(done)s of %(all)s steps done", {
            done: this.props.steps.filter((step) => step.done).length,
            all: this.props.steps.length,
        });
    }

    /** The first step that is not done is the one to do now. */
    get nextKey() {
        return this.props.steps.find((step) => !step.done)?.key;
    }

    async openStep(step) {
        const action = await this.orm.call("metered.onboarding", "open_step", [
            step.key,
        ]);
        // Not where the dialog led to another page: see the checks.
        await this.action.doAction(calledAction(action), {
            onClose: (how) => (how?.noReload ? undefined : this.props.reload()),
        });
    }
}
