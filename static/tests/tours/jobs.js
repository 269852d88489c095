import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_jobs", {
    steps: () => [
        {
            content: "The bar tells that a job is running",
            trigger: ".o_metered_job_count button:has(.badge:contains(1))",
            run: "click",
        },
        {
            content: "It stands first in the list of all jobs, with its progress",
            trigger: ".o_data_row:first:contains(Re-rating):contains(Running):contains(25)",
        },
        {
            content: "An import that is done stands below it",
            trigger: ".o_data_row:eq(1):contains(Import):contains(Done) td[name=kind]",
            run: "click",
        },
        {
            content: "A click opens the job itself",
            trigger: ".o_form_view .o_arrow_button_current:contains(Done)",
        },
        {
            trigger: ".breadcrumb a:contains(Jobs)",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row",
        },
    ],
});
