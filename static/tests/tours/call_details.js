import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_call_details", {
    steps: () => [
        {
            content: "Charged calls are shown first, their lengths as people read them",
            trigger: ".o_facet_value:contains(Rated)",
        },
        {
            trigger: ".o_data_row td[name=quantity]:contains(14:14)",
        },
        {
            trigger: ".o_data_row td[name=billed_quantity]:contains(1:02:03)",
        },
        {
            content: "What they add up to stands below",
            trigger: "tfoot td:contains(1:17:17)",
        },
        {
            content: "A number as it stands in a letter",
            trigger: ".o_searchview_input",
            run: "edit (212) 555-0142",
        },
        {
            content: "Enter takes the first proposal",
            trigger: ".o_searchview_autocomplete .o-dropdown-item:contains(Number or Customer)",
            run: "press Enter",
        },
        {
            content: "The calls from it and to it",
            trigger: ".o_list_view:not(:has(.o_data_row:contains(+14045550199))) tfoot td:contains(1:16:17)",
        },
        {
            trigger: ".o_data_row td[name=quantity]:contains(14:14)",
            run: "click",
        },
        {
            content: "The form has the same",
            trigger: ".o_form_view .o_field_widget[name=quantity]:contains(14:14)",
        },
    ],
});
