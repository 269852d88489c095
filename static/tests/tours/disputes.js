import {registry} from "@web/core/registry";

const LINES = "[name=line_ids]";

/** Steps that decide the line of a dispute whose number ends so. */
function decide(number, outcome, answer) {
    const row = `${LINES} .o_data_row:contains(${number})`;
    return [
        {
            content: `Decide about ${number}`,
            trigger: `${row} td[name=outcome]`,
            run: "click",
        },
        {
            trigger: `${row}.o_selected_row [name=outcome] input`,
            run: "click",
        },
        {
            trigger: `.o_select_menu_item:contains(/^${outcome}$/)`,
            run: "click",
        },
        {
            trigger: `${row}.o_selected_row [name=answer] textarea`,
            run: `edit ${answer}`,
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_disputes", {
    steps: () => [
        {
            content: "From the invoice to its calls",
            trigger: "button[name=action_metered_dispute]",
            run: "click",
        },
        {
            content: "Select the calls that the customer questions",
            trigger: ".o_data_row:contains(+12125550005) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(+12125550006) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: ".o_control_panel button[name=action_dispute]",
            run: "click",
        },
        {
            content: "How many, and how much",
            trigger: ".modal [name=what]:contains(2: )",
        },
        {
            trigger: ".modal [name=text] textarea",
            run: "edit We were closed that night.",
        },
        {
            trigger: ".modal button[name=action_open]",
            run: "click",
        },
        {
            content: "The dispute has a number",
            trigger: ".o_form_view [name=name]:contains(DSP/)",
        },
        {
            content: "Ask the customer",
            trigger: "button[name=action_ask]:contains(Ask Customer)",
            run: "click",
        },
        {
            trigger: ".modal [name=text] textarea",
            run: "edit Who was in the office?",
        },
        {
            trigger: ".modal button[name=action_change]",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Waiting for Customer)",
        },
        ...decide("+12125550005", "Credit", "Your line was faulty."),
        ...decide("+12125550006", "Refuse", "It was answered."),
        {
            content: "Decide: the credit note is posted",
            trigger: "button[name=action_decide]",
            run: "click",
        },
        {
            trigger: ".modal footer button:contains(Ok)",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains(Decided)",
        },
        {
            trigger: "button[name=action_view_credits]:contains(1)",
        },
        {
            content: "The log is as it was written",
            trigger: ".o_notebook .nav-link:contains(Log)",
            run: "click",
        },
        {
            trigger: "[name=event_ids] .o_data_row:contains(Decided)",
        },
        {
            trigger: "button[name=action_verify]",
            run: "click",
        },
        {
            trigger: ".o_notification:contains(complete and unchanged)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_portal_disputes", {
    steps: () => [
        {
            content: "From the usage to the calls",
            trigger: ".o_portal_my_home a[href='/my/usage']:contains(Your Usage)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "nav a[href='/my/usage/calls']",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Select two calls",
            trigger: "tr:contains(+12125550xxx) input[name=cdr_ids]:first",
            run: "check",
        },
        {
            trigger: "tr:contains(+12125550xxx) input[name=cdr_ids]:last",
            run: "check",
        },
        {
            trigger: "button:contains(Question These Calls)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "Both are there, masked",
            trigger: "tbody tr:nth-child(2):contains(+12125550xxx)",
        },
        {
            content: "Say what is wrong",
            trigger: "label:contains(Wrong duration)",
            run: "click",
        },
        {
            trigger: "textarea[name=text]",
            run: "edit I hung up.",
        },
        {
            trigger: "button:contains(Open Dispute)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            content: "It has a number, and a day until when it is decided",
            trigger: "h1:contains(DSP/)",
        },
        {
            trigger: "dt:contains(Decision by)",
        },
        {
            content: "Write something more",
            trigger: "textarea[name=text]",
            run: "edit After a minute.",
        },
        {
            trigger: "button:contains(Send)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: ".card:contains(After a minute.)",
        },
        {
            content: "It is in the list",
            trigger: ".nav-link:contains(Disputes)",
            run: "click",
            expectUnloadPage: true,
        },
        {
            trigger: "tr:contains(DSP/):contains(Wrong duration) .badge:contains(Received)",
        },
    ],
});
