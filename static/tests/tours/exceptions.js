import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

registry.category("web_tour.tours").add("metered_billing_cure_exceptions", {
    url: "/odoo",
    steps: () => [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
        {
            content: "Open the exceptions",
            trigger:
                "button[data-menu-xmlid='metered_billing.menu_metered_exceptions']",
            run: "click",
        },
        {
            content: "See what would cure them",
            trigger:
                "a[data-menu-xmlid='metered_billing.menu_metered_exception_cause']",
            run: "click",
        },
        {
            content: "How many, and what is at stake",
            trigger:
                ".o_data_row:contains(No customer has +14045559999):contains(2):contains(0.12)",
        },
        {
            content: "Look at the records of a cause",
            trigger: ".o_data_row:contains(+14045559999) td[name=name]",
            run: "click",
        },
        {
            trigger: ".o_list_view .o_data_row:contains(No customer has the identifier)",
        },
        {
            content: "Back to the causes",
            trigger: ".breadcrumb a:contains(Causes)",
            run: "click",
        },
        {
            content: "Take both numbers together",
            trigger:
                ".o_data_row:contains(+14045559999) .o_list_record_selector input",
            run: "click",
        },
        {
            trigger:
                ".o_data_row:contains(+14045558888) .o_list_record_selector input",
            run: "click",
        },
        {
            content: "Assign them",
            trigger: ".o_control_panel button[name=action_assign]",
            run: "click",
        },
        {
            content: "Both are there, from the day of their oldest call",
            trigger: ".modal .o_data_row:contains(+14045558888)",
        },
        {
            trigger: ".modal .o_field_widget[name=partner_id] input",
            run: "edit Tour Newcomer",
        },
        {
            trigger: ".ui-autocomplete a:contains(Tour Newcomer)",
            run: "click",
        },
        {
            content: "Assign and try again",
            trigger: ".modal button[name=action_assign]",
            run: "click",
        },
        {
            content: "It says what it did",
            trigger:
                ".o_notification:contains(Rated now: 3 of 3 records)",
        },
        {
            content: "The causes are gone, the other one stays",
            trigger:
                ".o_list_view:not(:contains(No customer has)) .o_data_row:contains(Durations like broken)",
        },
        {
            content: "What is wrong with it comes first, in red",
            trigger: ".o_data_row:contains(Durations) button[name=action_correct]",
            run: "click",
        },
        {
            trigger:
                ".modal .o_data_row:eq(0).text-danger:contains(duration) [name=value]:contains(broken)",
        },
        {
            trigger: ".modal-footer .btn-secondary:contains(Discard)",
            run: "click",
        },
        {
            content: "Dismiss what is left",
            trigger:
                "body:not(:has(.modal)) .o_data_row:contains(Durations) button[name=action_dismiss]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=reason] input",
            run: "edit A test of ours",
        },
        {
            trigger: ".modal button[name=action_dismiss]",
            run: "click",
        },
        {
            content: "Nothing is left to look after",
            trigger: ".o_view_nocontent_smiling_face:contains(Nothing needs attention)",
        },
        {
            content: "Open the calls",
            trigger: "a[data-menu-xmlid='metered_billing.menu_metered_cdr']",
            run: "click",
        },
        {
            content: "They are rated",
            trigger:
                ".o_list_view .o_data_row:contains(+14045558888):contains(Tour Newcomer)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_undo_import", {
    steps: () => [
        {
            content: "Open the import",
            trigger: ".o_data_row:contains(wrong.csv) td[name=file_name]",
            run: "click",
        },
        {
            content: "Its control totals add up",
            trigger: ".o_form_view .o_field_widget[name=balance]:contains(Adds up)",
        },
        {
            content: "What it comes to is there a moment later",
            trigger: ".o_form_view .o_metered_late[data-name=charged]:contains(0.09)",
        },
        {
            trigger: ".o_form_view .o_metered_late[data-name=invoiced]:contains(0)",
        },
        {
            content: "Undo it",
            trigger: "button[name=action_open_undo]",
            run: "click",
        },
        {
            content: "It says whose usage shrinks",
            trigger: ".modal .o_data_row:contains(Tour Customer):contains(0.09)",
        },
        {
            content: "And how many calls and exceptions go",
            trigger: ".modal .o_field_widget[name=exceptions]:contains(4)",
        },
        {
            content: "Yes",
            trigger: ".modal .btn-danger[name=action_undo]",
            run: "click",
        },
        {
            content: "It is undone",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Undone)",
        },
        {
            content: "By whom, and how much",
            trigger: ".alert:contains(This import was undone by):contains(operator)",
        },
        {
            content: "The trace is in the log",
            trigger: ".o-mail-Message:contains(1 rated and 0 not billable records)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_undo_usage", {
    steps: () => [
        {
            content: "Open an import of what is no call",
            trigger: ".o_data_row:contains(texts.csv) td[name=file_name]",
            run: "click",
        },
        {
            trigger: "button[name=action_open_undo]",
            run: "click",
        },
        {
            content: "It says whose usage shrinks, and guesses no money",
            trigger: ".modal .o_data_row:contains(Tour Customer):not(:contains(0.00))",
        },
        {
            trigger: ".modal .btn-danger[name=action_undo]",
            run: "click",
        },
        {
            content: "It is undone",
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Undone)",
        },
    ],
});
