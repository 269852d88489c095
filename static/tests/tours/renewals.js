import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_renew", {
    steps: () => [
        {
            content: "Renew",
            trigger: "button[name=action_start]:contains(Renew Due Subscriptions)",
            run: "click",
        },
        {
            content: "The run is shown at work, or done",
            trigger: ".o_form_view .o_field_widget[name=expected]:contains(1)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_renew_nothing", {
    steps: () => [
        {
            content: "Nothing is due, and that is said",
            trigger: "button[name=action_start]:contains(Renew Due Subscriptions)",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(No subscription is due today)",
        },
    ],
});
