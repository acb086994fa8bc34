# SPDX-License-Identifier: Apache-2.0
"""What tests of the readers share."""

import pathlib

import pytest

from . import planting


@pytest.fixture
def plant(tmp_path: pathlib.Path) -> planting.Plant:
    """Return what lays trees over each other into one folder."""

    def planted(*names: str) -> pathlib.Path:
        for name in names:
            planting.unpack(name, tmp_path)
        return tmp_path

    return planted
