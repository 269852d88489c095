import {registry} from "@web/core/registry";

const DRAFT = [
    {
        content: "The draft has the fee and the call",
        trigger:
            ".o_form_view .o_field_widget[name=invoice_line_ids] .o_data_row:contains(Line rental):contains(10.00)",
    },
    {
        trigger:
            ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls):contains(0.09)",
    },
    {
        trigger: ".o_statusbar_status .o_arrow_button_current:contains(Draft)",
    },
];

registry.category("web_tour.tours").add("metered_billing_period_again", {
    steps: () => [
        {
            content: "The dashboard tells of usage that no renewal takes",
            trigger: ".o_metered_no_renewal:contains(0.60)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Nobody's Customer)",
        },
        {
            trigger: ".o_back_button a, .o_breadcrumb .breadcrumb-item a",
            run: "click",
        },
        {
            content: "It tells of a period on no invoice",
            trigger: ".o_metered_unbilled:contains(1)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(No Invoice)",
        },
        {
            content: "Bill it again",
            trigger: ".o_data_row button[name=action_bill_again]",
            run: "click",
        },
        ...DRAFT,
    ],
});

registry.category("web_tour.tours").add("metered_billing_subscription_again", {
    steps: () => [
        {
            content: "The subscription tells what is on no invoice",
            trigger: ".alert-danger:has(.o_field_widget[name=metered_unbilled])",
        },
        {
            content: "Create Invoice would bill the next period: it says so",
            trigger: ".o_statusbar_buttons button[name=manual_invoice]",
            run: "click",
        },
        {
            trigger: ".modal:contains(Bill This Period Again) .modal-footer button",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) button[name=action_metered_bill_again]",
            run: "click",
        },
        ...DRAFT,
    ],
});

registry.category("web_tour.tours").add("metered_billing_customer_again", {
    steps: () => [
        {
            content: "Open the tab",
            trigger: ".o_notebook .nav-link:contains(Metered Billing)",
            run: "click",
        },
        {
            content: "The check is red, and leads to the period",
            trigger:
                ".o_metered_check_wrong:contains(Billing periods) button:contains(Bill again)",
            run: "click",
        },
        {
            content: "Leave it unbilled",
            trigger: ".o_data_row button[name=action_waive]",
            run: "click",
        },
        {
            trigger: ".modal-footer button.btn-primary",
            run: "click",
        },
        {
            content: "It is on the list no more",
            trigger: ".o_view_nocontent, .o_list_view:not(:has(.o_data_row))",
        },
    ],
});
