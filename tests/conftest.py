# SPDX-License-Identifier: Apache-2.0
"""What holds for all tests: where the tree is, and that nothing is skipped."""

import logging
import os
import pathlib
import signal
from collections.abc import Generator, Iterator

import hypothesis
import pytest

# How long one example takes says more of the machine than of the code. New
# examples are for those who can mend what they find: a change is judged by
# the same ones each time.
hypothesis.settings.register_profile(
    'tree', deadline=None, derandomize='CI' in os.environ
)
hypothesis.settings.load_profile('tree')

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two switches that ``./check`` uses."""
    parser.addoption(
        '--no-skips',
        action='store_true',
        help='a test that is skipped has failed',
    )
    parser.addoption(
        '--full',
        action='store_true',
        help='the long form of the functional tests',
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers; let SIGTERM end fixtures as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.addinivalue_line(
        'markers', 'full: only with --full, beside a short form without it'
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave the long forms out unless they are asked for."""
    if config.getoption('--full'):
        return
    long = [item for item in items if item.get_closest_marker('full')]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With --no-skips, turn what would be skipped into a failure."""
    report = yield
    skipped = report.skipped and not hasattr(report, 'wasxfail')
    if skipped and item.config.getoption('--no-skips'):
        report.outcome = 'failed'
        report.longrepr = f'{item.nodeid} was skipped: {report.longrepr}'
    return report


@pytest.fixture(scope='session')
def tree() -> pathlib.Path:
    """The checked-out tree."""
    return ROOT


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Commands set the log up; the next test finds it as it was."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for one in set(root.handlers) - set(handlers):
        if type(one) is logging.StreamHandler:
            root.removeHandler(one)
