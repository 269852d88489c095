import {registry} from "@web/core/registry";

/** Hold back the answer that the list asks for every few seconds, and select a row. */
async function selectWhileLoading() {
    const {send} = XMLHttpRequest.prototype;
    const answer = await new Promise((resolve) => {
        XMLHttpRequest.prototype.send = function (data) {
            if (!String(data).includes('"web_search_read"')) {
                return send.call(this, data);
            }
            XMLHttpRequest.prototype.send = send;
            const drawn = () => document.body.classList.add("o_loaded_anew");
            this.addEventListener("loadend", () =>
                requestAnimationFrame(() => requestAnimationFrame(drawn))
            );
            resolve(() => send.call(this, data));
        };
    });
    document.querySelector(".o_data_row .o_list_record_selector input").click();
    answer();
}

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
            content: "A row is selected while the list is loaded anew",
            trigger: ".o_list_view .o_data_row:first:contains(Running)",
            run: selectWhileLoading,
        },
        {
            content: "It stays selected",
            trigger: "body.o_loaded_anew .o_data_row_selected:contains(Running)",
        },
    ],
});
