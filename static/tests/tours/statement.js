import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_statement", {
    steps: () => [
        {
            content: "The statement of the invoice is made",
            trigger: "button[name=action_metered_statement]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Done)",
        },
        {
            content: "It comes to what the invoice charges",
            trigger: ".o_field_widget[name=adds_up] input:checked",
        },
        {
            content: "Its files can be downloaded",
            trigger: "button[name=action_download]:contains(Download PDF)",
            run: "click",
        },
        {
            trigger: "button[name=action_download]:contains(CSV)",
            run: "click",
        },
        {
            trigger: "button[name=action_make_again]",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains(Ok)",
            run: "click",
        },
        {
            content: "The new one has a number of its own",
            trigger: ".o_form_view .o_field_widget[name=name]:contains(/00002)",
        },
        {
            content: "The one before is kept",
            trigger: ".breadcrumb a:contains(ST/), .o_breadcrumb a:contains(ST/)",
            run: "click",
        },
        {
            trigger: ".alert:contains(replaced by a newer one)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_statement_list", {
    steps: () => [
        {
            content: "What failed is tried again",
            trigger: ".o_data_row:contains(Failed) .o_data_cell[name=name]",
            run: "click",
        },
        {
            trigger: ".o_form_view .alert:contains(The disk was full)",
        },
        {
            trigger: "button[name=action_resume]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Waiting)",
        },
        {
            trigger: ".breadcrumb a:contains(Statements), .o_breadcrumb a:contains(Statements)",
            run: "click",
        },
        {
            content: "The list is what the server has now, not what was kept of it",
            trigger: ".o_list_view .o_data_row:contains(Waiting)",
        },
        {
            content: "Many are downloaded as one file",
            trigger: ".o_list_view thead .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: "button[name=action_zip]:contains(PDFs as ZIP)",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_arrow_button_current:contains(Done)",
        },
        {
            trigger: "button[name=action_download]:contains(Download ZIP)",
            run: "click",
        },
    ],
});
