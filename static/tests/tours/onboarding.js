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

/** Something to click whose text on the screen is the name. */
function press(name, trigger) {
    return {
        name,
        steps: [{content: name, trigger: `${trigger}:contains(${name})`, run: "click"}],
    };
}

/** A field of the dialog to fill in whose label is the name. */
function fill(name, field, value, ...after) {
    return {
        name,
        steps: [
            {trigger: `.modal label[for^=${field}_]:contains(${name})`},
            {
                content: name,
                trigger: `.modal .o_field_widget[name=${field}] input`,
                run: `edit ${value}`,
            },
            ...after,
        ],
    };
}

function choose(name, field) {
    const choice = `.modal .o_field_widget[name=${field}] .o_radio_item`;
    return {
        name,
        steps: [
            {
                content: name,
                trigger: `${choice}:contains(${name}) input`,
                run: "click",
            },
        ],
    };
}

function openApp() {
    const name = "Metered Billing";
    const app = ".o_app[data-menu-xmlid='metered_billing.menu_metered_root']";
    return {name, steps: [stepUtils.showAppsMenuItem(), ...press(name, app).steps]};
}

const setUp = () => press("Set Up", ".o_metered_onboarding [data-step=company] button");
const button = (name, method) => press(name, `.modal button[name=${method}]:enabled`);
const save = () => press("Save", ".modal .o_form_button_save");

function newCustomer() {
    return fill("Customer", "partner_id", "First Customer", {
        trigger: ".ui-autocomplete .o_m2o_dropdown_option_create a",
        run: "click",
    });
}

/** The preview opens by itself when the file is chosen. */
function file(lines) {
    const name = "Choose a File";
    return {
        name,
        steps: [
            {
                content: name,
                trigger: `.modal .o_field_widget[name=file]:contains(${name})`,
                run() {
                    chooseFile(this.anchor, lines);
                },
            },
            {trigger: ".modal .o_metered_preview tbody tr"},
        ],
    };
}

const continueSetup = () =>
    press("Continue Setup", "button[name=action_continue_setup]:visible");

function isDone(key) {
    return {
        content: `${key} is done`,
        trigger: `.o_metered_onboarding [data-step=${key}].o_metered_done`,
    };
}

function invoiced(text) {
    return {
        trigger: `.o_field_widget[name=invoice_line_ids] .o_data_row:contains(${text})`,
    };
}

/**
 * The steps of a list in README.md, word for word: tests/house/test_first_invoice.py
 * compares them. The title of a step is its dialog's, and what is bold in it is what is
 * clicked and filled in here, in this order. What has no name only looks.
 *
 * @param {Array} list of [text, act or step, ...]
 * @returns {Array} steps of the tour
 */
function follow(list) {
    return list.flatMap(([text, ...acts], index) => {
        const bold = [...text.matchAll(/\*\*(.+?)\*\*/g)].map((found) => found[1]);
        const names = acts.filter((act) => act.name).map((act) => act.name);
        if (bold.join() !== names.join()) {
            throw new Error(`The README says ${bold}, the tour does ${names}`);
        }
        const [, title] = text.match(/^\*(.+?)\*/);
        const steps = acts.flatMap((act) => act.steps || act);
        const first = steps.findIndex((step) => step.trigger.startsWith(".modal"));
        steps.splice(first, 0, {
            content: text,
            trigger: `.modal-title:contains(Step ${index + 1} of ${list.length}: ${title})`,
        });
        return steps;
    });
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
            ...follow([
                [
                    "*Your Company*: open **Metered Billing**, click **Set Up**, and **Save** the proposed country and time zone.",
                    openApp(),
                    {
                        content: "Nothing is done yet",
                        trigger: ".o_metered_onboarding:contains(0 of 7 steps done)",
                    },
                    setUp(),
                    button("Save", "action_save"),
                    isDone("company"),
                ],
                [
                    "*Add a Source*: **Save** the proposed source.",
                    {trigger: ".modal .o_field_widget[name=preset]"},
                    save(),
                    isDone("source"),
                ],
                [
                    "*Add a Customer*: enter a new **Customer** and its phone number as **Identifier**, then **Save**.",
                    newCustomer(),
                    fill("Identifier", "value", "+1 404 555 0100"),
                    save(),
                    isDone("customer"),
                ],
                [
                    "*Propose Rates*: look at the prices and click **Create Rates**.",
                    {trigger: ".modal .o_data_row:contains(International calls)"},
                    button("Create Rates", "action_create"),
                    isDone("rates"),
                ],
                [
                    "*Import Usage*: click **Choose a File**, look at the preview, and click **Import**. When the import is done, click **Continue Setup**.",
                    file(calls()),
                    button("Import", "action_import"),
                    {
                        trigger:
                            ".o_statusbar_status .o_arrow_button_current:contains(Done)",
                    },
                    continueSetup(),
                    isDone("import"),
                ],
                [
                    "*Create a Subscription*: enter a **Monthly Fee** if you charge one, and click **Create Subscription**.",
                    {
                        content: "The customer that has usage is proposed",
                        trigger: ".modal .o_field_widget[name=partner_id]",
                    },
                    fill("Monthly Fee", "fee", "25"),
                    button("Create Subscription", "action_create"),
                    isDone("subscription"),
                ],
                [
                    "*Manual Invoicing*: look at what will be billed and click **Create Invoice**.",
                    {
                        content: "Customer and days are proposed, and searched",
                        trigger: ".modal .o_data_row:contains(National calls)",
                    },
                    button("Create Invoice", "action_create_invoice"),
                ],
            ]),
            invoiced("National calls"),
            invoiced("International calls"),
        ]),
});

registry.category("web_tour.tours").add("metered_billing_onboarding_usage", {
    url: "/odoo",
    steps: () =>
        counted(
            [
                ...follow([
                    [
                        "*Your Company*: open **Metered Billing**, click **Set Up**, choose **Other usage**, and **Save**.",
                        openApp(),
                        setUp(),
                        choose("Other usage", "bills"),
                        button("Save", "action_save"),
                        isDone("company"),
                        {
                            content: "Nothing is asked about rates of calls",
                            trigger:
                                ".o_metered_onboarding:not(:has([data-step=rates]))",
                        },
                    ],
                    [
                        "*New Metered Product*: enter a **Name**, a **Unit**, and a **Price per Unit**, then click **Create Metered Product**.",
                        fill("Name", "name", "Text messages"),
                        fill("Unit", "unit", "message"),
                        fill("Price per Unit", "unit_price", "0.05"),
                        button("Create Metered Product", "action_create"),
                        isDone("product"),
                    ],
                    [
                        "*Add a Source*: **Save** the proposed source.",
                        {trigger: ".modal .o_field_widget[name=preset]"},
                        save(),
                        isDone("source"),
                    ],
                    [
                        "*Add a Customer*: enter a new **Customer** and the key or serial of its usage as **Identifier**, then **Save**.",
                        newCustomer(),
                        fill("Identifier", "value", "key_acme_1"),
                        save(),
                        isDone("customer"),
                    ],
                    [
                        "*Import Usage*: click **Choose a File**, look at the preview, and click **Import**. When the import is done, click **Continue Setup**.",
                        file(events()),
                        button("Import", "action_import"),
                        {
                            trigger:
                                ".o_statusbar_status .o_arrow_button_current:contains(Done)",
                        },
                        continueSetup(),
                        isDone("import"),
                    ],
                    [
                        "*Create a Subscription*: click **Create Subscription**.",
                        {
                            content: "What is metered is proposed",
                            trigger:
                                ".modal .o_field_widget[name=product_ids] .o_tag:contains(Text messages)",
                        },
                        button("Create Subscription", "action_create"),
                        isDone("subscription"),
                    ],
                    [
                        "*Manual Invoicing*: look at what will be billed and click **Create Invoice**.",
                        button("Create Invoice", "action_create_invoice"),
                    ],
                ]),
                invoiced("42 message"),
            ],
            MOST_CLICKS_OF_USAGE
        ),
});

/** From a click on an example to the invoice of what is sent from the form. */
function fromPreset(key, label, identifier, ...lines) {
    return {
        url: "/odoo",
        steps: () => [
            ...openApp().steps,
            ...setUp().steps,
            ...choose("Other usage", "bills").steps,
            ...button("Save", "action_save").steps,
            {
                content: "The examples stand above what else can be said",
                trigger: `.modal button[data-preset=${key}]:contains(${label})`,
                run: "click",
            },
            {trigger: `.o_notification:contains(Check the prices)`},
            isDone("product"),
            isDone("source"),
            {trigger: ".modal .o_field_widget[name=kind]"},
            ...newCustomer().steps,
            ...fill("Identifier", "value", identifier).steps,
            ...save().steps,
            isDone("customer"),
            {
                content: "The event names the customer",
                trigger: ".modal-title:contains(Send an Event)",
            },
            {
                trigger: ".modal .o_field_widget[name=event_sample] textarea",
                run() {
                    if (!this.anchor.value.includes(`"subject": "${identifier}"`)) {
                        throw new Error(`Not of the customer: ${this.anchor.value}`);
                    }
                },
            },
            ...button("Send Event", "action_send_event").steps,
            {trigger: ".o_notification:contains(Events stored and rated)"},
            isDone("import"),
            ...button("Create Subscription", "action_create").steps,
            isDone("subscription"),
            ...button("Create Invoice", "action_create_invoice").steps,
            ...lines.map(invoiced),
        ],
    };
}

registry
    .category("web_tour.tours")
    .add(
        "metered_billing_preset_seats",
        fromPreset("seats", "Seats", "acme", "25 seat", "300.00")
    );

registry
    .category("web_tour.tours")
    .add(
        "metered_billing_preset_electricity",
        fromPreset(
            "electricity",
            "Electricity",
            "E-471100",
            "Electricity, peak",
            "Electricity, off-peak"
        )
    );

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
