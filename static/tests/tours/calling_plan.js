import {registry} from "@web/core/registry";

const GAUGE = ".o_metered_gauge:contains(Tour minutes)";
const LINES = "[name=sale_subscription_line_ids]";

registry.category("web_tour.tours").add("metered_billing_calling_plan", {
    steps: () => [
        {
            content: "A new plan",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_form_view [name=name] input",
            run: "edit Tour 100",
        },
        {
            content: "What it includes",
            trigger: "[name=allowance_ids] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".modal [name=name] input",
            run: "edit Tour minutes",
        },
        {
            trigger: ".modal [name=amount] input",
            run: "edit 100",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            content: "It is told in words",
            trigger: "[name=allowance_ids] .o_data_row:contains(100 min)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "No product has it yet, and that is told",
            trigger: ".alert:contains(No product has this plan yet)",
        },
        {
            content: "Its products",
            trigger: "button[name=action_view_products]",
            run: "click",
        },
        {
            trigger: ".o_breadcrumb:contains(Products with Tour 100)",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_form_view [name=name] textarea, .o_form_view [name=name] input",
            run: "edit Tour Office",
        },
        {
            content: "The product has the plan",
            trigger: ".o_notebook .nav-link[name=metered]",
            run: "click",
        },
        {
            trigger: "[name=metered_plan_id] input:value(Tour 100)",
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

registry.category("web_tour.tours").add("metered_billing_plan_gauge", {
    steps: () => [
        {
            content: "Nothing is included yet, and what to do about it is told",
            trigger: ".o_notebook .nav-link[name=metered_allowances]",
            run: "click",
        },
        {
            trigger: ".o_metered_allowances:contains(No calling plan yet)",
        },
        {
            content: "Sell the product",
            trigger: ".o_notebook .nav-link[name=subscription_lines_page]",
            run: "click",
        },
        {
            trigger: `${LINES} .o_field_x2many_list_row_add a`,
            run: "click",
        },
        {
            trigger: `${LINES} [name=product_id] input`,
            run: "edit Tour Office",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Office)",
            run: "click",
        },
        {
            trigger: `${LINES} [name=name] :value(Tour Office), ${LINES} [name=name]:contains(Tour Office)`,
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_view:not(:has(.o_form_dirty))",
        },
        {
            trigger: ".o_notebook .nav-link[name=metered_allowances]",
            run: "click",
        },
        {
            content: "The gauge stands at its beginning",
            trigger: `${GAUGE}:contains(0 min):contains(of 100 min)`,
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_plan_used", {
    steps: () => [
        {
            content: "The customer's tab shows what is used",
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            trigger: `${GAUGE}:contains(60 min):contains(of 100 min):contains(40 min remaining)`,
        },
    ],
});
