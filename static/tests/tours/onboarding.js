import {registry} from "@web/core/registry";
import {stepUtils} from "@web_tour/tour_utils";

const {DateTime} = luxon;
const MOST_CLICKS = 16;
const MOST_CLICKS_OF_USAGE = 19;

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

function openStep(key) {
    return {
        content: `Setup: ${key}`,
        trigger: `.o_metered_onboarding [data-step=${key}] button`,
        run: "click",
    };
}

/** The dialog of the next step, which opens by itself. */
function follows(title) {
    return {
        content: `${title} follows`,
        trigger: `.modal-title:contains(${title})`,
    };
}

function continueSetup() {
    return {
        content: "What was imported is seen: go on",
        trigger: "button[name=action_continue_setup]:visible",
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
        content: `${clicks} clicks, at most ${most}`,
        trigger: "body",
        run() {
            if (clicks > most) {
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
            ...openApp(),
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
            follows("Add a Source"),
            {trigger: ".modal .o_field_widget[name=preset]"},
            save(),
            isDone("source"),
            follows("Add a Customer"),
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
            follows("Propose Rates"),
            {trigger: ".modal .o_data_row:contains(International calls)"},
            {
                content: "Take the proposed rates",
                trigger: ".modal button[name=action_create]",
                run: "click",
            },
            isDone("rates"),
            follows("Import Usage"),
            {
                content: "The source is known: choose the file",
                trigger: ".modal .o_field_widget[name=file]",
                run() {
                    chooseFile(this.anchor, calls());
                },
            },
            {
                content: "What it is read as is seen without another click",
                trigger: ".modal .o_metered_preview tbody tr",
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
            continueSetup(),
            isDone("import"),
            follows("Create a Subscription"),
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
            isDone("subscription"),
            {
                content: "Customer and days are proposed, and searched",
                trigger: ".modal .o_data_row:contains(National calls)",
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
    url: "/odoo",
    steps: () =>
        counted(
            [
                ...openApp(),
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
                follows("New Metered Product"),
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
                follows("Add a Source"),
                {trigger: ".modal .o_field_widget[name=preset]"},
                save(),
                isDone("source"),
                follows("Add a Customer"),
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
                follows("Import Usage"),
                {
                    trigger: ".modal .o_field_widget[name=file]",
                    run() {
                        chooseFile(this.anchor, events());
                    },
                },
                {
                    content: "What it is read as is seen without another click",
                    trigger: ".modal .o_metered_preview tbody tr",
                },
                {
                    trigger: ".modal button[name=action_import]",
                    run: "click",
                },
                {
                    trigger:
                        ".o_statusbar_status .o_arrow_button_current:contains(Done)",
                },
                continueSetup(),
                isDone("import"),
                follows("Create a Subscription"),
                {
                    content: "What is metered is proposed",
                    trigger:
                        ".modal .o_field_widget[name=product_ids] .o_tag:contains(Text messages)",
                },
                {
                    trigger: ".modal button[name=action_create]",
                    run: "click",
                },
                isDone("subscription"),
                {
                    content: "Its usage is found, and invoiced",
                    trigger: ".modal button[name=action_create_invoice]:enabled",
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
