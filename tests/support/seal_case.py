# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""A company that seals its usage, for what is made of seals."""


class SealMakers:
    """To be mixed into a case of a company with usage."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"metered_sealing": True, "metered_seal_days": 3})
        cls.seals = cls.env["metered.seal"]

    def seal(self):
        """Seal all that is to be sealed."""
        while self.seals._seal_slice(self.company):
            pass
        self.seals.invalidate_model()
