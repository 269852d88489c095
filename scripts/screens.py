# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The screens that `./dev screenshots` takes pictures of."""

from typing import Any, NamedTuple


class Screen(NamedTuple):
    """One screen.

    :ivar name: the picture's file name, before `-WIDTHxHEIGHT.png`
    :ivar url: path on the server, such as `/odoo/action-metered_billing.action_cdr`
    :ivar record: `(model, domain)`; the first record's id is appended to `url`
    :ivar wait: CSS selector that must match before the picture, and before each step
    :ivar steps: JavaScript expressions run one after the other (a promise is awaited)
    :ivar login: whether to be logged in as admin
    :ivar full: the whole page instead of the window
    """

    name: str
    url: str
    record: tuple[str, list[Any]] | None = None
    wait: str = ".o_web_client .o_action"
    steps: tuple[str, ...] = ()
    login: bool = True
    full: bool = False


SIZES = ((1440, 900), (390, 844))

ACTION = "/odoo/action-metered_billing.action_metered_"


def _list(name: str, action: str) -> Screen:
    return Screen(name, ACTION + action)


def _form(name: str, action: str, model: str, domain: list | None = None) -> Screen:
    return Screen(
        name, f"{ACTION}{action}/", record=(model, domain or []), wait=".o_form_view"
    )


# Opens the wizard for a customer and a month, searched.
SEARCHED = """
    (async () => {{
        const {{orm, action}} = odoo.__WOWL_DEBUG__.root.env.services;
        const model = "metered.manual.invoice";
        const [partner] = await orm.search("res.partner", {customer}, {{limit: 1}});
        const [id] = await orm.create(model, [
            {{partner_id: partner, date_from: "{first}", date_to: "{last}"}},
        ]);
        await action.doAction(await orm.call(model, "action_search", [[id]]));
    }})()
"""


def _searched(name: str, customer: str, first: str, last: str) -> Screen:
    step = SEARCHED.format(customer=customer, first=first, last=last)
    return Screen(name, ACTION + "usage", steps=(step,))


# Asks what a call of the customer with a calling plan costs.
FOUND = """
    (async () => {
        const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;
        const model = "metered.rate.finder";
        const domain = [["name", "=", "SecureWatch Alarms"]];
        const [partner] = await orm.search("res.partner", domain);
        const [id] = await orm.create(model, [
            {
                number: "2125550199",
                partner_id: partner,
                seconds: 900,
                moment: "2026-10-20 15:00:00",
            },
        ]);
        await action.doAction(await orm.call(model, "action_find", [[id]]));
    })()
"""
# Opens the check of the largest deck.
CHECKED = """
    (async () => {
        const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;
        const domain = [["name", "=", "A-Z termination"]];
        const [deck] = await orm.search("metered.rate.deck", domain);
        const check = await orm.call("metered.rate.deck", "action_check", [[deck]]);
        await action.doAction(check);
    })()
"""


def _click(selector: str) -> str:
    """A step that clicks what the selector finds first, and waits for a dialog."""
    return f"document.querySelector({selector!r}).click(), {DIALOG}"


def _tab(title: str) -> str:
    """A step that opens a tab of a form."""
    return (
        "[...document.querySelectorAll('.o_notebook .nav-link')]"
        f".find((tab) => tab.textContent.includes({title!r})).click()"
    )


WITH_PLAN = [("name", "=", "SecureWatch Alarms")]

#: a promise of a dialog; the picture shows what is there when none comes
DIALOG = """new Promise((done) => {
    let looks = 0;
    const timer = setInterval(() => {
        looks += 1;
        if (looks > 100 || document.querySelector('.modal .o_form_view')) {
            clearInterval(timer);
            done();
        }
    }, 50);
})"""


SCREENS = [
    Screen(
        "dashboard",
        ACTION + "dashboard",
        wait=".o_metered_dashboard .o_metered_figures",
    ),
    Screen(
        "dashboard_whole",
        ACTION + "dashboard",
        wait=".o_metered_dashboard .o_metered_figures",
        # As high as what it shows, for the picture only.
        steps=(
            "document.querySelectorAll('html, body, .o_action_manager, .o_action,"
            " .o_content').forEach((part) => part.style.cssText ="
            " 'height: auto !important; overflow: visible !important')",
        ),
        full=True,
    ),
    _list("call_details", "cdr"),
    _form("call", "cdr", "metered.cdr", [("state", "=", "rated")]),
    _form("call_not_billable", "cdr", "metered.cdr", [("state", "!=", "rated")]),
    Screen(
        "call_explained",
        ACTION + "cdr/",
        record=("metered.cdr", [("state", "=", "rated")]),
        wait=".o_form_view",
        steps=(_click("button[name=action_explain]"),),
    ),
    Screen(
        "invoice_line_explained",
        "/odoo/account.move/",
        record=("account.move", [("invoice_line_ids.metered_usage_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            # On a phone the lines are cards: the button is on the line that opens.
            "document.querySelector('button[name=action_metered_explain],"
            " .o_field_widget[name=invoice_line_ids] .o_kanban_record:nth-child(2)')"
            f".click(), {DIALOG}",
        ),
    ),
    Screen(
        "rate_finder",
        ACTION + "rate_finder",
        wait=".modal .o_form_view",
        steps=(
            "(async () => {"
            " const input = document.querySelector('.modal [name=number] input');"
            " input.value = '+442079460120';"
            " input.dispatchEvent(new Event('input', {bubbles: true}));"
            " input.dispatchEvent(new Event('change', {bubbles: true}));"
            " await new Promise((done) => setTimeout(done, 2500));"
            " })()",
        ),
    ),
    Screen("rate_finder_plan", ACTION + "rate_deck", steps=(FOUND,)),
    _list("rerating", "rerate"),
    _form("rerate", "rerate", "metered.rerate", [("state", "=", "done")]),
    Screen("rerate_start", ACTION + "rerate_start", wait=".modal .o_form_view"),
    _list("what_if", "simulation_what_if"),
    _form(
        "what_if_run",
        "simulation_what_if",
        "metered.simulation",
        [("kind", "=", "what_if")],
    ),
    Screen(
        "what_if_start",
        ACTION + "simulation_start",
        wait=".modal .o_form_view",
    ),
    Screen("check_deck", ACTION + "rate_deck", steps=(CHECKED,)),
    Screen(
        "check_deck_result",
        ACTION + "simulation_what_if/",
        record=("metered.simulation", [("golden_count", ">", 0)]),
        wait=".o_form_view",
    ),
    Screen(
        "what_if_pivot",
        ACTION + "simulation_what_if/",
        record=("metered.simulation", [("kind", "=", "what_if")]),
        steps=(
            "(async () => {"
            " await new Promise((done) => setTimeout(done, 2000));"
            " document.querySelector('button[name=action_view_lines]')?.click();"
            " await new Promise((done) => setTimeout(done, 3000));"
            " })()",
        ),
    ),
    _list("margins", "simulation_margin"),
    _form(
        "margins_run",
        "simulation_margin",
        "metered.simulation",
        [("kind", "=", "margin")],
    ),
    _list("golden_calls", "golden_call"),
    _form("golden_call", "golden_call", "metered.golden.call"),
    _form("usage_record", "cdr", "metered.cdr", [("meter_id.kind", "!=", "call")]),
    Screen(
        "usage_record_explained",
        ACTION + "cdr/",
        record=("metered.cdr", [("meter_id.kind", "!=", "call")]),
        wait=".o_form_view",
        steps=(_click("button[name=action_explain]"),),
    ),
    _list("usage", "usage"),
    _form(
        "usage_so_far",
        "usage",
        "metered.usage",
        [("meter_id.kind", "!=", "call"), ("invoice_line_id", "=", False)],
    ),
    Screen(
        "customer_so_far",
        "/odoo/res.partner/",
        record=("res.partner", [("name", "=", "Thames Print Ltd")]),
        wait=".o_form_view",
        steps=(
            _tab("Metered"),
            "document.querySelector('.o_metered_usage').scrollIntoView()",
        ),
    ),
    _list("exceptions", "exception"),
    _form("exception", "exception", "metered.exception", [("state", "=", "open")]),
    _list("causes", "exception_cause"),
    *(
        Screen(
            f"cure_{name}",
            ACTION + "exception_cause",
            steps=(_click(f"button[name={method}] .fa, .btn[name={method}]"),),
        )
        for name, method in (
            ("assign", "action_assign"),
            ("rate", "action_add_rate"),
            ("destination", "action_add_destination"),
            ("correct", "action_correct"),
            ("dismiss", "action_dismiss"),
        )
    ),
    _list("exception_work", "exception_job"),
    _list("imports", "batch"),
    _form("import", "batch", "metered.batch"),
    _form("import_usage", "batch", "metered.batch", [("file_name", "=", "texts.csv")]),
    Screen(
        "undo",
        ACTION + "batch",
        record=("metered.batch", [("state", "=", "done")]),
        wait=".o_form_view",
        steps=(_click("button[name=action_open_undo]"),),
    ),
    Screen("import_wizard", ACTION + "import", wait=".modal .o_form_view"),
    Screen(
        "import_wizard_preview",
        ACTION + "import",
        wait=".modal .o_form_view",
        steps=(
            # A file of many columns, as Asterisk writes it.
            "(async () => {"
            " const names = 'accountcode,src,dst,dcontext,clid,channel,dstchannel,"
            "lastapp,lastdata,start,answer,end,duration,billsec,disposition,amaflags,"
            "uniqueid,userfield,peeraccount,linkedid,sequence,hangupcause,trunk';"
            " const row = (minute, dst) => `acme,14045550100,${dst},from-internal,"
            "Acme <14045550100>,PJSIP/acme-0000000a,PJSIP/carrier-1-0000000b,Dial,"
            "PJSIP/carrier-1,2026-11-02 10:0${minute}:00,2026-11-02 10:0${minute}:07,"
            "2026-11-02 10:0${minute}:50,50,43,ANSWERED,DOCUMENTATION,"
            "1793613${minute}00.1,,,1793613${minute}00.1,${minute},16,carrier-1`;"
            " const rows = ['12125550199', '011442079460120', '18005550199',"
            " '12125550142'].map((dst, minute) => row(minute, dst));"
            " const files = new DataTransfer();"
            " files.items.add(new File([[names, ...rows, ''].join('\\n')],"
            " 'Master.csv', {type: 'text/csv'}));"
            " const input = document.querySelector('.modal input[type=file]');"
            " input.files = files.files;"
            " input.dispatchEvent(new Event('change', {bubbles: true}));"
            " await new Promise((done) => setTimeout(done, 1500));"
            " })()",
            "(async () => {"
            " document.querySelector('.modal button[name=action_preview]').click();"
            " await new Promise((done) => setTimeout(done, 2500));"
            " })()",
        ),
    ),
    Screen(
        "import_wizard_usage",
        ACTION + "import",
        wait=".modal .o_form_view",
        steps=(
            # Readings, with a column that nobody knows.
            "(async () => {"
            " const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;"
            " const [source] = await orm.search('metered.source',"
            " [['record_kind', '=', 'usage']], {limit: 1});"
            " const rows = ['id,time,identifier,quantity,meter,properties,site',"
            " 'r-1,2026-11-02 10:00:00,tpl-sms,1,sms,,London',"
            " 'r-2,2026-11-02 11:00:00,tpl-sms,2.5,sms,,Leeds',"
            " 'r-3,2026-11-31 11:00:00,tpl-sms,1,sms,,London',"
            " 'r-4,2026-11-02 12:00:00,nobody,1,sms,,London',"
            " 'r-5,2026-11-02 13:00:00,tpl-sms,many,sms,,London', ''];"
            " const [id] = await orm.create('metered.import', [{source_id: source,"
            " file: btoa(rows.join('\\n')), file_name: 'readings.csv'}]);"
            " const shown = await orm.call('metered.import', 'action_preview', [[id]]);"
            " if (shown && shown.type) await action.doAction(shown);"
            " await new Promise((done) => setTimeout(done, 2500));"
            " })()",
        ),
    ),
    Screen(
        "deck_import_preview",
        ACTION + "rate_deck/",
        record=("metered.rate.deck", [("name", "=", "A-Z termination")]),
        wait=".o_form_view",
        steps=(
            "document.querySelector('button[name=action_import]').click()",
            "(async () => {"
            " await new Promise((done) => setTimeout(done, 1500));"
            " const files = new DataTransfer();"
            " files.items.add(new File([['Carrier notice', '', 'Code,Network,Rate/Min,"
            "Billing,Tiers', '44,United Kingdom,0.0201,1/1,60: 0.01/60 6',"
            " '49,Germany,0.9,60/60',"
            " '999111,Nowhere,0.5,1/1', 'abc,Wrong,0.1,1/1', ''].join('\\n')],"
            " 'notice.csv', {type: 'text/csv'}));"
            " const input = document.querySelector('.modal input[type=file]');"
            " input.files = files.files;"
            " input.dispatchEvent(new Event('change', {bubbles: true}));"
            " await new Promise((done) => setTimeout(done, 1500));"
            " document.querySelector('.modal button[name=action_preview]').click();"
            " await new Promise((done) => setTimeout(done, 4000));"
            " })()",
        ),
    ),
    _list("periods", "period"),
    Screen("manual_invoice", ACTION + "manual_invoice", wait=".modal .o_form_view"),
    _searched(
        "manual_invoice_found",
        "[['metered_identifier_ids', '!=', false]]",
        "2026-10-01",
        "2026-12-31",
    ),
    _searched(
        "manual_invoice_nothing",
        "[['metered_identifier_ids', '=', false], ['is_company', '=', true]]",
        "2026-10-01",
        "2026-10-31",
    ),
    _list("prices", "price"),
    _form("price", "price", "metered.price", [("current_id", "=", False)]),
    Screen(
        "metered_product",
        "/odoo/action-product.product_template_action_all/",
        record=("product.template", [("metered_meter_id", "!=", False)]),
        wait=".o_form_view",
        steps=("document.querySelector('.nav-link[name=metered]').click()",),
    ),
    _list("meters", "meter_usage"),
    Screen(
        "metered_subscription",
        "/odoo/action-subscription_oca.sale_subscription_action/",
        record=(
            "sale.subscription",
            [("sale_subscription_line_ids.product_id.metered_meter_id", "!=", False)],
        ),
        wait=".o_form_view",
    ),
    Screen(
        "metered_invoice",
        "/odoo/action-account.action_move_out_invoice_type/",
        record=(
            "account.move",
            [("invoice_line_ids.metered_price_id", "!=", False)],
        ),
        wait=".o_form_view",
    ),
    _list("renewals", "renewal"),
    _form("renewal", "renewal", "metered.renewal"),
    _list("failed_renewals", "renewal_failure"),
    _list("sources", "source"),
    _form("source", "source", "metered.source"),
    _form(
        "source_connected",
        "source",
        "metered.source",
        [("source_type", "=", "netsapiens")],
    ),
    Screen(
        "source_connection",
        ACTION + "source/",
        record=("metered.source", [("source_type", "=", "netsapiens")]),
        wait=".o_form_view",
        steps=(
            "document.querySelector('.nav-link[name=connection]').click()",
            "document.querySelector('.o_notebook').scrollIntoView()",
        ),
    ),
    _form("source_usage", "source", "metered.source", [("record_kind", "=", "usage")]),
    Screen(
        "source_schedule",
        ACTION + "source/",
        record=("metered.source", [("source_type", "=", "netsapiens")]),
        wait=".o_form_view",
        steps=("document.querySelector('.nav-link[name=schedule]').click()",),
    ),
    _list("switch_accounts", "source_found"),
    Screen(
        "account_choice",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_account_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            _tab("Metered"),
            _click("button[name=action_metered_choose_account]"),
        ),
    ),
    _list("syncs", "sync"),
    _form("sync", "sync", "metered.sync"),
    _list("records_per_day", "completeness"),
    Screen("records_per_day_graph", ACTION + "completeness?view_type=graph"),
    _list("source_accounts", "source_account"),
    _list("identifiers", "identifier"),
    _list("call_types", "meter"),
    _form("call_type", "meter", "metered.meter"),
    _list("destinations", "destination"),
    _form("destination", "destination", "metered.destination"),
    _list("rate_decks", "rate_deck"),
    _form("rate_deck", "rate_deck", "metered.rate.deck"),
    _list("rates", "rate"),
    _form("rate", "rate", "metered.rate"),
    _form("rate_tiers", "rate", "metered.rate", [("tier_ids", "!=", False)]),
    _list("time_bands", "time_band"),
    _form("time_band", "time_band", "metered.time.band"),
    _list("holidays", "holiday"),
    _list("customer_groups", "customer_group"),
    _list("calling_plans", "calling_plan"),
    _form(
        "calling_plan",
        "calling_plan",
        "metered.calling.plan",
        [("allowance_ids.scope", "=", "customer")],
    ),
    Screen("calling_plan_empty", f"{ACTION}calling_plan/new", wait=".o_form_view"),
    Screen(
        "allowance",
        ACTION + "calling_plan/",
        record=("metered.calling.plan", [("allowance_ids.scope", "=", "customer")]),
        wait=".o_form_view",
        # On a phone the allowances are cards.
        steps=(
            _click(
                "[name=allowance_ids] .o_data_row td[name=name],"
                " [name=allowance_ids] .o_kanban_record"
            ),
        ),
    ),
    _list("allowances", "allowance_balance"),
    _form("allowance_balance", "allowance_balance", "metered.allowance.balance"),
    Screen(
        "subscription_allowances",
        "/odoo/sale.subscription/",
        record=("sale.subscription", [("metered_balance_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(_tab("Allowances"),),
    ),
    Screen(
        "subscription_no_allowances",
        "/odoo/sale.subscription/",
        record=("sale.subscription", [("metered_balance_ids", "=", False)]),
        wait=".o_form_view",
        steps=(_tab("Allowances"),),
    ),
    Screen(
        "customer_allowances",
        "/odoo/res.partner/",
        record=("res.partner", WITH_PLAN),
        wait=".o_form_view",
        steps=(
            _tab("Metered"),
            "document.querySelector('.o_metered_allowances').scrollIntoView()",
        ),
    ),
    Screen(
        "product_plan",
        "/odoo/action-product.product_template_action/",
        record=("product.template", [("metered_plan_id", "!=", False)]),
        wait=".o_form_view",
        steps=(_tab("Metered"),),
    ),
    Screen(
        "customer",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_identifier_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            "[...document.querySelectorAll('.o_notebook .nav-link')]"
            ".find((tab) => tab.textContent.includes('Metered')).click()",
        ),
    ),
    Screen(
        "customer_checks",
        "/odoo/res.partner/",
        record=("res.partner", [("metered_identifier_ids", "!=", False)]),
        wait=".o_form_view",
        steps=(
            "[...document.querySelectorAll('.o_notebook .nav-link')]"
            ".find((tab) => tab.textContent.includes('Metered')).click()",
            "document.querySelector('.o_metered_checks').scrollIntoView()",
        ),
    ),
    Screen(
        "invoice",
        "/odoo/account.move/",
        record=("account.move", [("move_type", "=", "out_invoice")]),
        wait=".o_form_view",
    ),
    Screen(
        "subscription",
        "/odoo/sale.subscription/",
        record=("sale.subscription", []),
        wait=".o_form_view",
    ),
    Screen("settings", ACTION + "settings", wait=".o_form_view"),
]
