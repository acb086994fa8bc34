# SPDX-License-Identifier: Apache-2.0
"""Records that come twice, late or in another order make the same tables."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kvm_insight.model import codec, configuration, host_report
from kvm_insight.store import schema
from kvm_insight.store.write import (
    book,
    findings,
    hours,
    recommendations,
    reports,
    told,
)
from tests import kept
from tests.unit.store import made

Make = Callable[[], sa.Engine]
Said = told.Told[Any]

few = settings(
    max_examples=15,
    deadline=None,
    # What it says of why takes longer than finding it.
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def written(
    make: Make, batches: Sequence[tuple[book.Write, list[Said]]]
) -> dict[str, kept.Rows]:
    """Return the tables after these, each in a transaction of its own."""
    database = make()
    for write, said in batches:
        with database.begin() as connection:
            write(connection, said)
    found = kept.settled(database)
    assert set(found) < set(schema.metadata().tables)
    database.dispose()
    return found


def shuffled(said: list[Said], seed: int) -> list[list[Said]]:
    """Return batches of these in any order, some of them twice."""
    chance = random.Random(seed)
    order = said + chance.choices(said, k=len(said) // 2)
    chance.shuffle(order)
    return batched(order, chance)


def batched(order: list[Said], chance: random.Random) -> list[list[Said]]:
    found = []
    while order:
        count = chance.randrange(1, 6)
        found.append(order[:count])
        order = order[count:]
    return found


def repeated(said: list[Said], seed: int) -> list[list[Said]]:
    """Return batches in which each key's order is kept, though now and then
    some that were there already come again."""
    chance = random.Random(seed)
    queues: dict[str, list[Said]] = {}
    for one in said:
        queues.setdefault(one.key, []).append(one)
    order, done = [], []
    while any(queues.values()):
        key = chance.choice([name for name, rest in queues.items() if rest])
        done.append(queues[key].pop(0))
        order.append(done[-1])
        if chance.random() < 0.3:
            order.append(chance.choice(done))
    return batched(order, chance)


@few
@given(
    st.sets(
        st.tuples(
            st.sampled_from(['r/1', 'r/2']),
            st.integers(0, 30),
            st.sampled_from(['a', 'b']),
            st.integers(1, 3),
        ),
        min_size=1,
        max_size=12,
    ),
    st.integers(0, 2**32),
)
def test_hours_may_come_in_any_order_and_again(
    make: Make, keys: set[tuple[str, int, str, int]], seed: int
) -> None:
    said: list[Said] = [made.said(made.hour(*key)) for key in sorted(keys)]
    clean = written(make, [(hours.write, said)])
    assert clean['instance_hour']
    assert clean['instance_day']
    again = [(hours.write, part) for part in shuffled(said, seed)]
    assert written(make, again) == clean


@few
@given(
    st.sets(st.tuples(st.sampled_from('xy'), st.integers(0, 5)), min_size=1),
    st.integers(0, 2**32),
)
def test_findings_may_come_in_any_order_and_again(
    make: Make, keys: set[tuple[str, int]], seed: int
) -> None:
    said: list[Said] = [
        made.said(made.incident(name, step, closed=step == 5), name)
        for name, step in sorted(keys)
    ]
    clean = written(make, [(findings.write, said)])
    again = [(findings.write, part) for part in shuffled(said, seed)]
    assert written(make, again) == clean
    last = {name: max(s for n, s in keys if n == name) for name, _ in keys}
    assert {
        row['id']: (row['updated_us'] - made.START_US, row['state'])
        for row in clean['finding']
    } == {
        name: (step, 'closed' if step == 5 else 'open')
        for name, step in last.items()
    }


@few
@given(
    st.sets(
        st.tuples(
            # Id, host, domain: one id is always of the same.
            st.sampled_from([('a', 'r/1', None), ('b', 'r/2', 3)]),
            st.integers(0, 8),
        ),
        min_size=1,
    ),
    st.booleans(),
    st.integers(0, 2**32),
)
def test_configurations_may_come_in_any_order_and_again(
    make: Make,
    keys: set[tuple[tuple[str, str, int | None], int]],
    with_incident: bool,
    seed: int,
) -> None:
    """They open, go on, close and open again, between other findings."""
    said: list[Said] = [
        made.said(made.setup(*which, step, closed=step % 3 == 2), which[0])
        for which, step in sorted(keys, key=str)
    ]
    if with_incident:
        said.append(made.said(made.incident('x', 1, closed=False), 'x'))
    clean = written(make, [(findings.write, said)])
    again = [(findings.write, part) for part in shuffled(said, seed)]
    assert written(make, again) == clean
    last = {
        which[0]: max(step for other, step in keys if other == which)
        for which, _ in keys
    }
    assert {
        row['id']: (row['updated_us'] - made.START_US, row['state'])
        for row in clean['configuration_finding']
    } == {
        name: (step, 'closed' if step % 3 == 2 else 'open')
        for name, step in last.items()
    }
    assert len(clean['finding']) == with_incident


def test_a_configuration_that_was_taken_back_is_closed(make: Make) -> None:
    one = made.said(made.setup('a', 'r/1', 3, 0, closed=False), 'a')
    gone: Said = told.Told(9, 'a', None, b'', made.START_US + 77)
    for batches in ([[one, gone]], [[one], [gone], [gone]]):
        rows = written(make, [(findings.write, part) for part in batches])
        (row,) = rows['configuration_finding']
        assert row['state'] == 'closed'
        assert row['closed_us'] == made.START_US + 77
        record = codec.decode(row['record'], configuration.Finding)
        assert (record.state, record.closed_reason) == ('closed', 'gone')
        assert rows['finding'] == []


@few
@given(
    st.lists(
        st.tuples(
            st.sampled_from(['r/1', 'r/2']),
            st.sets(st.integers(0, 3)).map(lambda s: tuple(sorted(s))),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sets(st.integers(-1, 3), max_size=3),
    st.integers(0, 2**32),
)
def test_reports_of_two_hosts_may_meet_in_any_way_and_come_again(
    make: Make,
    told_of: list[tuple[str, tuple[int, ...]]],
    numbers: set[int],
    seed: int,
) -> None:
    """While an instance goes from one to the other, and hours come late."""
    said: list[Said] = []
    for at, (host, guests) in enumerate(told_of):
        raw = made.report(host, at, guests)
        record = codec.decode(raw, host_report.HostReport)
        said.append(told.Told(at, host, record, raw, made.START_US))
    late: list[Said] = [made.said(made.hour('r/1', one)) for one in numbers]
    clean = written(make, [(reports.write, said), (hours.write, late)])
    again: list[tuple[book.Write, list[Said]]] = [
        (reports.write, part) for part in repeated(said, seed)
    ]
    again.insert(seed % (len(again) + 1), (hours.write, late))
    assert written(make, again) == clean
    newest = {number: host for host, guests in told_of for number in guests}
    for row in clean['instance']:
        number = int(row['uuid'][-4:])
        if number in newest:
            assert row['host_id'] == newest[number]


def test_an_older_generation_says_nothing(make: Make) -> None:
    old = made.said(made.advice('x', 3, 'proposed'), 'x')
    new = made.said(made.advice('x', 4, 'withdrawn'), 'x')
    clean = written(make, [(recommendations.write, [old, new])])
    assert [row['state'] for row in clean['recommendation']] == ['withdrawn']
    for order in ([new, old], [old, new, old, new, old]):
        one_by_one = [(recommendations.write, [one]) for one in order]
        assert written(make, one_by_one) == clean
