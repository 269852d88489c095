import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_seals", {
    steps: () => [
        {
            content: "The invoice has a seal",
            trigger: ".o_data_row:contains(Invoice posted) td[name=reason]",
            run: "click",
        },
        {
            content: "It says what was sealed",
            trigger: ".o_form_view .o_field_widget[name=sums_text]:contains(7 records)",
        },
        {
            trigger: "button[name=action_open_invoice]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=invoice_line_ids]",
        },
        {
            trigger: ".breadcrumb a:contains(Seals), .o_breadcrumb a:contains(Seals)",
            run: "click",
        },
        {
            content: "Is all of it what was sealed?",
            trigger: "button[name=action_verify]",
            run: "click",
        },
        {
            content: "Not since someone changed the usage",
            trigger: ".o_form_view .alert-danger:contains(without a known reason)",
        },
        {
            trigger:
                ".o_field_widget[name=finding_ids] .o_data_row:contains(not what was sealed)",
        },
    ],
});
