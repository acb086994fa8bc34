# SPDX-License-Identifier: Apache-2.0
"""The page of a finding says what its words mean."""

import pytest
import sqlalchemy as sa

from tests import filling
from tests.unit.api import conftest

HTML = {'Accept': 'text/html'}


def page(cloud: conftest.Site, path: str) -> str:
    answer = cloud.ask('operator', path, headers=HTML)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize(
    'word', ['Confidence', 'Blame', 'Excess', 'Held to', 'Small rest']
)
def test_a_finding_says_what_its_words_mean(
    cloud: conftest.Site, word: str
) -> None:
    legend = page(cloud, '/findings/f-1').split('What these words mean')[1]
    assert f'<dt>{word}</dt>' in legend


def test_a_verdict_has_the_word_of_the_command_line_beside_it(
    database: sa.Engine,
) -> None:
    conftest.fill(database)
    with database.begin() as store:
        filled = filling.Filling(store)
        filled.host('r/h9')
        filled.finding('f-9', 'r/h9', 'host', [], verdict='host_process')
    text = page(conftest.site(database), '/findings/f-9')
    assert text.count('(host_process)') == 1
    assert 'busy host' in text


def test_a_host_says_over_which_time_was_waited_and_lost(
    cloud: conftest.Site,
) -> None:
    text = page(cloud, '/hosts/r/h1')
    assert 'over the last 2 min' in text
    assert 'by open findings, each over' in text
