# SPDX-License-Identifier: Apache-2.0
"""What a person sees who runs the quickstart and opens its dashboard.

Real guests, one of them noisy on a schedule, and a real Chromium that looks
at them while they run.
"""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from screen import browser

pytestmark = pytest.mark.timeout(400)

TREE = pathlib.Path(__file__).resolve().parents[3]
ADDRESS = re.compile(r'dashboard: (\S+)/ \(sign in')
PATIENCE_S = 240


@dataclasses.dataclass(frozen=True, slots=True)
class Tour:
    """What the quickstart said, and how to ask what it serves."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        """Return what the API answers."""
        asked = urllib.request.Request(
            self.url + path, headers={'X-Auth-Token': self.token}
        )
        with urllib.request.urlopen(asked, timeout=20) as answer:
            return json.load(answer)

    def uuid(self, name: str) -> str:
        """Return the UUID of a guest."""
        found = self.get('/v1/instances')['instances']
        return str(next(o['uuid'] for o in found if o['name'] == name))

    def named(self) -> list[dict[str, Any]]:
        """Return findings that name the noisy one."""
        return [
            one
            for one in self.get('/v1/findings')['findings']
            if 'batch-1' in {who['party']['name'] for who in one['aggressors']}
        ]


@pytest.fixture(scope='module')
def tour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tour]:
    """The quickstart after its installation, until the noisy one is named."""
    state = tmp_path_factory.mktemp('tour')
    said = state / 'said'
    with said.open('w') as out:
        child = subprocess.Popen(
            [sys.executable, '-m', 'lab.tour', '--state', str(state)],
            env=dict(os.environ, PYTHONPATH=str(TREE / 'tools')),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            found = _when(child, said, lambda: ADDRESS.search(_text(said)))
            token = (state / 'api-token').read_text().strip()
            one = Tour(found[1], token)
            _when(child, said, one.named)
            yield one
        finally:
            child.terminate()
            child.wait(60)
    assert child.returncode == 0, _text(said)


def _when(child: Any, said: pathlib.Path, look: Any) -> Any:
    """Return what there is at last."""
    until = time.monotonic() + PATIENCE_S
    while not (found := look()):
        assert child.poll() is None, _text(said)
        assert time.monotonic() < until, _text(said)
        time.sleep(0.5)
    return found


def _text(path: pathlib.Path) -> str:
    return path.read_text()


@pytest.fixture(scope='module')
def screen(
    tour: Tour, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[browser.Browser]:
    """A browser in which somebody has pasted the token."""
    driver = browser.started(tmp_path_factory.mktemp('chromium'))
    try:
        found = browser.Browser(driver, tour.url)
        found.look('/')
        found.one('input[name=token]').send_keys(tour.token)
        found.press('\n')
        found.wait("return document.querySelector('h1')?.innerText=='Cluster'")
        yield found
    finally:
        driver.quit()


def test_the_pages_show_who_makes_whom_wait(
    tour: Tour, screen: browser.Browser
) -> None:
    host = tour.get('/v1/hosts')['hosts'][0]['name']
    victim, noisy = tour.uuid('web-1'), tour.uuid('batch-1')
    finding = tour.named()[0]
    folder = os.environ.get('KVM_INSIGHT_ARTIFACTS') or TREE / 'artifacts'
    pictures = pathlib.Path(folder) / 'real-guests'
    pictures.mkdir(parents=True, exist_ok=True)
    for name, path in (
        ('cluster', '/'),
        ('host', f'/hosts/{host}'),
        ('victim', f'/instances/{victim}'),
        ('noisy', f'/instances/{noisy}'),
        ('finding', f'/findings/{finding["id"]}'),
        ('health', '/health'),
        ('report', f'/report?project={finding["victim"]["project_id"]}'),
    ):
        screen.look(path)
        screen.shot(pictures / f'{name}.png')
        if name not in ('health', 'report'):
            assert 'batch-1' in screen.one('main').text, name
        assert screen.trouble() == [], name


def test_the_matrix_of_now_has_the_noisy_one(
    tour: Tour, screen: browser.Browser
) -> None:
    host = tour.get('/v1/hosts')['hosts'][0]['name']
    screen.look(f'/hosts/{host}')
    shown = screen.one('section[aria-labelledby=now-title] table').text
    assert 'web-1' in shown
    assert 'batch-1' in shown
