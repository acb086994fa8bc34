# SPDX-License-Identifier: Apache-2.0
"""Whether the page Health warns of a planner that is missed, and no other."""

import re

import pytest
import sqlalchemy as sa

from kvm_insight.model import inventory
from tests import filling
from tests.unit.api import conftest


def tile(store: sa.Engine) -> tuple[str, str]:
    """Return tone and words of the planner's."""
    answer = conftest.site(store).ask(
        'operator', '/health', headers={'Accept': 'text/html'}
    )
    found = re.search(
        r'<div class="tile (\w*)"><dt>Planner</dt><dd>(.*?)</dd>', answer.text
    )
    assert found, answer.text
    return found[1], re.sub('<.*?>', '', found[2])


def test_a_planner_that_was_never_heard_is_not_missed(
    database: sa.Engine,
) -> None:
    assert tile(database) == ('', 'not in use')


@pytest.mark.parametrize(
    ('age_s', 'told'),
    [(20, ('', 'planning')), (7200, ('warn', 'silent for 2 h'))],
)
def test_one_that_was_heard_is_missed_when_it_is_silent(
    database: sa.Engine, age_s: int, told: tuple[str, str]
) -> None:
    with database.begin() as store:
        filling.Filling(store).fact(
            inventory.PlannerStatus(
                generation=1,
                time_us=filling.NOW_US - age_s * 1_000_000,
                state='planning',
            )
        )
    assert tile(database) == told
