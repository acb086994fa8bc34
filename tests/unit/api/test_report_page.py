# SPDX-License-Identifier: Apache-2.0
"""Whose report a page shows: chosen from a list, or asked for by a name."""

import pytest

from tests.unit.api import conftest

HTML = {'Accept': 'text/html'}


def page(cloud: conftest.Site, query: str, who: str = 'operator') -> str:
    return cloud.ask(who, f'/report{query}', headers=HTML).text


def test_operators_choose_a_project_by_its_name(cloud: conftest.Site) -> None:
    text = page(cloud, '')
    for ident in ('alpha', 'beta'):
        option = f'<option value="{ident}">name-of-{ident} ({ident})</option>'
        assert option in text


@pytest.mark.parametrize(
    'query',
    [
        '?project=alpha',
        '?project=name-of-alpha',
        '?other=name-of-alpha',
        # What was chosen before is still in the form.
        '?project=beta&other=alpha',
    ],
)
def test_a_project_is_found_by_its_id_or_name(
    cloud: conftest.Site, query: str
) -> None:
    text = page(cloud, query)
    assert '<option value="alpha" selected>' in text
    assert '/report/page?project=alpha' in text
    assert '/v1/projects/alpha/report' in text


def test_another_word_is_said_to_be_no_project(cloud: conftest.Site) -> None:
    text = page(cloud, '?other=nothing')
    assert 'No project with this id or name is known here.' in text


def test_a_project_is_offered_no_other_ones(cloud: conftest.Site) -> None:
    text = page(cloud, '', 'alice')
    assert '<select' not in text
    assert 'beta' not in text
    assert page(cloud, '?other=name-of-beta', 'alice') == page(
        cloud, '?other=name-of-zeta', 'alice'
    )
