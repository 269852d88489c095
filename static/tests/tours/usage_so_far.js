import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_usage_so_far", {
    steps: () => [
        {
            content: "The list says what the open usage comes to so far",
            trigger: ".o_data_row:contains(Tour Texts) td[name=amount_so_far]:contains(0.05)",
            run: "click",
        },
        {
            content: "So does the usage",
            trigger: ".o_form_view .o_field_widget[name=so_far]:contains($ 0.05)",
        },
        {
            content: "Its records",
            trigger: "button[name=action_view_cdrs]",
            run: "click",
        },
        {
            trigger: ".o_breadcrumb .active:contains(Call Details)",
        },
        {
            content: "A record is no call",
            trigger: ".o_data_row:first td[name=start_time]",
            run: "click",
        },
        {
            trigger: ".o_form_view h1:contains(Tour Texts: 1 texts)",
        },
        {
            trigger: ".o_form_view .o_horizontal_separator:contains(Customer)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_customer_so_far", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link:contains(Metered)",
            run: "click",
        },
        {
            content: "Marked as what it is",
            trigger:
                ".o_metered_usage tr:contains(Tour Texts):contains($ 0.05) .o_metered_so_far",
        },
        {
            trigger: ".o_metered_usage tfoot:contains(Total so far)",
        },
        {
            content: "What the next invoice would be now",
            trigger: "button[name=action_metered_quote]",
            run: "click",
        },
        {
            content: "The usage, as its invoice line will say it",
            trigger:
                ".modal .o_data_row:contains(101 texts) td[name=amount]:contains(0.05)",
        },
        {
            content: "With the fee",
            trigger: ".modal .o_field_widget[name=untaxed]:contains($ 10.05)",
        },
        {
            content: "What it is expected to be, beside it",
            trigger:
                ".modal .o_data_row:contains(101 texts) td[name=forecast_amount]:contains($)",
        },
        {
            trigger: ".modal .o_field_widget[name=forecast_total]:contains($)",
        },
        {
            trigger: ".modal footer button:contains(Close)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
