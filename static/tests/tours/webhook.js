import {registry} from "@web/core/registry";

/** Steps that make a secret, and close the dialog that shows it once. */
function newSecret() {
    return [
        {
            content: "Make a secret",
            trigger: "button[name=action_new_secret]",
            run: "click",
        },
        {
            content: "It is shown",
            trigger: ".modal .o_field_widget[name=secret]:contains(whsec_)",
        },
        {
            trigger: ".modal footer button:contains(Done)",
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_webhook", {
    steps: () => [
        {
            content: "The empty list says what a webhook is",
            trigger:
                ".o_view_nocontent:contains(Tell another program), .o_data_row",
        },
        {
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=name] input",
            run: "edit Portal",
        },
        {
            trigger: ".o_field_widget[name=address] input",
            run: "edit http://hooks.example.com",
        },
        {
            trigger: ".o_field_widget[name=tells_invoice_issued] input",
            run: "click",
        },
        {
            content: "Without TLS anybody can read along",
            trigger: ".alert-warning:contains(does not start with https)",
        },
        {
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            content: "It says what is missing",
            trigger: ".alert-info:contains(Click New Secret)",
        },
        ...newSecret(),
        {
            trigger: "body:not(:has(.alert-info:visible)) button[name=action_turn_off]",
            run: "click",
        },
        {
            trigger: ".modal:contains(missed messages are not sent later) footer .btn-primary",
            run: "click",
        },
        {
            trigger: "button[name=action_turn_on]",
            run: "click",
        },
        {
            trigger: "button[name=action_turn_off]",
        },
        {
            content: "Back to the list, and to the one whose receiver is there",
            trigger: ".o_breadcrumb a:contains(Webhooks)",
            run: "click",
        },
        {
            trigger: ".o_data_row:contains(Loopback) td[name=name]",
            run: "click",
        },
        {
            trigger: "button[name=action_send_test]",
            run: "click",
        },
        {
            content: "The receiver answers an error",
            trigger: ".o_notification:contains(The test message was not delivered)",
        },
        {
            trigger: "button[name=action_deliveries]",
            run: "click",
        },
        {
            content: "The log says so",
            trigger: ".o_list_view .o_data_row:contains(Failed):contains(500) td[name=kind]",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=attempt_ids] .o_data_row:contains(500)",
        },
        {
            trigger: ".o_notebook .nav-link:contains(Message)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=body]:contains(This is a test)",
        },
        {
            trigger: "button[name=action_send_again]",
            run: "click",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Waiting)",
        },
    ],
});
