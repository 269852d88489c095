import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

/** From the apps to the wizard, with a customer chosen. */
function openWizard(customer) {
    return [
        {
            content: "Open the billing menu",
            trigger: "button[data-menu-xmlid='metered_billing.menu_metered_billing']",
            run: "click",
        },
        {
            content: "Open the wizard",
            trigger:
                "a[data-menu-xmlid='metered_billing.menu_metered_manual_invoice']",
            run: "click",
        },
        {
            content: "Choose the customer",
            trigger: ".modal .o_field_widget[name=partner_id] input",
            run: `edit ${customer}`,
        },
        {
            trigger: `.ui-autocomplete a:contains(${customer})`,
            run: "click",
        },
        {
            content: "Search",
            trigger: ".modal button[name=action_search]:contains(Search)",
            run: "click",
        },
    ];
}

function openApp() {
    return [
        stepUtils.showAppsMenuItem(),
        {
            content: "Open the app",
            trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
            run: "click",
        },
    ];
}

registry.category("web_tour.tours").add("metered_billing_manual_invoice", {
    url: "/odoo",
    steps: () => [
        ...openApp(),
        ...openWizard("Silent Customer"),
        {
            content: "There is nothing to invoice, and it says why",
            trigger:
                ".modal .o_field_widget[name=problem]:contains(Silent Customer has no usage)",
        },
        {
            content: "What is missing is red",
            trigger: ".modal .o_field_widget[name=checks] .text-danger",
        },
        {
            content: "An invoice cannot be created",
            trigger: ".modal button[name=action_create_invoice]:disabled",
        },
        {
            content: "Ask for another customer",
            trigger: ".modal .o_field_widget[name=partner_id] input",
            run: "edit Tour Customer",
        },
        {
            trigger: ".ui-autocomplete a:contains(Tour Customer)",
            run: "click",
        },
        {
            content: "What was found is gone, so is the button",
            trigger: ".modal:not(:has(button[name=action_create_invoice]))",
        },
        {
            content: "Search",
            trigger: ".modal button[name=action_search]:contains(Search)",
            run: "click",
        },
        {
            content: "The source is connected",
            trigger:
                ".modal .o_field_widget[name=checks] li:contains(Tour Switch):contains(Last file imported) .text-success",
        },
        {
            content: "Calls, minutes and amount of a call type",
            trigger:
                ".modal .o_data_row:contains(National calls):contains(1.5):contains(0.09)",
        },
        {
            content: "Another call type",
            trigger: ".modal .o_data_row:contains(International calls)",
        },
        {
            content: "Create the invoice",
            trigger: ".modal button[name=action_create_invoice]:enabled",
            run: "click",
        },
        {
            content: "The draft opens, with a line for each call type",
            trigger:
                ".o_form_view .o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls):contains(1.5 minutes)",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Draft)",
        },
        {
            content: "It leads to its calls",
            trigger: "button[name=action_view_metered_cdrs]:contains(2)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_bill_again", {
    steps: () => [
        {
            content: "The draft charges the call",
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls):contains(0.09)",
        },
        {
            content: "Delete it",
            trigger: ".o_cp_action_menus button:has(.fa-cog)",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu .o_menu_item:contains(Delete)",
            run: "click",
        },
        {
            trigger: ".modal-footer button.btn-primary",
            run: "click",
        },
        {
            content: "It is gone",
            trigger: "body:not(:has(.modal))",
        },
        ...openApp(),
        ...openWizard("Tour Customer"),
        {
            content: "What was deleted is rated with the rates of today",
            trigger: ".modal .o_field_widget[name=checks] li:contains(Re-rated)",
        },
        {
            trigger: ".modal .o_data_row:contains(National calls):contains(0.90)",
        },
        {
            content: "Bill it again",
            trigger: ".modal button[name=action_create_invoice]:enabled",
            run: "click",
        },
        {
            content: "The new draft charges it",
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls):contains(0.90)",
        },
    ],
});

registry.category("web_tour.tours").add("metered_billing_delete_and_bill_again", {
    url: "/odoo/metered",
    steps: () => [
        ...openWizard("Tour Customer"),
        {
            content: "The invoice that has the usage is a link",
            trigger: ".modal .o_field_widget[name=checks] li:contains(Already billed) a",
        },
        {
            content: "Delete it, and bill again",
            trigger: ".modal button[name=action_delete_and_bill_again]",
            run: "click",
        },
        {
            content: "It asks first",
            trigger: ".modal:contains(Delete these invoices?) .modal-footer .btn-primary",
            run: "click",
        },
        {
            content: "The new draft has the rates of today",
            trigger:
                ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls):contains(0.90)",
        },
        {
            trigger: ".o_statusbar_status .o_arrow_button_current:contains(Draft)",
        },
    ],
});
