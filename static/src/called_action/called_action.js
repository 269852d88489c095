import {markup} from "@odoo/owl";

/**
 * The action that a method returned, to be done: Odoo marks the text of an empty list as
 * HTML where a button returns one, and not where a component calls the method itself.
 */
export function calledAction(action) {
    return action?.help ? {...action, help: markup(action.help)} : action;
}
