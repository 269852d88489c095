import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_fraud_alarms", {
    steps: () => [
        {
            content: "The open ones, and how many were right before",
            trigger: ".o_breadcrumb:contains(confirmed: 1 of 1, 100%)",
        },
        {
            content: "The newest open alarm comes first",
            trigger: ".o_data_row:first:contains(Tour Hacked) td[name=partner_id]",
            run: "click",
        },
        {
            content: "Why, in words",
            trigger:
                ".o_form_view .o_field_widget[name=reasons]:contains(The charges of one hour reached)",
        },
        {
            content: "Its calls",
            trigger: ".o_form_view button[name=action_view_calls]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(37282001122)",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item:last a",
            run: "click",
        },
        {
            trigger: ".o_form_view button:contains(Confirm Fraud)",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Confirmed)",
        },
        {
            content: "It was too early",
            trigger: ".o_form_view button:contains(Reopen)",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Open)",
        },
        {
            trigger: ".o_form_view .o_statusbar_buttons button:contains(Dismiss)",
            run: "click",
        },
        {
            content: "Say why",
            trigger: ".modal .o_field_widget[name=dismissal] label:contains(A one-time exception)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=note] input",
            run: "edit Their own campaign",
        },
        {
            trigger: ".modal footer button:contains(Dismiss)",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Dismissed)",
        },
        {
            trigger:
                ".o_form_view .o_field_widget[name=note]:contains(Their own campaign)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_fraud_limits", {
    steps: () => [
        {
            content: "Limits of the whole company",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=hour_limit] input",
            run: "edit 50",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=sensitivity] label:contains(High)",
            run: "click",
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

registry.category("web_tour.tours").add("metered_billing_fraud_risk", {
    steps: () => [
        {
            content: "What the page is for",
            trigger: ".o_view_nocontent:contains(No numbers listed)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=name] input",
            run: "edit Tour Notice",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=prefixes] textarea",
            run: "edit +372 82",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "What is not a list of prefixes is refused in words",
            trigger: ".modal:contains(Enter the prefixes as digits without +)",
        },
        {
            trigger: ".modal footer .btn-primary",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_form_view .o_field_widget[name=prefixes] textarea",
            run: "edit 37282 37283",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=note] input",
            run: "edit Our carrier",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved, .o_form_view:not(:has(.o_form_button_save:visible))",
        },
        {
            trigger: ".o_breadcrumb .o_back_button, .breadcrumb-item:last a",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(37282 37283):contains(Our carrier)",
        },
    ],
});
