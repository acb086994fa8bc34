# SPDX-License-Identifier: Apache-2.0
"""Findings open, go on and close by what checks say, and by nothing else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.advise import answer, check, turn
from kvm_insight.model import codec, configuration, entity, finding

UUID = '81dd7a2e-45ce-41ba-9815-8cab123b4d73'
GUEST = finding.Party(
    entity=entity.domain(UUID), uuid=UUID, name='web', project_id='p'
)
BAD = check.Bad((('/sys/x', '1'),), 'x is 1')
WORSE = check.Bad((('/sys/x', '2'),), 'x is 2')
GOOD = check.Good((('/sys/x', '0'),))
UNKNOWN = check.CannotTell('no permission: /sys/x')
ELSEWHERE = check.NotConcerned('there is no x')
OUTCOMES = (BAD, WORSE, GOOD, UNKNOWN, ELSEWHERE)
HOUR = turn.HOUR_US
DAY = turn.DAY_US


class Host:
    """One host that is looked at again and again."""

    def __init__(self, party: finding.Party | None = None) -> None:
        self.open: dict[str, configuration.Finding] = {}
        self.party = party

    def look(
        self,
        at_us: int,
        outcome: check.Outcome | None,
        severity: check.Severity = 'low',
        *,
        present: tuple[str, ...] = (UUID,),
        checks: tuple[str, ...] = ('a.b',),
    ) -> list[configuration.Finding]:
        answers = []
        if outcome is not None:
            answers = [answer.Answer('a.b', severity, self.party, outcome)]
        seen = turn.Seen('h', at_us, checks, present, answers)
        said = turn.told(self.open, seen)
        self.open = turn.after(self.open, said)
        for one in said:
            again = codec.decode(codec.encode(one), configuration.Finding)
            assert again == one
        return said


@pytest.mark.parametrize('party', [None, GUEST])
def test_what_is_bad_opens_once_with_all_that_was_read(
    party: finding.Party | None,
) -> None:
    host = Host(party)
    (said,) = host.look(5, BAD, 'high')
    assert said == configuration.Finding(
        id=turn.identifier('h', 'a.b', UUID if party else None),
        state='open',
        host='h',
        check='a.b',
        party=party,
        severity='high',
        what='x is 1',
        evidence=[configuration.Evidence(where='/sys/x', value='1')],
        opened_us=5,
        updated_us=5,
    )
    assert host.look(6, BAD, 'high') == []


@pytest.mark.parametrize('outcome', [GOOD, UNKNOWN, ELSEWHERE, None])
def test_nothing_else_opens(outcome: check.Outcome | None) -> None:
    assert Host().look(5, outcome) == []


@pytest.mark.parametrize('outcome', [GOOD, ELSEWHERE])
def test_what_was_mended_closes_at_once_and_opens_under_the_same_id(
    outcome: check.Outcome,
) -> None:
    host = Host()
    (opened,) = host.look(5, BAD)
    (closed,) = host.look(6, outcome)
    assert closed == msgspec.structs.replace(
        opened,
        state='closed',
        updated_us=6,
        closed_us=6,
        closed_reason='mended',
    )
    assert host.open == {}
    assert host.look(7, outcome) == []
    (again,) = host.look(8, BAD)
    assert (again.id, again.opened_us) == (opened.id, 8)


@pytest.mark.parametrize('outcome', [UNKNOWN, None])
def test_what_cannot_be_told_neither_opens_nor_closes(
    outcome: check.Outcome | None,
) -> None:
    host = Host(GUEST)
    host.look(5, BAD)
    before = host.open
    for at_us in (6, 7 + DAY, 8 + 90 * DAY):
        assert host.look(at_us, outcome) == []
    assert host.open == before
    (said,) = host.look(9 + 90 * DAY, BAD)
    assert (said.state, said.opened_us) == ('open', 5)


def test_a_domain_that_left_closes_whatever_is_known() -> None:
    for outcome in (None, BAD):
        host = Host(GUEST)
        host.look(5, BAD)
        (said,) = host.look(6, outcome, present=())[:1]
        assert (said.state, said.closed_reason) == ('closed', 'gone')


def test_the_host_stays_when_its_domains_left() -> None:
    host = Host()
    host.look(5, BAD)
    assert host.look(6, BAD, present=()) == []


def test_a_check_that_is_no_more_closes_what_it_found() -> None:
    host = Host()
    host.look(5, BAD)
    (said,) = host.look(6, None, checks=('c.d',))
    assert (said.state, said.closed_reason) == ('closed', 'dropped')


def test_a_change_is_said_once_an_hour_at_most() -> None:
    host = Host()
    host.look(0, BAD)
    said = {
        at_us: host.look(at_us, WORSE if at_us % 2 else BAD, 'high')
        for at_us in range(1, 3 * HOUR, 60_000_001)
    }
    times = [at_us for at_us, told in said.items() if told]
    assert len(times) == 2
    assert times[0] >= HOUR
    assert times[1] - times[0] >= HOUR
    for told in filter(None, said.values()):
        (one,) = told
        assert (one.state, one.opened_us) == ('open', 0)
        assert one.severity == 'high'


def test_what_goes_on_unchanged_is_said_once_a_day() -> None:
    host = Host()
    host.look(0, BAD)
    times = [
        at_us
        for at_us in range(HOUR, 4 * DAY, HOUR)
        if host.look(at_us, BAD) != []
    ]
    assert times == [DAY, 2 * DAY, 3 * DAY]


@given(
    st.lists(
        st.tuples(
            st.integers(1, 2 * HOUR),
            st.sampled_from([*OUTCOMES, None]),
            st.booleans(),
        ),
        max_size=30,
    )
)
def test_each_finding_opens_once_before_it_closes_once(
    looks: list[tuple[int, check.Outcome | None, bool]],
) -> None:
    host, now_us, opened_us = Host(GUEST), 0, None
    last_us = -1
    for step_us, outcome, is_there in looks:
        now_us += step_us
        present = (UUID,) if is_there else ()
        for one in host.look(now_us, outcome, present=present):
            assert one.updated_us == now_us > last_us
            last_us = now_us
            if opened_us is None:
                assert (one.state, one.opened_us) == ('open', now_us)
            assert opened_us in (None, one.opened_us)
            opened_us = None if one.state == 'closed' else one.opened_us
        assert (opened_us is not None) == bool(host.open)


def test_advice_stays_small_and_keeps_ids_and_times() -> None:
    evidence = [configuration.Evidence(where='/x' * 500, value='y')] * 9
    made = [
        configuration.Finding(
            id=f'{number}',
            state='open',
            host='h',
            check='a.b',
            severity='low',
            what='w',
            evidence=evidence,
            opened_us=number,
            updated_us=number,
        )
        for number in range(100)
    ]
    few = configuration.Advice(host='h', time_us=1, offset=1, open=made[:2])
    assert turn.fitting(few) == few
    many = configuration.Advice(host='h', time_us=1, offset=1, open=made)
    assert len(codec.encode(many)) > 700_000
    short = turn.fitting(many)
    assert len(codec.encode(short)) < 50_000
    assert [(x.id, x.opened_us) for x in short.open] == [
        (x.id, x.opened_us) for x in made
    ]
