# SPDX-License-Identifier: Apache-2.0
"""One site and one browser for all tests of the dashboard."""

import os
import pathlib
from collections.abc import Iterator

import pytest
import vendoring
from screen import browser, site

from tests.functional.dashboard import scene

TREE = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture(scope='session')
def pictures() -> pathlib.Path:
    """Where screenshots are kept for those who look later."""
    known = os.environ.get('KVM_INSIGHT_ARTIFACTS')
    return pathlib.Path(known or TREE / 'artifacts') / 'dashboard'


@pytest.fixture(scope='module')
def served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[site.Site]:
    """The site over a cloud that is filled."""
    folder = tmp_path_factory.mktemp('site')
    with site.serving(folder, scene.fill, scene.NOW_US) as found:
        yield found


@pytest.fixture(scope='session')
def chromium(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[browser.Driver]:
    """One browser for all of them."""
    driver = browser.started(tmp_path_factory.mktemp('chromium'))
    yield driver
    driver.quit()


@pytest.fixture
def operator(chromium: browser.Driver, served: site.Site) -> browser.Browser:
    """A browser in which an operator is logged in."""
    return _logged_in(chromium, served, 'operator')


@pytest.fixture
def tenant(chromium: browser.Driver, served: site.Site) -> browser.Browser:
    """A browser in which one of the project ``alpha`` is logged in."""
    return _logged_in(chromium, served, 'alice')


def _logged_in(
    driver: browser.Driver, served: site.Site, who: str
) -> browser.Browser:
    found = browser.Browser(driver, served.url)
    found.mode()
    found.become(site.TOKENS[who])
    found.trouble()
    return found


@pytest.fixture(scope='session')
def axe() -> str:
    """The script that finds what people cannot use."""
    return vendoring.fetched('axe.js').read_text()
