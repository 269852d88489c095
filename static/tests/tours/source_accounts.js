import {registry} from "@web/core/registry";

const CHOICE = ".modal .o_field_widget[name=found_id] input";

registry.category("web_tour.tours").add("metered_billing_choose_account", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link[name=metered_billing]",
            run: "click",
        },
        {
            content: "Nothing says what the switch calls this customer",
            trigger:
                ".o_metered_check_wrong:contains(Account) button.btn-link:contains(Add account)",
            run: "click",
        },
        {
            content: "The account of the customer's own name is proposed",
            trigger: `${CHOICE}:value(Acme Tours · acme.example.com)`,
        },
        {
            content: "Search for another one",
            trigger: CHOICE,
            run: "edit bolt",
        },
        {
            content: "It says that somebody has it",
            trigger:
                ".o-autocomplete--dropdown-item:contains(bolt.example.com (assigned to Bolt Tours)) a",
            run: "click",
        },
        {
            trigger: ".modal .alert-danger:contains(It is already assigned to):contains(Bolt Tours)",
        },
        {
            content: "And cannot be chosen",
            trigger: ".modal-footer:not(:has(button[name=action_choose]))",
        },
        {
            trigger: CHOICE,
            run: "edit acme",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(acme.example.com) a",
            run: "click",
        },
        {
            trigger: ".modal-footer button[name=action_choose]",
            run: "click",
        },
        {
            content: "It is the customer's now",
            trigger: ".o_metered_check_ok:contains(Account):contains(acme.example.com)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_map_accounts", {
    steps: () => [
        {
            trigger: "button[name=action_map_accounts]",
            run: "click",
        },
        {
            content: "Accounts without a customer, and who has the same name",
            trigger: ".o_data_row:contains(cord.example.com)",
        },
        {
            trigger: ".o_data_row:contains(bolt.example.com):contains(bolt tours)",
        },
        {
            content: "Choose a customer by hand",
            trigger: ".o_data_row:contains(cord.example.com) td[name=partner_id]",
            run: "click",
        },
        {
            trigger: ".o_selected_row .o_field_widget[name=partner_id] input",
            run: "edit Somebody",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains(Somebody else) a",
            run: "click",
        },
        {
            trigger: ".o_list_button_save",
            run: "click",
        },
        {
            trigger: ".o_list_view:not(:has(.o_selected_row))",
        },
        {
            content: "All the others by their names",
            trigger: "thead .o_list_record_selector input",
            run: "click",
        },
        {
            trigger: "button[name=action_assign_suggested]:contains(Assign by Same Name)",
            run: "click",
        },
        {
            content: "None is left",
            trigger: ".o_view_nocontent:contains(No accounts are waiting for a customer)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_ask_again", {
    steps: () => [
        {
            trigger: "button[name=action_map_accounts]",
            run: "click",
        },
        {
            content: "What the switch listed before",
            trigger: ".o_list_view:has(.o_data_row:contains(bolt.example.com))",
        },
        {
            trigger: ".o_list_view:not(:has(.o_data_row:contains(cord.example.com)))",
        },
        {
            content: "Ask it again",
            trigger: "button[name=action_list_again]:contains(Refresh from Switch)",
            run: "click",
        },
        {
            content: "It has one more",
            trigger: ".o_data_row:contains(cord.example.com)",
        },
    ],
});
