import {registry} from "@web/core/registry";

// Each page is loaded from the server; pages of the portal do without patience.js.
const PATIENCE = 60000;

const steps = () =>
    [
        {
            content: "The portal has a card for usage",
            trigger: ".o_portal_my_home a[href='/my/usage']:contains(Your Usage)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "What was used so far, and the graph of days",
            trigger: ".o_metered_so_far:contains(.)",
        },
        {
            trigger: ".o_metered_chart canvas[aria-label]",
        },
        {
            trigger: "nav a[href='/my/usage/calls']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Calls are masked, and can be filtered",
            trigger: ".o_metered_calls td:contains(xxx)",
        },
        {
            trigger: "#metered_least",
            run: "edit 1",
        },
        {
            trigger: "form[role=search] button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "A call says how it was charged",
            trigger: ".o_metered_calls th a",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_metered_call table td:contains(per minute)",
        },
        {
            trigger: "nav a[href='/my/statements']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "a[aria-label*='as PDF']",
        },
        {
            content: "The usage on an invoice is on its page",
            trigger: ".o_metered_statements a[href^='/my/invoices/']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_metered_invoice_usage summary",
            run: "click",
        },
        {
            trigger: ".o_metered_invoice_usage details[open] td:contains(decimals)",
        },
        {
            trigger: ".o_metered_invoice_usage a:contains(Show Calls)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "nav a[href='/my/usage/alerts']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".o_metered_alerts input[type=number]",
            run: "edit 50",
        },
        {
            trigger: ".o_metered_alerts button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".alert-success:contains(Your alerts have been saved)",
        },
    ].map((step) => ({timeout: PATIENCE, ...step}));

registry.category("web_tour.tours").add("metered_billing_portal", {steps});

registry.category("web_tour.tours").add("metered_billing_portal_access", {
    steps: () => [
        {
            content: "The rights of a contact in the portal",
            trigger: ".o_notebook .nav-link:contains(Metered Billing)",
            run: "click",
        },
        {
            content: "Calls are for nobody until they are allowed",
            trigger: "[name=metered_portal_calls] input:not(:checked)",
            run: "click",
        },
        {
            trigger: "[name=metered_portal_disputes] input:checked",
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
            content: "Who looked at what",
            trigger: "button[name=action_view_metered_access]",
            run: "click",
        },
        {
            trigger: ".o_data_row [name=what]:contains(+12125550)",
        },
        {
            trigger: ".o_data_row [name=address]:contains(127.0.0.1)",
        },
    ],
});
