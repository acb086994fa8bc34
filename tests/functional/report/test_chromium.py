# SPDX-License-Identifier: Apache-2.0
"""The page of a report in a real Chromium: bright, dark and on paper.

What it looks like is left in ``KVM_INSIGHT_ARTIFACTS``, if that is set.
"""

import datetime
import os
import pathlib
import subprocess

import pytest

from kvm_insight.model import sizing, usage
from kvm_insight.report import page, tenant, value
from tests.unit.report import material

WORDS = (
    'chromium',
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    '--enable-logging=stderr',
    # Whatever the page would fetch is not there.
    '--host-resolver-rules=MAP * ~NOTFOUND',
    '--window-size=1000,2400',
)
HOURS = 30 * 24


def project() -> value.Material:
    """Return a month of three instances, of which one was never seen."""
    bins = [(usage.bin_of(0.7), HOURS * 36_000)]
    sums = material.sums(HOURS * material.HOUR_US, 10**12, delay_us=3 * 10**10)
    size = sizing.Sized(
        4, material.BEGIN_US, sums.measured_us, sums.wanted_us, 0, bins
    )
    stretches = tuple(
        value.Stretch(
            material.BEGIN_US + number * material.HOUR_US,
            material.HOUR_US,
            material.sums(
                run_us=10**9 * (1 + number % 24),
                delay_us=10**8 * (number % 7),
            ),
        )
        for number in range(HOURS)
        if not 200 <= number < 230
    )
    return material.of(
        material.use(material.ONE, sums, sized=size),
        material.use(material.TWO, sums, name='<b>batch</b>', sized=size),
        material.use(
            '00000000-0000-4000-8000-000000000003',
            value.Sums(),
            name='silent',
        ),
        stretches=stretches,
        found=(value.Found(material.found(material.party())),),
    )


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    kept = os.environ.get('KVM_INSIGHT_ARTIFACTS')
    found = pathlib.Path(kept) / 'report' if kept else tmp_path
    found.mkdir(parents=True, exist_ok=True)
    made = tenant.report(project(), material.NOVEMBER, material.END_US)
    (found / 'report.html').write_text(page.text(made, datetime.UTC))
    return found


def chromium(
    folder: pathlib.Path, profile: pathlib.Path, *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *WORDS,
            f'--user-data-dir={profile}',
            *words,
            (folder / 'report.html').as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_it_is_shown_and_nothing_is_said_on_the_console(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    profile = tmp_path / 'profile'
    done = chromium(folder, profile, '--dump-dom')
    assert 'CONSOLE' not in done.stderr
    assert '<h1>shop' in done.stdout
    assert '&lt;b&gt;batch&lt;/b&gt;' in done.stdout
    assert done.stdout.count('<svg') > 5


def test_it_follows_dark_mode(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    profile = tmp_path / 'profile'
    pictures = []
    for name, words in (('bright', []), ('dark', ['--force-dark-mode'])):
        path = folder / f'{name}.png'
        chromium(folder, profile, f'--screenshot={path}', *words)
        pictures.append(path.read_bytes())
    assert all(one.startswith(b'\x89PNG') for one in pictures)
    assert min(map(len, pictures)) > 20_000
    assert pictures[0] != pictures[1]


def test_it_prints_on_a_few_pages(
    folder: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path = folder / 'report.pdf'
    chromium(
        folder,
        tmp_path / 'profile',
        '--no-pdf-header-footer',
        f'--print-to-pdf={path}',
    )
    printed = path.read_bytes()
    assert printed.startswith(b'%PDF')
    assert 2 <= printed.count(b'/Type /Page\n') <= 8
