# SPDX-License-Identifier: Apache-2.0
"""A real Watcher in an environment of its own, and our package beside it."""

import pathlib

import neighbours
import pytest


@pytest.fixture(scope='session')
def watcher_python() -> pathlib.Path:
    """Return a Python that has Watcher."""
    return neighbours.python('watcher')
