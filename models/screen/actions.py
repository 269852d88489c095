# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Actions that methods return, as the browser takes them."""

#: what may follow a notification: the screen is read again, or the dialog closes
RELOAD = {"type": "ir.actions.client", "tag": "soft_reload"}
CLOSE = {"type": "ir.actions.act_window_close"}


def window_action(env, xml_id, domain=None, **values):
    """A stored action, with other values than its own.

    :param xml_id: of an ``ir.actions.act_window``; without a module: of this one
    :param domain: None: the action's own
    :param values: ``context``, ``display_name`` and what else an action has
    :return: dict
    """
    xml_id = xml_id if "." in xml_id else f"metered_billing.{xml_id}"
    if domain is not None:
        values["domain"] = domain
    return {**env["ir.actions.act_window"]._for_xml_id(xml_id), **values}


def notification(message, kind="success", **params):
    """A message in the corner of the screen.

    :param kind: ``success``, ``info``, ``warning`` or ``danger``
    :param params: ``title``, ``sticky``; ``next``: the action that follows
    :return: dict
    """
    return {
        "type": "ir.actions.client",
        "tag": "display_notification",
        "params": {"type": kind, "message": message, **params},
    }
