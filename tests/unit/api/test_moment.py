# SPDX-License-Identifier: Apache-2.0
import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.api import moment, opaque, problem

DAY = 20_000 * moment.DAY_US


@pytest.mark.parametrize(
    ('text', 'us'),
    [
        ('0', 0),
        ('1970-01-01', 0),
        ('1970-01-02', moment.DAY_US),
        ('1970-01-01T01:00', moment.HOUR_US),
        ('1970-01-01T01:00:00.000001Z', moment.HOUR_US + 1),
        ('1970-01-01T01:00:00+01:00', 0),
        (str(DAY), DAY),
    ],
)
def test_a_time_is_read_as_people_and_programs_write_it(
    text: str, us: int
) -> None:
    assert moment.us(text, 'since') == us


@pytest.mark.parametrize(
    'text',
    ['2026-13-01', '2026-02-30', '1969-12-31', '9' * 16, '٣', '', 'now'],
)
def test_what_is_no_time_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(problem.Problem, match='since: there is no such'):
        moment.us(text, 'since')


@given(st.datetimes(datetime.datetime(1971, 1, 1), timezones=st.just(None)))
def test_any_moment_is_read(when: datetime.datetime) -> None:
    if when.year > 2200:
        return
    whole = when.replace(tzinfo=datetime.UTC)
    assert moment.us(when.isoformat(), 'x') == pytest.approx(
        whole.timestamp() * 1e6, abs=1e3
    )


def test_without_words_it_is_the_last_day() -> None:
    assert moment.period(None, None, DAY, moment.DAY_US) == (
        DAY - moment.DAY_US,
        DAY,
    )
    assert moment.period(None, None, 5, moment.DAY_US) == (0, 5)
    for since, until in (('9', '9'), ('9', '8'), ('0', str(DAY))):
        with pytest.raises(problem.Problem, match='since'):
            moment.period(since, until, DAY, moment.DAY_US)


@given(
    st.text(min_size=1),
    st.text(min_size=1),
    st.text(),
    st.integers(0, 2**53 - 1),
)
def test_each_project_has_an_id_of_its_own(
    project: str, other: str, ident: str, opened_us: int
) -> None:
    key = b'k' * 32
    made = opaque.made(key, project, ident, opened_us)
    assert opaque.opened(made) == opened_us
    assert opaque.is_it(made, key, project, ident, opened_us)
    assert opaque.is_it(made, key, other, ident, opened_us) == (
        project == other
    )
    assert not opaque.is_it(made, b'x' * 32, project, ident, opened_us)


@pytest.mark.parametrize('text', ['', 'f-1', '1-', '1-' + 'g' * 32, '٣-1'])
def test_what_is_no_such_id_has_no_time(text: str) -> None:
    assert opaque.opened(text) is None
