# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Names of worksheets, as the import dialogs offer them."""


def name_sheets(sheets):
    """Set the display names of worksheets.

    :param sheets: records with ``name`` and ``is_hidden``
    """
    for sheet in sheets:
        name = sheet.name or ""
        if sheet.is_hidden:
            name = sheet.env._("%s (hidden worksheet)", name)
        sheet.display_name = name
