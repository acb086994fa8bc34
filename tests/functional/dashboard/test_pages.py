# SPDX-License-Identifier: Apache-2.0
"""Each page, as it looks and as it is read out: no fault, no word on the
console, no scrolling sideways, and nothing that runs but our files."""

import pathlib
from typing import Any

import pytest
from screen import browser, site

from tests import filling
from tests.functional.dashboard import scene

PAGES = {
    'cluster': '/',
    'cluster-by-zone': '/?group=zone&order=name&measure=lost',
    'cluster-none': '/?q=nothing-is-called-so',
    'host': f'/hosts/{scene.name(0)}',
    'host-silent': f'/hosts/{scene.name(7)}',
    'instances': '/instances',
    'instance': f'/instances/{scene.QUIET}?days=3',
    'findings': '/findings',
    'finding': '/findings/f-open',
    'recommendations': '/recommendations',
    'recommendation': '/recommendations/r-open',
    'recommendation-done': '/recommendations/r-done',
    'report': '/report?project=alpha',
    'advice': '/advice',
    'overcommit': '/overcommit',
    'orders': '/orders',
    'health': '/health',
}
OWN = {
    'tenant-project': '/',
    'tenant-instances': '/instances',
    'tenant-instance': f'/instances/{scene.MINE}',
    'tenant-findings': '/findings',
    'tenant-report': '/report',
    'tenant-advice': '/advice',
}
#: axe's words for what must not be.
GRAVE = ('serious', 'critical')
AXE = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(
  (told) => done(told.violations.map((one) => [
    one.impact, one.id, one.nodes.slice(0, 3).map((node) => node.html)])));
"""


def faults(found: browser.Browser, axe: str) -> list[Any]:
    """Return what axe finds on the page."""
    found.run(f'{axe}; return 0')
    told: list[Any] = found.driver.execute_async_script(AXE)
    return [one for one in told if one[0] in GRAVE]


def look(
    found: browser.Browser,
    name: str,
    path: str,
    axe: str,
    pictures: pathlib.Path,
) -> None:
    """Look at a page as all sorts of people do."""
    found.trouble()
    found.look(path)
    assert found.trouble() == []
    found.shot(pictures / f'{name}-light.png')
    assert faults(found, axe) == []
    found.mode(dark=True)
    found.shot(pictures / f'{name}-dark.png')
    assert faults(found, axe) == []
    found.mode(size=browser.NARROW)
    found.shot(pictures / f'{name}-narrow.png')
    wide = found.run('return document.documentElement.scrollWidth')
    assert wide <= browser.NARROW[0]
    assert found.run('return document.querySelectorAll("h1").length') == 1
    assert found.run('return window.broken') is None
    assert found.trouble() == []


@pytest.mark.parametrize('name', PAGES)
def test_an_operators_page_can_be_used(
    operator: browser.Browser, axe: str, pictures: pathlib.Path, name: str
) -> None:
    look(operator, name, PAGES[name], axe, pictures)


@pytest.mark.parametrize('name', OWN)
def test_a_tenants_page_can_be_used_and_names_nobody_else(
    tenant: browser.Browser, axe: str, pictures: pathlib.Path, name: str
) -> None:
    look(tenant, name, OWN[name], axe, pictures)
    text = tenant.driver.page_source
    assert [word for word in scene.FOREIGN_WORDS if word in text] == []


def test_the_login_page_can_be_used(
    chromium: browser.Driver,
    served: site.Site,
    axe: str,
    pictures: pathlib.Path,
) -> None:
    found = browser.Browser(chromium, served.url)
    found.forget()
    look(found, 'login', '/login?failed=1', axe, pictures)


def test_a_page_of_nothing_says_what_to_do_next(
    chromium: browser.Driver,
    tmp_path: pathlib.Path,
    axe: str,
    pictures: pathlib.Path,
) -> None:
    with site.serving(tmp_path, filling.empty, scene.NOW_US) as empty:
        found = browser.Browser(chromium, empty.url)
        found.become(site.TOKENS['operator'])
        look(found, 'cluster-empty', '/', axe, pictures)
        assert 'kvm-insight-agent' in found.one('.empty').text
        said = found.one('#findings-title ~ .empty').text
        assert 'Nothing is known' in said
        for path in ('findings', 'recommendations', 'overcommit', 'advice'):
            found.look(f'/{path}')
            assert found.one('.empty b').text
