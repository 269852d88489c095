import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_line_chart", {
    steps: () => [
        {
            content: "The chart of the metered line",
            trigger: ".o_data_row:contains(VoIP) .o_metered_line_chart",
            run: "click",
        },
        {
            content: "What was sent in the current period",
            trigger: ".modal .o_metered_total:contains(373.5 minute)",
        },
        {
            content: "Drawn, and as a table",
            trigger: ".modal canvas",
        },
        {
            trigger: ".modal .o_metered_day_table summary",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_day_table tr:contains(Oct 5):contains(361)",
        },
        {
            content: "The period before",
            trigger: ".modal .o_metered_earlier",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_total:contains(7 minute)",
        },
        {
            trigger: ".modal .o_metered_later",
            run: "click",
        },
        {
            trigger: ".modal .o_metered_total:contains(373.5 minute)",
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

/** Steps that choose an option of a selection field. */
function choose(name, option) {
    return [
        {
            trigger: `.o_field_widget[name=${name}] input`,
            run: "click",
        },
        {
            trigger: `.o_select_menu_item:contains(${option})`,
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_usage_url", {
    steps: () => [
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Seats of Acme",
        },
        ...choose("source_type", "Usage URL, called at each renewal"),
        {
            trigger: ".o_notebook .nav-link[name=connection]",
            run: "click",
        },
        {
            content: "It says what is asked",
            trigger: ".alert:contains(a request is sent to this address)",
        },
        {
            trigger: ".o_field_widget[name=address] input",
            run: "edit https://usage.example.com/acme",
        },
        {
            trigger: ".o_field_widget[name=api_key] input",
            run: "edit shared secret",
        },
        ...choose("usage_url_policy", "Charge the last quantity again"),
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_form_saved",
        },
        {
            trigger: ".o_field_widget[name=usage_url_policy]",
        },
    ],
});
