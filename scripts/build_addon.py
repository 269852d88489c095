# Copyright 2026 Metered Billing contributors
# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The build backend that pip calls: whool, in a copy of the right name.

whool, OCA's backend, takes the addon's name from its folder's. This repository is the
addon, and is cloned under any name, by `pip install git+URL` under a random one; so the
build happens in a copy that is called metered_billing.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

from whool import buildapi

ADDON = "metered_billing"
# Hidden files are git's and the editor's; the rest is for developers.
NOT_IN_SDIST = (".*", "__pycache__", "build", "dist")
NOT_IN_WHEEL = (*NOT_IN_SDIST, "dev", "scripts", "benchmarks")


@contextlib.contextmanager
def addon_folder(left_out: tuple[str, ...]):
    """Be in a copy of the current folder, less what `left_out` matches."""
    with tempfile.TemporaryDirectory() as parent:
        copy = Path(parent) / ADDON
        shutil.copytree(".", copy, ignore=shutil.ignore_patterns(*left_out))
        with contextlib.chdir(copy):
            yield


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    target = Path(metadata_directory).resolve()
    with addon_folder(NOT_IN_WHEEL):
        return buildapi.prepare_metadata_for_build_wheel(target, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    target = Path(wheel_directory).resolve()
    with addon_folder(NOT_IN_WHEEL):
        return buildapi.build_wheel(target, config_settings, metadata_directory)


def build_sdist(sdist_directory, config_settings=None):
    target = Path(sdist_directory).resolve()
    with addon_folder(NOT_IN_SDIST):
        return buildapi.build_sdist(target, config_settings)
