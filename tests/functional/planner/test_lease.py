# SPDX-License-Identifier: Apache-2.0
"""Of several planners one speaks; whoever comes after says the same."""

import time

from kvm_insight.bus import lease, topic
from kvm_insight.model import control, fence
from tests.functional.planner import conftest
from tests.scenario import small_cloud as cloud


def test_of_two_planners_one_speaks_and_the_next_says_the_same(
    bench: conftest.Bench,
) -> None:
    first = bench.start()
    bench.wait_for(bench.statuses)
    told = bench.told()
    assert len(told) >= 2
    assert all(one.state == 'proposed' for one in told)
    (generation,) = {one.generation for one in told}
    second = bench.start()
    time.sleep(2.5)
    # The second one is silent, and nothing is said twice.
    assert bench.told() == told
    assert {one.generation for one in bench.statuses()} == {generation}
    bench.kill(first)
    bench.wait_for(lambda: bench.statuses()[-1].generation > generation)
    after = bench.told()
    assert conftest.plain(after) == conftest.plain(told)
    # All that stands has been said again, in a generation of its own.
    assert {one.generation for one in after[len(told) :]} == {
        bench.statuses()[-1].generation
    }
    assert conftest.ids(after[len(told) :]) == conftest.ids(told)
    assert list(fence.admitted(after)) == after
    bench.kill(second)


def test_killed_between_any_two_records_the_plan_is_the_same(
    bench: conftest.Bench,
) -> None:
    whole = bench.start()
    bench.wait_for(bench.statuses)
    expected = bench.told()
    bench.kill(whole)
    other = conftest.Bench(
        bench.name,
        bench.settings,
        bench.bus,
        bench.prefix + 'again.',
        bench.folder,
    )
    bench.bus.create_topics(
        [
            conftest.kept_whole(one)
            for one in topic.layout(other.prefix, partitions=2)
        ]
    )
    other.describe()
    for fuse in (1, len(expected)):
        number = other.start(fuse=fuse)
        other.workers[number].wait(60)
    bench.workers += other.workers
    assert not other.statuses()
    last = other.start()
    bench.workers += other.workers
    other.wait_for(other.statuses)
    told = other.told()
    assert conftest.plain(told) == conftest.plain(expected)
    assert {one.state for one in told} == {'proposed'}
    # No generation was used by two.
    spoken = [one.generation for one in told]
    assert spoken == sorted(spoken)
    assert len(set(spoken)) == 3
    other.kill(last)


def test_one_that_hung_is_not_heard_any_more(bench: conftest.Bench) -> None:
    first = bench.start()
    bench.wait_for(bench.statuses)
    old = bench.statuses()[-1].generation
    bench.start()
    bench.stop(first)
    bench.wait_for(lambda: bench.statuses()[-1].generation > old)
    new = bench.statuses()[-1].generation
    said = len(bench.told())
    bench.go_on(first)
    approved = bench.told()[0].id
    bench.say(
        control.Order(
            kind='approval',
            about='recommendation',
            subject=approved,
            made_us=time.time_ns() // 1000,
        )
    )
    bench.wait_for(
        lambda: any(one.state == 'approved' for one in bench.told())
    )
    time.sleep(1.5)
    later = bench.told()[said:]
    assert approved in conftest.ids(later)
    # Whoever spoke since then did it in a later generation.
    assert list(fence.admitted(later, new)) == later


def test_an_executed_one_is_seen_and_told(bench: conftest.Bench) -> None:
    bench.start()
    bench.wait_for(bench.statuses)
    one = bench.told()[0]
    for move in one.moves:
        bench.guests = cloud.moved(
            bench.guests, move.name or '', move.destination
        )
    bench.describe()
    bench.wait_for(
        lambda: (
            bench.told()[-1].state == 'executed'
            and bench.told()[-1].id == one.id
        )
    )
    outcome = bench.told()[-1].outcome
    assert outcome is not None
    assert outcome.verdict == 'unknown'
    assert all(each.lost_cores_before for each in outcome.victims)


def test_a_lease_that_is_not_ours_is_not_confirmed(
    bench: conftest.Bench,
) -> None:
    name = bench.prefix + topic.PLAN_LEASE
    first = lease.Lease(bench.bus, name, 'group')
    assert not first.confirm()
    until = time.monotonic() + 60
    while first.generation is None:
        first.hold(0.1)
        assert time.monotonic() < until
    assert first.confirm()
    generation = first.generation
    second = lease.Lease(bench.bus, name, 'group')
    for _ in range(10):
        second.hold(0.1)
        first.hold(0.1)
    assert (first.generation, second.generation) == (generation, None)
    assert first.confirm()
    assert not second.confirm()
    first.close()
    assert not first.confirm()
    # While the group counts its members anew nobody's lease is confirmed.
    while not second.confirm():
        second.hold(0.1)
        assert time.monotonic() < until
    assert second.generation is not None
    assert second.generation > generation
    second.close()
