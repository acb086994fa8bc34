# SPDX-License-Identifier: Apache-2.0
"""What was not measured is no zero on a page: before an hour is over."""

import re

import pytest

from tests import filling
from tests.unit.api import conftest

HTML = {'Accept': 'text/html'}
LATER = 'An hour is written when it is over'


def page(cloud: conftest.Site, path: str) -> str:
    answer = cloud.ask('operator', path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


def tile(text: str, name: str) -> str:
    found = re.search(f'<dt>{name}</dt><dd><b>(.*?)</b>', text)
    assert found, name
    return found[1]


@pytest.mark.parametrize(
    ('path', 'cards'),
    [
        # Each plot, and the ledger.
        (f'/instances/{filling.uuid(1)}', 5),
        ('/hosts/r/h1', 4),
        ('/report?project=alpha', 2),
    ],
)
def test_each_empty_card_says_when_there_will_be_more(
    cloud: conftest.Site, path: str, cards: int
) -> None:
    assert page(cloud, path).count(LATER) == cards


def test_a_report_of_nothing_that_was_measured_has_no_zero(
    cloud: conftest.Site,
) -> None:
    text = page(cloud, '/report?project=alpha')
    for name in ('Measured', 'Ran', 'Waited', 'Made others wait'):
        assert tile(text, name) == '–', name  # noqa: RUF001
    assert 'No hour with a long wait' not in text
    assert '0<small> core-h' not in text


def test_an_instance_that_was_not_measured_did_not_wait_for_nobody(
    cloud: conftest.Site,
) -> None:
    text = page(cloud, f'/instances/{filling.uuid(1)}')
    assert 'it waited' not in text
    assert 'Nobody waited' not in text
