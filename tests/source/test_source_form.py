# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A source's form, before anything of it is saved."""

from lxml import etree

from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from odoo.addons.metered_billing.connectors.sources import kind_of

from ..support.metered_case import MeteredCase


def ancestors(node):
    return [one for one in node.iterancestors() if one.get("invisible")]


def contents(group):
    """What a group shows: its fields, buttons and texts."""
    return [node for node in group if node.tag in ("field", "button", "div", "group")]


def source_shows(source):
    """Whether a node is visible, as the client finds out."""

    def shows(node):
        expression = node.get("invisible") or "False"
        values = {name: source[name] for name in source._fields if name in expression}
        values["id"] = isinstance(source.id, int) and source.id
        return not safe_eval(expression, values)

    return shows


@tagged("post_install", "-at_install")
class TestSourceForm(MeteredCase):
    def test_the_preset_follows_the_type(self):
        form = Form(self.env["metered.source"])
        form.source_type = "netsapiens"
        self.assertEqual(form.preset, "netsapiens")
        form.source_type = "file_store"
        self.assertEqual(form.preset, "generic")
        form.source_type = "asterisk_sql"
        self.assertEqual(form.preset, "asterisk")
        # Its files have the same columns.
        form.source_type = "file_store"
        self.assertEqual(form.preset, "asterisk")

    def test_no_title_stands_above_nothing(self):
        """Of each type, before and after it is saved."""
        sources = self.env["metered.source"].sudo()
        arch = etree.fromstring(sources.get_view(view_type="form")["arch"])
        for key in sources._fields["source_type"].get_values(self.env):
            new = sources.new({"name": "New", "source_type": key})
            preset = kind_of(key).preset or "generic"
            for source in (new, self.make_source(preset, source_type=key)):
                with self.subTest(key, source=source):
                    empty = [
                        group.get("string")
                        for group in arch.iter("group")
                        if group.get("string")
                        and all(map(source_shows(source), [group, *ancestors(group)]))
                        and not any(map(source_shows(source), contents(group)))
                    ]
                    self.assertEqual(empty, [])

    def test_the_address_to_post_to_is_known_once_it_is_saved(self):
        form = Form(self.env["metered.source"])
        form.name = "Switch"
        form.source_type = "freeswitch_json"
        self.assertFalse(form.push_address)
        source = form.save()
        self.assertEqual(
            source.push_address,
            f"{source.get_base_url()}/metered/freeswitch/{source.id}",
        )
