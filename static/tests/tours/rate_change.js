import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_rate_change", {
    steps: () => [
        {
            content: "Calls were rated with it: the form says how its price changes",
            trigger: ".alert-info:contains(Change from a Date)",
        },
        {
            trigger: "button[name=action_change]",
            run: "click",
        },
        {
            content: "The price of now is there to be written over",
            trigger: ".modal .o_field_widget[name=price] input:value(0.01)",
            run: "edit 0.02",
        },
        {
            trigger: ".modal button[name=action_apply]",
            run: "click",
        },
        {
            content: "It says what costs how much from when on",
            trigger: ".o_notification:contains(0.02)",
        },
        {
            content: "The rate has an end now",
            trigger: ".o_field_widget[name=date_to] *:value(/), .o_field_widget[name=date_to]:contains(/)",
        },
    ],
});
