import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_smallest_invoice", {
    steps: () => [
        {
            content: "The company's smallest invoice is listed",
            trigger: ".o_list_view .o_data_row:contains(1.00)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Another one for a customer",
            trigger: ".o_field_widget[name=partner_id] input",
            run: "edit Beta",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Beta)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=amount] input",
            run: "edit 2.5",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_view:not(:has(.o_form_button_save:visible))",
        },
    ],
});

const DRAFT = [
    {
        trigger: ".o_statusbar_status .o_arrow_button_current:contains(Draft)",
    },
    {
        content: "The period is on a line",
        trigger:
            ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls)",
    },
];

registry.category("web_tour.tours").add("metered_billing_customer_carried", {
    steps: () => [
        {
            content: "Open the tab",
            trigger: ".o_notebook .nav-link:contains(Metered Billing)",
            run: "click",
        },
        {
            content: "It tells how much is carried forward, and since when",
            trigger: ".alert:contains(Carried forward):contains(0.40 since)",
        },
        {
            trigger: "button[name=action_metered_bill_carried]",
            run: "click",
        },
        ...DRAFT,
    ],
});

registry.category("web_tour.tours").add("metered_billing_subscription_carried", {
    steps: () => [
        {
            content: "The subscription tells what it carries forward",
            trigger: ".alert:contains(Carried forward):contains(0.35 since)",
        },
        {
            trigger: "button[name=action_metered_bill_carried]",
            run: "click",
        },
        ...DRAFT,
    ],
});

registry.category("web_tour.tours").add("metered_billing_run_carried", {
    steps: () => [
        {
            content: "The run tells what it carried forward",
            trigger: ".o_field_widget[name=carried_info]:contains(0.20)",
        },
        {
            content: "And how many periods",
            trigger: "button[name=action_view_carried]:contains(1)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Carried Forward):contains(0.20)",
        },
        {
            trigger: ".o_data_row button[name=action_waive]",
            run: "click",
        },
        {
            trigger: ".modal-footer button.btn-primary",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Left Unbilled)",
        },
    ],
});
