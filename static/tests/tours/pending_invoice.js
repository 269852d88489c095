import {registry} from "@web/core/registry";

const back = ".o_back_button a, .o_breadcrumb .breadcrumb-item:last a";

registry.category("web_tour.tours").add("metered_billing_wait_policy", {
    steps: () => [
        {
            content: "Its invoices are to wait for usage",
            trigger:
                ".o_field_widget[name=metered_wait_policy] .o_radio_item:contains(then put on hold) input",
            run: "click",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
        {
            trigger:
                ".o_field_widget[name=metered_wait_policy] .o_radio_item:contains(then put on hold) input:checked",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_pending_invoice", {
    steps: () => [
        {
            content: "The invoice says what it waits for",
            trigger:
                ".alert-warning:contains(Waiting for usage since):contains(put on hold)",
        },
        {
            content: "What a program has given so far",
            trigger: "button[name=action_metered_charges]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(105) td[name=meter_id]",
            run: "click",
        },
        {
            content: "Who changed it, and what it was before",
            trigger:
                ".o_field_widget[name=version_ids] .o_data_row:contains(Tour Program):contains(105):contains(0.25)",
        },
        {
            content: "The usage that it charges",
            trigger: "button[name=action_view_usage]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(Messages)",
        },
        {
            content: "Back to the charge, to the charges, and to the invoice",
            trigger: back,
            run: "click",
        },
        {
            trigger: "body:has(.o_field_widget[name=version_ids]) .o_breadcrumb .breadcrumb-item:last a, body:has(.o_field_widget[name=version_ids]) .o_back_button a",
            run: "click",
        },
        {
            trigger: "body:has(td[name=counted]) .o_breadcrumb .breadcrumb-item:last a, body:has(td[name=counted]) .o_back_button a",
            run: "click",
        },
        {
            trigger: "button[name=action_metered_recalculate]",
            run: "click",
        },
        {
            trigger: ".alert-warning:contains(Waiting for usage since)",
        },
        {
            trigger: "button[name=action_metered_issue]",
            run: "click",
        },
        {
            trigger: ".modal:contains(with the usage it currently shows) footer .btn-primary",
            run: "click",
        },
        {
            content: "It is posted",
            trigger:
                "body:not(:has(button[name=action_metered_issue])) .o_statusbar_status .o_arrow_button_current:contains(Posted)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_pending_list", {
    steps: () => [
        {
            content: "The list shows which invoices wait",
            trigger:
                ".o_list_view .o_data_row td[name=metered_pending]:contains(Waiting for Usage)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_pending_review", {
    steps: () => [
        {
            content: "So does the review",
            trigger: ".o_list_view .o_data_row:contains(waiting for usage)",
        },
    ],
});
