# SPDX-License-Identifier: Apache-2.0
"""What people do on the pages, with the keys alone or while they wait."""

import http.client
import time
from urllib import parse

import pytest
from screen import browser, site
from selenium.webdriver.common import keys

from kvm_insight.api import session
from tests import filling
from tests.functional.dashboard import scene

TAB = keys.Keys.TAB


def tab_to(found: browser.Browser, selector: str, most: int = 60) -> None:
    """Go on with the tab key until the focus is there."""
    for _ in range(most):
        found.press(TAB)
        if found.run(
            'return document.activeElement.matches(arguments[0])', selector
        ):
            assert found.run(
                'return getComputedStyle(document.activeElement)'
                '.outlineStyle !== "none"'
            ), 'the focus cannot be seen'
            return
    pytest.fail(f'no way with the tab key to {selector}')


def test_a_token_logs_in_with_the_keys_alone(
    chromium: browser.Driver, served: site.Site
) -> None:
    found = browser.Browser(chromium, served.url)
    found.forget()
    found.look('/health')
    assert found.run('return location.pathname') == '/login'
    found.press(site.TOKENS['operator'], keys.Keys.ENTER)
    found.wait("return location.pathname === '/health'")
    (cookie,) = chromium.get_cookies()
    assert cookie['httpOnly']
    assert cookie['sameSite'] == 'Strict'
    tab_to(found, '.who button')
    found.press(keys.Keys.ENTER)
    found.wait("return location.pathname === '/login'")
    assert chromium.get_cookies() == []


def test_a_wrong_token_says_so(
    chromium: browser.Driver, served: site.Site
) -> None:
    found = browser.Browser(chromium, served.url)
    found.forget()
    found.look('/login')
    found.press('a-token-that-nobody-ever-had-000000', keys.Keys.ENTER)
    found.wait("return document.querySelector('[role=alert]')")
    assert chromium.get_cookies() == []


def test_the_keys_alone_approve_a_recommendation(
    operator: browser.Browser, served: site.Site
) -> None:
    operator.look('/')
    operator.press(TAB)
    assert operator.run('return document.activeElement.className') == 'skip'
    tab_to(operator, 'nav a[href="/recommendations"]')
    operator.press(keys.Keys.ENTER)
    operator.wait("return location.pathname === '/recommendations'")
    tab_to(operator, 'a[href="/recommendations/r-open"]')
    operator.press(keys.Keys.ENTER)
    operator.wait("return document.querySelector('#approve')")
    tab_to(operator, 'input[name=reason]')
    operator.press('It is ' + scene.SCRIPT)
    tab_to(operator, '#approve', 1)
    operator.press(keys.Keys.ENTER)
    operator.wait("return document.querySelector('.notice[role=status]')")
    (key, order) = served.said()[-1]
    assert key == 'decision/recommendation/r-open'
    assert order is not None
    assert (order.kind, order.by) == ('approval', 'olga')
    assert order.reason == 'It is ' + scene.SCRIPT


def test_what_changed_since_it_was_shown_is_not_approved(
    operator: browser.Browser, served: site.Site
) -> None:
    before = served.said()
    operator.look('/recommendations/r-later')
    operator.run(
        "document.querySelector('input[name=fingerprint]').value = 'old'"
    )
    operator.one('#approve').click()
    operator.wait("return document.querySelector('[role=alert]')")
    assert 'other facts' in operator.one('[role=alert]').text
    assert served.said() == before


def test_a_mute_is_said_and_one_is_taken_back(
    operator: browser.Browser, served: site.Site
) -> None:
    operator.look('/orders')
    operator.one('#new-mutes summary').click()
    operator.one('#new-mutes input[name=subject]').send_keys(scene.name(9))
    operator.one('#new-mutes button').click()
    operator.wait("return document.querySelector('.notice[role=status]')")
    key, order = served.said()[-1]
    assert (key, order and order.kind) == (
        f'mute/host/{scene.name(9)}',
        'mute',
    )
    operator.one('form[action="/orders/mutes/take-back"] button').click()
    operator.wait("return location.search === '?said=taken_back'")
    assert served.said()[-1] == (f'mute/host/{scene.name(5)}', None)


def test_a_new_finding_is_shown_without_loading_again(
    operator: browser.Browser, served: site.Site
) -> None:
    operator.look('/')
    operator.run(
        "window.same = true; document.querySelector('.map a').focus()"
    )
    operator.run("htmx.trigger('#live', 'poll')")
    operator.wait("return !document.getElementById('live-state').hidden")
    scene.add_finding(served.database, 'f-new')
    operator.wait("return document.getElementById('f-f-new')", 14)
    assert operator.run('return window.same')
    assert operator.run("return document.activeElement.matches('.map a')"), (
        'the focus went away'
    )
    said = operator.one('#announce').get_attribute('textContent') or ''
    assert '4 open findings' in said
    assert operator.trouble() == []


def test_arrow_keys_walk_the_map_and_the_tab_key_leaves_it(
    operator: browser.Browser,
) -> None:
    operator.look('/?order=name')
    tab_to(operator, '.map a')
    operator.press(keys.Keys.ARROW_RIGHT)
    where = operator.run('return document.activeElement.pathname')
    assert where == f'/hosts/{scene.name(1)}'
    operator.press(TAB)
    assert not operator.run("return document.activeElement.matches('.map a')")


def test_a_gap_is_no_zero(operator: browser.Browser) -> None:
    operator.look(f'/hosts/{scene.name(0)}')
    missing = operator.run(
        "return [...document.querySelectorAll('#use-data tbody tr')]"
        '.filter((row) => !row.children[1].dataset.v)'
        '.map((row) => row.lastElementChild.textContent)'
    )
    assert missing == ['no data'] * 3
    assert operator.run("return document.querySelectorAll('canvas').length")


def test_no_page_is_polled_while_nobody_looks(
    operator: browser.Browser,
) -> None:
    operator.look('/health')
    operator.run(
        "Object.defineProperty(document, 'hidden', {get: () => true});"
        'window.asked = 0; const real = fetch;'
        'window.fetch = (...words) => { window.asked += 1;'
        ' return real(...words); };'
        "htmx.trigger('#live', 'poll')"
    )
    time.sleep(0.5)
    assert operator.run('return window.asked') == 0


class Asker:
    """Asks without a browser."""

    def __init__(self, served: site.Site) -> None:
        self._where = parse.urlsplit(served.url).netloc

    def ask(
        self,
        path: str,
        who: str | None = None,
        method: str = 'GET',
        body: str | None = None,
        **headers: str,
    ) -> tuple[int, dict[str, str], str]:
        told = {'Accept': 'text/html', **headers}
        if who is not None:
            told['Cookie'] = f'{session.COOKIE}={site.TOKENS[who]}'
        if body is not None:
            told['Content-Type'] = 'application/x-www-form-urlencoded'
        way = http.client.HTTPConnection(self._where, timeout=20)
        try:
            way.request(method, path, body, told)
            answer = way.getresponse()
            text = answer.read().decode()
        finally:
            way.close()
        names: dict[str, str] = {}
        for name, one in answer.getheaders():
            known = names.get(name.lower())
            names[name.lower()] = f'{known}, {one}' if known else one
        return answer.status, names, text


@pytest.fixture
def asker(served: site.Site) -> Asker:
    return Asker(served)


def test_programs_are_told_the_versions_and_people_the_cluster(
    asker: Asker,
) -> None:
    _, told, text = asker.ask('/', Accept='application/json')
    assert told['content-type'] == 'application/json'
    assert 'versions' in text
    _, told, _ = asker.ask('/', Accept='*/*')
    assert told['content-type'] == 'application/json'
    assert 'Accept' in told['vary'].split(', ')
    _, told, _ = asker.ask('/', 'operator')
    assert told['content-type'].startswith('text/html')


def test_nothing_of_a_page_is_kept_or_run_or_framed(asker: Asker) -> None:
    for path in ('/', '/findings', '/nothing', '/login'):
        _, told, text = asker.ask(path, 'operator')
        assert told['cache-control'] == 'private, no-store'
        assert told['x-frame-options'] == 'DENY'
        policy = told['content-security-policy']
        assert "default-src 'none'" in policy
        assert 'unsafe' not in policy
        assert '<style' not in text
        assert ' style=' not in text


def test_what_did_not_change_is_not_sent_again(asker: Asker) -> None:
    _, told, _ = asker.ask('/overcommit', 'operator')
    status, _, text = asker.ask(
        '/overcommit', 'operator', **{'If-None-Match': told['etag']}
    )
    assert (status, text) == (304, '')


@pytest.mark.parametrize(
    'path',
    [
        f'/hosts/{scene.name(0)}',
        '/recommendations',
        '/recommendations/r-open',
        '/overcommit',
        '/orders',
        '/health',
    ],
)
def test_a_tenant_is_shown_no_operators_page(asker: Asker, path: str) -> None:
    status, _, text = asker.ask(path, 'alice')
    assert status == 403
    assert [word for word in scene.FOREIGN_WORDS if word in text] == []


@pytest.mark.parametrize('address', ['/instances/{}', '/report?project={}'])
def test_what_is_anothers_is_as_if_it_were_not_there(
    asker: Asker, address: str
) -> None:
    foreign = scene.FOREIGN if 'instances' in address else 'beta'
    nobody = filling.uuid(999) if 'instances' in address else 'zeta'
    found = []
    for word in (foreign, nobody):
        status, _, text = asker.ask(address.format(word), 'alice')
        found.append((status, text.replace(word, '')))
    assert found[0] == found[1]
    assert found[0][0] == 404


def test_a_report_that_is_kept_has_its_own_style_and_no_script(
    operator: browser.Browser,
) -> None:
    operator.look('/report/page?project=alpha')
    assert operator.run('return document.styleSheets[0].cssRules.length') > 9
    assert operator.run('return window.broken') is None
    assert operator.trouble() == []


def test_a_table_of_a_report_is_had_by_its_owner_alone(asker: Asker) -> None:
    for table, status in (('instances', 200), ('nothing', 404)):
        found, told, text = asker.ask(f'/report/{table}.csv', 'alice')
        assert found == status
        assert [word for word in scene.FOREIGN_WORDS if word in text] == []
        assert told['content-type'].startswith('text/')
    found, _, _ = asker.ask('/report/instances.csv?project=beta', 'alice')
    assert found == 404


def test_another_site_can_send_no_form(
    asker: Asker, served: site.Site
) -> None:
    before = served.said()
    path = '/recommendations/r-later/approve'
    body = 'fingerprint=print-of-r-later'
    status, _, _ = asker.ask(path, 'operator', 'POST', body)
    assert status == 403
    status, _, _ = asker.ask(
        path, 'operator', 'POST', body, Origin='http://example.org'
    )
    assert status == 403
    status, _, _ = asker.ask(
        '/login',
        None,
        'POST',
        'token=' + 'a' * 40,
        **{'Sec-Fetch-Site': 'cross-site'},
    )
    assert status == 403
    assert served.said() == before


def test_who_only_watches_is_shown_no_forms_and_may_send_none(
    asker: Asker, served: site.Site
) -> None:
    status, _, text = asker.ask('/recommendations/r-later', 'watcher')
    assert status == 200
    assert 'Approve' not in text
    token = text.split(f'name="{session.FIELD}" value="')[1].split('"')[0]
    before = served.said()
    status, _, _ = asker.ask(
        '/recommendations/r-later/approve',
        'watcher',
        'POST',
        parse.urlencode(
            {session.FIELD: token, 'fingerprint': 'print-of-r-later'}
        ),
    )
    assert status == 403
    assert served.said() == before


@pytest.mark.parametrize('where', ['//example.org/', '/\\example.org', 'x'])
def test_a_login_leads_to_no_other_site(asker: Asker, where: str) -> None:
    body = parse.urlencode({'token': site.TOKENS['operator'], 'next': where})
    status, told, _ = asker.ask('/login', None, 'POST', body)
    assert (status, told['location']) == (303, '/')
