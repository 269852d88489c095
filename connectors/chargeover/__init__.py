# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""Usage per line of a subscription, as clients of ChargeOver's API send it.

``usage`` makes events of the bodies of requests, ``signature`` checks signed requests.
Source: ChargeOver's pages *Usage/Metered Billing* and *Storing usage/metered data*, and
its open PHP client. What these do not say (the meaning of the types ``pia``, ``pas``
and ``dlt``, the name of the list in a bulk request) is not assumed here.
"""
