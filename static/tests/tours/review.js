import {registry} from "@web/core/registry";

const row = (name) => `.o_list_view .o_data_row:has(.o_data_cell:contains(${name}))`;

const select = (name) => ({
    content: `Select the invoice of ${name}`,
    trigger: `${row(name)} .o_list_record_selector input`,
    run: "click",
});

registry.category("web_tour.tours").add("metered_billing_review", {
    steps: () => [
        {
            content: "The run tells what it comes to",
            trigger:
                ".o_form_view .o_field_widget[name=totals]:contains(4 invoices)",
        },
        {
            trigger: ".nav-link[name=reviews]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=review_ids] .o_data_row:contains(Delta)",
        },
        {
            trigger: "button[name=action_review]",
            run: "click",
        },
        {
            content: "Each invoice with what is to be looked at",
            trigger: `${row("Alpha")}:contains(exceptions: 1)`,
        },
        {
            trigger: ".o_control_panel button[name=action_refresh]",
            run: "click",
        },
        {
            content: "Why is it so much?",
            trigger: `${row("Alpha")} button[name=action_explain]`,
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=explanation]:contains(Line rental)",
        },
        {
            trigger: ".modal-footer button:contains(Close)",
            run: "click",
        },
        {
            content: "Its calls",
            trigger: `body:not(:has(.modal)) ${row("Alpha")} button[name=action_view_cdrs]`,
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(National)",
        },
        {
            trigger: ".o_back_button a, .o_breadcrumb .breadcrumb-item:last a",
            run: "click",
        },
        {
            content: "The invoice itself",
            trigger: `${row("Alpha")} button[name=action_view_invoice]`,
            run: "click",
        },
        {
            trigger: ".o_form_view .o_statusbar_status:contains(Draft)",
        },
        {
            trigger: ".o_back_button a, .o_breadcrumb .breadcrumb-item:last a",
            run: "click",
        },
        select("Beta"),
        {
            trigger: ".o_control_panel button[name=action_open_hold]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit Disputed",
        },
        {
            trigger: ".modal-footer button[name=action_hold]",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${row("Beta")}:contains(On Hold)`,
        },
        select("Gamma"),
        {
            trigger: ".o_control_panel button[name=action_open_hold]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit By mistake",
        },
        {
            trigger: ".modal-footer button[name=action_hold]",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${row("Gamma")}:contains(On Hold)`,
        },
        select("Gamma"),
        {
            trigger: ".o_control_panel button[name=action_release]",
            run: "click",
        },
        {
            trigger: `${row("Gamma")}:contains(To Approve)`,
        },
        select("Alpha"),
        {
            content: "What would be posted, and who is left out",
            trigger: ".o_control_panel button[name=action_open_approve_others]",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=summary]:contains(2 invoices will be posted)",
        },
        {
            trigger:
                ".modal .o_field_widget[name=warning]:contains(On hold and excluded: 1 invoice)",
        },
        {
            trigger: ".modal-footer button[name=action_approve]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=expected]:contains(2)",
        },
        {
            content: "The invoices of the approval",
            trigger: "button[name=action_view_reviews]",
            run: "click",
        },
        {
            trigger: `${row("Gamma")}:contains(Approved)`,
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_review_invoice", {
    steps: () => [
        {
            content: "The invoice says that it is on hold, and why",
            trigger: ".o_field_widget[name=metered_hold]:contains(Disputed)",
        },
        {
            content: "It cannot be posted",
            trigger: ".o_statusbar_buttons button[name=action_post]:visible",
            run: "click",
        },
        {
            trigger: ".modal .o_error_dialog, .modal:contains(Click Release)",
        },
        {
            trigger: ".modal-footer button",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal)) button[name=action_metered_release]",
            run: "click",
        },
        {
            trigger: "button[name=action_metered_hold]",
        },
        {
            trigger: ".o_statusbar_buttons button[name=action_post]:visible",
            run: "click",
        },
        {
            content: "Who posted it is shown",
            trigger: ".o_field_widget[name=metered_approved]:contains(biller)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_review_rest", {
    steps: () => [
        {
            trigger: "button[name=action_approve_all]",
            run: "click",
        },
        {
            trigger:
                ".modal .o_field_widget[name=summary]:contains(1 invoice will be posted)",
        },
        {
            trigger: ".modal-footer button[name=action_approve]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=expected]:contains(1)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_review_operator", {
    steps: () => [
        {
            content: "The dashboard tells how many invoices wait",
            trigger: ".o_metered_to_approve:contains(4)",
            run: "click",
        },
        select("Alpha"),
        {
            trigger: ".o_control_panel button[name=action_open_approve]",
            run: "click",
        },
        {
            content: "What is missing is said plainly",
            trigger: ".modal:contains(Ask someone with access to Invoicing)",
        },
        {
            trigger: ".modal-footer button",
            run: "click",
        },
        {
            content: "The menu opens the same list",
            trigger: "body:not(:has(.modal)) .o_menu_sections button:contains(Billing)",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu .dropdown-item:contains(Invoices to Approve)",
            run: "click",
        },
        {
            trigger: `.o_searchview:contains(To Approve)`,
        },
        {
            trigger: `${row("Delta")} .o_data_cell[name=partner_id]`,
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=explanation]:contains(Line rental)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_renew_chosen", {
    steps: () => [
        {
            content: "The dashboard tells what is due",
            trigger: ".card[data-card=renewals] a:contains(4 due)",
            run: "click",
        },
        select("Beta"),
        {
            trigger: ".o_control_panel button[name=action_metered_renew]",
            run: "click",
        },
        {
            trigger: ".o_form_view .o_field_widget[name=expected]:contains(1)",
        },
    ],
});
