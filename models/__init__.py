# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

# By name, but what a file inherits stands above it: tests/house/test_model_files.py
from . import guard
from . import alert
from . import api
from . import job
from . import record
from . import exception
from . import golden
from . import source
from . import billing
from . import carry
from . import chargeover
from . import company
from . import customer
from . import price
from . import counter
from . import statement
from . import dispute
from . import evidence
from . import explain
from . import fraud
from . import level
from . import measured
from . import pending
from . import plan
from . import portal
from . import rerate
from . import retention
from . import screen
from . import seal
from . import webhook
from . import what_if
