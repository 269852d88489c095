import {registry} from "@web/core/registry";

/** Steps that make a token, and close the dialog that shows it once. */
function newToken() {
    return [
        {
            content: "Make a token",
            trigger: "button[name=action_new_token]",
            run: "click",
        },
        {
            content: "It is shown with the address",
            trigger:
                ".modal:has(.o_field_widget[name=token]) .o_field_widget[name=address]:contains(/metered/freeswitch/)",
        },
        {
            content: "Done",
            trigger: ".modal footer button:contains(Done)",
            run: "click",
        },
    ];
}

const ROW = ".o_field_widget[name=token_ids] .o_data_row";

registry.category("web_tour.tours").add("metered_billing_source_tokens", {
    steps: () => [
        {
            content: "The check leads to where tokens are made",
            trigger: ".o_metered_check_wrong button:contains(Click New Token)",
            run: "click",
        },
        ...newToken(),
        {
            content: "It is listed, and the check is green",
            trigger: `body:has(.o_metered_check_ok:contains(Token exists)) ${ROW} button[name=action_remove]`,
        },
        ...newToken(),
        {trigger: `${ROW}:eq(1) button[name=action_remove]`},
        {
            content: "There can be two",
            trigger: "button[name=action_new_token]",
            run: "click",
        },
        {
            content: "It says which one to remove",
            trigger: ".modal:contains(already has 2 tokens) footer button",
            run: "click",
        },
        {
            content: "Remove one",
            trigger: `body:not(:has(.modal)) ${ROW} button[name=action_remove]`,
            run: "click",
        },
        {
            trigger: ".modal:contains(will be rejected) footer .btn-primary",
            run: "click",
        },
        {
            content: "One is left",
            trigger: `body:not(:has(.modal)):not(:has(${ROW}:eq(1) button)) ${ROW}`,
        },
    ],
});
