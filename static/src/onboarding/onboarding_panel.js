import {Component, onMounted} from "@odoo/owl";
import {_t} from "@web/core/l10n/translation";
import {calledAction} from "../called_action/called_action";
import {useService} from "@web/core/utils/hooks";

/**
 * The way to the first invoice: what is done, what is missing, and a button for it. What
 * was done by a button leads to the next step, until somebody discards one.
 */
export class OnboardingPanel extends Component {
    static template = "metered_billing.OnboardingPanel";
    static props = {
        steps: Array,
        reload: Function,
        hide: Function,
        isGoingOn: {type: Boolean, optional: true},
    };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
        onMounted(() => this.props.isGoingOn && this.openNext(this.props.steps));
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
        await this.action.doAction(calledAction(action), {
            // Not where the dialog led to another page: see the checks. Nor is it waited
            // for: the dialog has to be gone before the next one comes.
            onClose: (how) => {
                if (!how?.noReload) {
                    this.goOn(step);
                }
            },
        });
    }

    async goOn(step) {
        const steps = await this.props.reload();
        if (!step.done && steps.some(({key, done}) => key === step.key && done)) {
            await this.openNext(steps);
        }
    }

    async openNext(steps) {
        const next = steps.find((step) => !step.done);
        if (next?.button) {
            await this.openStep(next);
        }
    }
}
