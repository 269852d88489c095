import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const {DateTime} = luxon;
const MOST_CLICKS = 30;
const MOST_CLICKS_OF_USAGE = 35;

const yesterday = () => DateTime.utc().minus({days: 1}).toFormat("yyyy-MM-dd");
const calls = () => [
    "call_id,start_time,duration,caller,callee",
    `t1,${yesterday()} 10:00:00,90,+14045550100,+12125550199`,
    `t2,${yesterday()} 11:00:00,60,+14045550100,+442079460120`,
];
const events = () => [
    "id,time,identifier,quantity",
    `t1,${yesterday()} 10:00:00,key_acme_1,40`,
    `t2,${yesterday()} 11:00:00,key_acme_1,2`,
];

/** A file of yesterday, put into the upload field as choosing it would. */
function chooseFile(field, lines) {
    const files = new DataTransfer();
    files.items.add(
        new File([lines.join("\n") + "\n"], "first.csv", {type: "text/csv"})
    );
    const input = field.querySelector("input[type=file]");
    input.files = files.files;
    input.dispatchEvent(new Event("change", {bubbles: true}));
}

function openStep(key) {
    return {
        content: `Setup: ${key}`,
        trigger: `.o_metered_onboarding [data-step=${key}] button`,
        run: "click",
    };
}

function isDone(key) {
    return {
        content: `${key} is done`,
        trigger: `.o_metered_onboarding [data-step=${key}].o_metered_done`,
    };
}

function save() {
    return {
        content: "Save",
        trigger: ".modal .o_form_button_save",
        run: "click",
    };
}

/** Everything that a user has to click, type or choose is one click here. */
function counted(steps, most = MOST_CLICKS) {
    const clicks = steps.filter((step) => step.run).length;
    steps.push({
        content: `${clicks} clicks are fewer than ${most}`,
        trigger: "body",
        run() {
            if (clicks >= most) {
                throw new Error(`It took ${clicks} clicks to the first invoice`);
            }
            console.log(`metered_billing: ${clicks} clicks to the first invoice`);
        },
    });
    return steps;
}

registry.category("web_tour.tours").add("metered_billing_onboarding", {
    url: "/odoo",
    steps: () =>
        counted([
            stepUtils.showAppsMenuItem(),
            {
                content: "Open the app",
                trigger: ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']",
                run: "click",
            },
            {
                content: "Nothing is done yet",
                trigger: ".o_metered_onboarding:contains(0 of 7 steps done)",
            },
            openStep("company"),
            {
                content: "Country and time zone are proposed",
                trigger: ".modal button[name=action_save]",
                run: "click",
            },
            isDone("company"),
            openStep("source"),
            {trigger: ".modal .o_field_widget[name=preset]"},
            save(),
            isDone("source"),
            openStep("customer"),
            {
                content: "A new customer",
                trigger: ".modal .o_field_widget[name=partner_id] input",
                run: "edit First Customer",
            },
            {
                trigger: ".ui-autocomplete .o_m2o_dropdown_option_create a",
                run: "click",
            },
            {
                content: "Its number",
                trigger: ".modal .o_field_widget[name=value] input",
                run: "edit +1 404 555 0100",
            },
            save(),
            isDone("customer"),
            openStep("rates"),
            {trigger: ".modal .o_data_row:contains(International calls)"},
            {
                content: "Take the proposed rates",
                trigger: ".modal button[name=action_create]",
                run: "click",
            },
            isDone("rates"),
            openStep("import"),
            {
                content: "The source is known: choose the file",
                trigger: ".modal .o_field_widget[name=file]",
                run() {
                    chooseFile(this.anchor, calls());
                },
            },
            {trigger: ".modal .o_field_widget[name=file] input.o_input"},
            {
                content: "Look at the preview",
                trigger: ".modal button[name=action_preview]",
                run: "click",
            },
            {
                content: "Import",
                trigger: ".modal button[name=action_import]",
                run: "click",
            },
            {
                trigger:
                    ".o_statusbar_status .o_arrow_button_current:contains(Done)",
            },
            {
                content: "The dialog is gone",
                trigger: "body:not(:has(.modal))",
            },
            {
                content: "Back to the dashboard",
                trigger: ".o_breadcrumb .breadcrumb-item a, .o_back_button a",
                run: "click",
            },
            isDone("import"),
            openStep("subscription"),
            {
                content: "The customer that has usage is proposed",
                trigger: ".modal .o_field_widget[name=partner_id]",
            },
            {
                content: "A fee besides the usage",
                trigger: ".modal .o_field_widget[name=fee] input",
                run: "edit 25",
            },
            {
                trigger: ".modal button[name=action_create]",
                run: "click",
            },
            {
                content: "It is in progress",
                trigger: ".o_form_view .o_arrow_button_current:contains(In progress)",
            },
            {
                content: "Back to the dashboard",
                trigger: ".o_breadcrumb .breadcrumb-item a, .o_back_button a",
                run: "click",
            },
            isDone("subscription"),
            openStep("invoice"),
            {
                content: "Customer and days are proposed: search",
                trigger: ".modal button[name=action_search]",
                run: "click",
            },
            {
                content: "The first invoice",
                trigger: ".modal button[name=action_create_invoice]:enabled",
                run: "click",
            },
            {
                trigger:
                    ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(National calls)",
            },
            {
                trigger:
                    ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(International calls)",
            },
        ]),
});

registry.category("web_tour.tours").add("metered_billing_onboarding_usage", {
    url: "/odoo/metered",
    steps: () =>
        counted(
            [
                openStep("company"),
                {
                    content: "What do you bill? Other usage",
                    trigger:
                        ".modal .o_field_widget[name=bills] .o_radio_item:contains(Other usage) input",
                    run: "click",
                },
                {
                    trigger: ".modal button[name=action_save]",
                    run: "click",
                },
                isDone("company"),
                {
                    content: "Nothing is asked about rates of calls",
                    trigger: ".o_metered_onboarding:not(:has([data-step=rates]))",
                },
                openStep("product"),
                {
                    trigger: ".modal .o_field_widget[name=name] input",
                    run: "edit Text messages",
                },
                {
                    trigger: ".modal .o_field_widget[name=unit] input",
                    run: "edit message",
                },
                {
                    trigger: ".modal .o_field_widget[name=unit_price] input",
                    run: "edit 0.05",
                },
                {
                    trigger: ".modal button[name=action_create]",
                    run: "click",
                },
                isDone("product"),
                openStep("source"),
                {trigger: ".modal .o_field_widget[name=preset]"},
                save(),
                isDone("source"),
                openStep("customer"),
                {
                    trigger: ".modal .o_field_widget[name=partner_id] input",
                    run: "edit First Customer",
                },
                {
                    trigger: ".ui-autocomplete .o_m2o_dropdown_option_create a",
                    run: "click",
                },
                {
                    content: "The key that its usage is known by",
                    trigger: ".modal .o_field_widget[name=value] input",
                    run: "edit key_acme_1",
                },
                save(),
                isDone("customer"),
                openStep("import"),
                {
                    trigger: ".modal .o_field_widget[name=file]",
                    run() {
                        chooseFile(this.anchor, events());
                    },
                },
                {trigger: ".modal .o_field_widget[name=file] input.o_input"},
                {
                    trigger: ".modal button[name=action_preview]",
                    run: "click",
                },
                {
                    trigger: ".modal button[name=action_import]",
                    run: "click",
                },
                {
                    trigger:
                        ".o_statusbar_status .o_arrow_button_current:contains(Done)",
                },
                {trigger: "body:not(:has(.modal))"},
                {
                    trigger: ".o_breadcrumb .breadcrumb-item a, .o_back_button a",
                    run: "click",
                },
                isDone("import"),
                openStep("subscription"),
                {
                    content: "What is metered is proposed",
                    trigger:
                        ".modal .o_field_widget[name=product_ids] .o_tag:contains(Text messages)",
                },
                {
                    trigger: ".modal button[name=action_create]",
                    run: "click",
                },
                {
                    trigger:
                        ".o_form_view .o_arrow_button_current:contains(In progress)",
                },
                {
                    content: "Its usage is invoiced",
                    trigger: "button[name=manual_invoice]",
                    run: "click",
                },
                {
                    trigger: ".o_field_widget[name=invoice_line_ids] .o_data_row:contains(42 message)",
                },
            ],
            MOST_CLICKS_OF_USAGE
        ),
});

registry.category("web_tour.tours").add("metered_billing_hide_setup", {
    url: "/odoo/metered",
    steps: () => [
        {
            content: "Hide the panel",
            trigger: ".o_metered_onboarding .o_metered_hide_setup",
            run: "click",
        },
        {
            content: "Bring it back",
            trigger: ".o_metered_show_setup",
            run: "click",
        },
        {trigger: ".o_metered_onboarding"},
    ],
});
