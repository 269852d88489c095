import {registry} from "@web/core/registry";

registry.category("web_tour.tours").add("metered_billing_api_key", {
    steps: () => [
        {
            content: "A new key",
            trigger: ".o_list_button_add",
            run: "click",
        },
        {
            content: "Whose it is",
            trigger: ".o_field_widget[name=name] input",
            run: "edit Tour Shop",
        },
        {
            content: "Which sources it may push to",
            trigger: ".o_field_widget[name=source_ids] input",
            run: "edit Tour Events",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Tour Events)",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name=source_ids] .o_tag:contains(Tour Events)",
        },
        {
            content: "It is saved, and not made yet",
            trigger: ".o_form_button_save",
            run: "click",
        },
        {
            trigger: "button[name=action_make]",
            run: "click",
        },
        {
            content: "It is shown once, with the address",
            trigger:
                ".modal:has(.o_field_widget[name=token]:contains(mk_)) .o_field_widget[name=address]:contains(/metered/v1/events)",
        },
        {
            trigger: ".modal footer button:contains(Done)",
            run: "click",
        },
        {
            content: "It is in use",
            trigger:
                "body:not(:has(.modal)):not(:has(button[name=action_make])) .o_field_widget[name=prefix]:contains(mk_)",
        },
        {
            content: "It can be revoked",
            trigger: "button[name=action_revoke]",
            run: "click",
        },
        {
            trigger: ".modal:contains(will be rejected) footer .btn-primary",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)):not(:has(button[name=action_revoke])) .o_field_widget[name=revoked]",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_try_event", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link[name=connection]",
            run: "click",
        },
        {
            content: "Paste an event that nobody pays for",
            trigger: ".o_field_widget[name=event_sample] textarea",
            run: 'edit {"id": "1", "type": "api.call", "subject": "nobody", "time": "2026-10-05T10:00:00Z", "quantity": 2.5}',
        },
        {
            trigger: "button[name=action_try_event]",
            run: "click",
        },
        {
            content: "It says what is missing",
            trigger:
                ".o_field_widget[name=event_tried]:contains(No customer found)",
        },
        {
            content: "Paste one of a customer",
            trigger: ".o_field_widget[name=event_sample] textarea",
            run: 'edit {"id": "1", "type": "api.call", "subject": "acme", "time": "2026-10-05T10:00:00Z", "quantity": 2.5}',
        },
        {
            trigger: "button[name=action_try_event]",
            run: "click",
        },
        {
            content: "It says what becomes of it",
            trigger:
                ".o_field_widget[name=event_tried]:contains(Acme):contains(2.5):contains(The event would be charged)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_send_event", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link[name=connection]",
            run: "click",
        },
        {
            content: "Paste an event",
            trigger: ".o_field_widget[name=event_sample] textarea",
            run: 'edit {"id": "by-hand", "type": "api.call", "subject": "acme", "time": "2026-10-05T10:00:00Z", "quantity": 2.5}',
        },
        {
            content: "Push it",
            trigger: "button[name=action_send_event]",
            run: "click",
        },
        {
            content: "It is stored, and rated at once",
            trigger:
                ".o_field_widget[name=event_tried]:contains(Acme):contains(2.5):contains(The event is stored and rated)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_event_rated", {
    steps: () => [
        {
            content: "2.5 calls at 0.50 each",
            trigger:
                ".o_data_row:contains(Acme):contains(API calls) td[name=amount_so_far]:contains(1.25)",
            run: "click",
        },
        {
            content: "Its record is the event",
            trigger: "button[name=action_view_cdrs]",
            run: "click",
        },
        {
            trigger: ".o_breadcrumb .active:contains(Call Details)",
        },
        {
            trigger: ".o_data_row:contains(Acme):contains(2.5)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_event_told", {
    steps: () => [
        {
            content: "The receiver has the message about the import",
            trigger: ".o_data_row:contains(usage.imported):contains(Delivered)",
        },
    ],
});
