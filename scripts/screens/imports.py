# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Imports and what they leave behind: exceptions."""

from .screen import ACTION, Screen, click, form, listed

SCREENS = [
    listed("exceptions", "exception"),
    form("exception", "exception", "metered.exception", [("state", "=", "open")]),
    listed("causes", "exception_cause"),
    *(
        Screen(
            f"cure_{name}",
            ACTION + "exception_cause",
            steps=(click(f"button[name={method}] .fa, .btn[name={method}]"),),
        )
        for name, method in (
            ("assign", "action_assign"),
            ("rate", "action_add_rate"),
            ("destination", "action_add_destination"),
            ("correct", "action_correct"),
            ("dismiss", "action_dismiss"),
        )
    ),
    listed("exception_work", "exception_job"),
    listed("imports", "batch"),
    form("import", "batch", "metered.batch", [("file_name", "=", "Master.csv")]),
    form("import_usage", "batch", "metered.batch", [("file_name", "=", "texts.csv")]),
    Screen(
        "undo",
        ACTION + "batch",
        record=("metered.batch", [("state", "=", "done")]),
        wait=".o_form_view",
        steps=(click("button[name=action_open_undo]"),),
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
            " const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;"
            " const [source] = await orm.search('metered.source',"
            " [['preset', '=', 'asterisk']], {limit: 1});"
            " const [id] = await orm.create('metered.import', [{source_id: source,"
            " file: btoa([names, ...rows, ''].join('\\n')), file_name: 'Master.csv'}]);"
            " const shown = await orm.call('metered.import', 'action_preview', [[id]]);"
            " if (shown && shown.type) await action.doAction(shown);"
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
            # On a phone, the button is in a menu.
            "(async () => {"
            " const {orm, action} = odoo.__WOWL_DEBUG__.root.env.services;"
            " const decks = await orm.search('metered.rate.deck',"
            " [['name', '=', 'A-Z termination']]);"
            " await action.doAction("
            "await orm.call('metered.rate.deck', 'action_import', [decks]));"
            " })()",
            "(async () => {"
            " await new Promise((done) => setTimeout(done, 1500));"
            " const files = new DataTransfer();"
            " files.items.add(new File([['Carrier notice', '', 'Code,Network,Rate/Min,"
            "Billing,Tiers', '44,United Kingdom,0.0201,1/1,60: 0.01/60 6',"
            " '49,Germany,0.9,60/60,',"
            " '999111,Nowhere,0.5,1/1,', ''].join('\\n')],"
            " 'notice.csv', {type: 'text/csv'}));"
            " const input = document.querySelector('.modal input[type=file]');"
            " input.files = files.files;"
            " input.dispatchEvent(new Event('change', {bubbles: true}));"
            " await new Promise((done) => setTimeout(done, 1500));"
            " document.querySelector('.modal button[name=action_preview]:enabled')"
            ".click();"
            " await new Promise((done) => setTimeout(done, 4000));"
            " })()",
        ),
    ),
]
