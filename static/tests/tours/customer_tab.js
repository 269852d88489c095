import {registry} from "@web/core/registry";

const CHECK = ".o_metered_check:contains(Identifiers)";

registry.category("web_tour.tours").add("metered_billing_customer_tab", {
    steps: () => [
        {
            content: "Open the tab",
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "The number has ended: a red check says so, and what to do",
            trigger: `${CHECK}.o_metered_check_wrong:contains(None is valid today)`,
        },
        {
            content: "The source's own state is told beside it",
            trigger: ".o_metered_check_group header:contains(Tour Switch)",
        },
        {
            content: "Do it",
            trigger: `${CHECK} button:contains(Add an identifier)`,
            run: "click",
        },
        {
            content: "It is for this customer",
            trigger:
                ".modal .o_field_widget[name=partner_id] input:value(Tour Customer)",
        },
        {
            content: "The new number",
            trigger: ".modal .o_field_widget[name=value] input",
            run: "edit +14045550177",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "The check turns green, without anything more to do",
            trigger: `body:not(:has(.modal)) ${CHECK}.o_metered_check_ok:contains(Phone number: 1)`,
        },
        {
            content: "Usage so far, and when it is billed",
            trigger: ".o_metered_usage:contains(National calls):contains(Will be billed on)",
        },
        {
            content: "The upload opens for the source",
            trigger: ".o_metered_check_group button:contains(Import usage)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=source_id] input:value(Tour Switch)",
        },
        {
            trigger: ".modal .btn-close",
            run: "click",
        },
        {
            content: "Its statements get a password, which is shown once",
            trigger:
                "body:not(:has(.modal)) button[name=action_metered_new_password]",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains(Ok)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=password]:contains(-)",
        },
        {
            trigger: ".modal footer button:contains(Done)",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) button[name=action_metered_remove_password]",
        },
        {
            content: "Its calls",
            trigger:
                "body:not(:has(.modal)) button[name=action_view_metered_cdrs]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(+12125550199)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_source_checks", {
    steps: () => [
        {
            content: "What is missing is told",
            trigger: ".o_metered_check_wrong:contains(Customer lookup)",
        },
        {
            content: "Its remedy leads to the page",
            trigger: ".o_metered_check_wrong:contains(Customer lookup) button",
            run: "click",
        },
        {
            trigger: ".o_notebook .nav-link.active[name=payers]",
        },
    ],
});
