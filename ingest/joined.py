# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Texts joined so that they can be told apart again.

"A-1" and "2" are joined to ``A\\-1-2``, "A" and "1-2" to ``A-1\\-2``. Texts without a
hyphen or a backslash are joined as they are.
"""

import pyarrow.compute as pc

JOINT, ESCAPE = "-", "\\"


def joined(*texts):
    """Texts as one, which no other texts are joined to."""
    return JOINT.join(
        text.replace(ESCAPE, ESCAPE * 2).replace(JOINT, ESCAPE + JOINT)
        for text in texts
    )


def escaped(texts):
    """A column of texts, each as it is in what :func:`joined` makes.

    :param texts: pyarrow strings
    """
    texts = pc.replace_substring(texts, ESCAPE, ESCAPE * 2)
    return pc.replace_substring(texts, JOINT, ESCAPE + JOINT)
