# SPDX-License-Identifier: Apache-2.0
"""Which hosts are marked, and that never too many are."""

import dataclasses
import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.model import cluster, codec, inventory, mark
from kvm_insight.recommend import heat, marks, turn, watermarks
from kvm_insight.recommend import limits as limits_
from tests.scenario import small_cloud as cloud

RULES = watermarks.Watermarks(sustain_s=120, calm_s=600)
AT_ONCE = watermarks.Watermarks(sustain_s=0, calm_s=0)
S = 1_000_000


def where(**groups: str) -> dict[str, marks.Place]:
    """Return hosts with the names of their aggregates, blank-separated."""
    return {
        name: marks.Place(None, tuple(words.split()) or (marks.ALONE,))
        for name, words in groups.items()
    }


def heats(**values: float) -> dict[str, heat.Heat]:
    return {name: heat.Heat(value, 0) for name, value in values.items()}


def names(made: mark.Marks) -> list[str]:
    return [one.host for one in made.hosts]


ONE_OF_FIVE = where(a='x', b='x', c='x', d='x', e='x')


def run(
    steps: list[tuple[int, dict[str, heat.Heat]]],
    rules: watermarks.Watermarks = RULES,
) -> list[list[str]]:
    """Return who is marked after each step; steps are at these seconds."""
    before = None
    found = []
    for at_s, hot in steps:
        made = marks.decided(ONE_OF_FIVE, hot, before, at_s * S, rules)
        # The next planner knows what was told, and nothing else.
        before = codec.decode(codec.encode(made), mark.Marks)
        found.append(names(made))
    return found


def test_a_host_is_marked_when_it_was_hot_for_long_enough() -> None:
    hot = heats(a=0.9)
    assert run([(0, hot), (60, hot), (119, hot), (120, hot)]) == [
        [],
        [],
        [],
        ['a'],
    ]


def test_a_single_spike_marks_nobody() -> None:
    assert (
        run([(0, heats(a=0.9)), (60, heats(a=0.1)), (121, heats(a=0.9))])[-1]
        == []
    )


def test_between_the_watermarks_nothing_changes() -> None:
    steps = [(0, heats(a=0.9)), (120, heats(a=0.9))]
    between = [(at, heats(a=0.3, b=0.3)) for at in range(180, 9000, 60)]
    assert run([*steps, *between])[-1] == ['a']


def test_it_is_freed_when_it_was_cool_for_long_enough() -> None:
    steps = [(0, heats(a=0.9)), (120, heats(a=0.9)), (180, heats(a=0.1))]
    assert run([*steps, (779, heats(a=0.1))])[-1] == ['a']
    assert run([*steps, (780, heats(a=0.1))])[-1] == []
    again = [(400, heats(a=0.3)), (780, heats(a=0.1))]
    assert run([*steps, *again])[-1] == ['a']


def test_a_host_that_fell_silent_is_marked_no_longer() -> None:
    hot = heats(a=0.9)
    assert run([(0, hot), (120, hot), (180, heats(b=0.0))])[-1] == []


def test_the_worst_is_marked_and_the_others_are_an_alarm() -> None:
    hot = heats(a=0.5, b=0.9, c=0.7)
    made = marks.decided(ONE_OF_FIVE, hot, None, S, AT_ONCE)
    assert names(made) == ['b']
    assert made.alarms == [
        mark.Alarm(group='x', hosts=5, allowed=1, held=['c', 'a'])
    ]


def test_who_is_marked_keeps_it_when_another_one_gets_worse() -> None:
    first = marks.decided(ONE_OF_FIVE, heats(a=0.5), None, S, AT_ONCE)
    hot = heats(a=0.5, b=0.9)
    then = marks.decided(ONE_OF_FIVE, hot, first, 2 * S, AT_ONCE)
    assert names(then) == ['a']
    assert then.alarms[0].held == ['b']


def test_a_host_in_two_aggregates_needs_room_in_both() -> None:
    both = where(a='x', b='x y', c='y', d='y')
    hot = heats(a=0.9, b=0.8, c=0.7)
    made = marks.decided(both, hot, None, S, AT_ONCE)
    assert names(made) == ['a', 'c']
    assert [(one.group, one.held) for one in made.alarms] == [('x', ['b'])]


def test_the_only_host_that_two_aggregates_share_is_never_marked() -> None:
    zones = {f'h{n}': 'az1' for n in range(10)}
    zones |= {f'k{n}': 'az2' for n in range(10)}
    both = where(**zones | {'h9': 'az1 ssd', 'k9': 'az2 ssd'})
    hot = heats(h9=0.9, k9=0.8, h0=0.7)
    made = marks.decided(both, hot, None, S, AT_ONCE)
    assert names(made) == ['h0']
    assert made.alarms == [
        mark.Alarm(group='az1 & ssd', hosts=1, allowed=0, held=['h9']),
        mark.Alarm(group='az2 & ssd', hosts=1, allowed=0, held=['k9']),
    ]


def test_what_two_aggregates_share_has_room_as_an_aggregate() -> None:
    # Each of the two alone would let all five be marked.
    shared = {f's{n}': 'az1 ssd' for n in range(5)}
    rest = {f'{x}{n}': x for x in ('az1', 'ssd') for n in range(20)}
    hot = heats(**dict.fromkeys(shared, 0.9))
    made = marks.decided(where(**shared, **rest), hot, None, S, AT_ONCE)
    assert names(made) == ['s0']
    held = ['s1', 's2', 's3', 's4']
    assert made.alarms == [
        mark.Alarm(group='az1 & ssd', hosts=5, allowed=1, held=held)
    ]


def test_in_which_order_a_host_has_its_aggregates_is_all_one() -> None:
    rest = {f'{x}{n}': x for x in 'xy' for n in range(20)}
    both = where(a='x y', b='y x', **rest)
    made = marks.decided(both, heats(a=0.9, b=0.8), None, S, AT_ONCE)
    assert names(made) == ['a']
    assert [(one.group, one.held) for one in made.alarms] == [('x & y', ['b'])]


def test_a_mark_ends_when_its_host_is_the_only_one_that_is_shared() -> None:
    before = where(a='x', b='x', c='x', d='y', e='y')
    first = marks.decided(before, heats(a=0.9), None, S, AT_ONCE)
    assert names(first) == ['a']
    after = where(a='x y', b='x', c='x', d='y', e='y')
    then = marks.decided(after, heats(a=0.9), first, 2 * S, AT_ONCE)
    assert names(then) == []
    assert [(one.group, one.held) for one in then.alarms] == [('x & y', ['a'])]


def test_an_alarm_with_two_long_names_can_be_read() -> None:
    one, two = 'x' * 1000, 'y' * 1000
    both = where(a=f'{one} {two}', b=one, c=two)
    made = marks.decided(both, heats(a=0.9), None, S, AT_ONCE)
    assert made.alarms
    assert codec.decode(codec.encode(made), mark.Marks) == made


def test_the_last_host_that_can_take_instances_is_never_marked() -> None:
    alone = where(a='x', b='y', c='y')
    made = marks.decided(alone, heats(a=1.0, b=1.0), None, S, AT_ONCE)
    assert names(made) == ['b']
    assert made.alarms[0].allowed == 0


def test_hosts_that_take_no_instances_count_for_nothing() -> None:
    whole = cloud.described(cloud.guests())
    hosts = [
        msgspec.structs.replace(whole.hosts[0], enabled=False),
        msgspec.structs.replace(whole.hosts[1], up=False),
        msgspec.structs.replace(whole.hosts[2], maintenance=True),
        *whole.hosts[3:],
    ]
    found = marks.places(msgspec.structs.replace(whole, hosts=hosts))
    assert list(found) == ['r/3', 'r/4', 'r/5']
    assert found['r/3'].groups == ('fast disks',)
    assert found['r/4'].groups == (marks.ALONE,)
    assert found['r/4'].provider == cloud.uuid_of('r/4')


def test_a_fifth_is_a_fifth() -> None:
    found = [marks.allowed(hosts, 0.2) for hosts in range(21)]
    assert found[:11] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    assert (found[14], found[15], found[20]) == (2, 3, 4)


def test_of_a_cluster_that_is_not_known_nothing_is_decided() -> None:
    whole = cloud.described(cloud.guests())
    limits = limits_.Limits(cluster_age_s=60, marks=AT_ONCE)
    later_us = cloud.NOW_US + 61 * S
    hot = {'r/0': heat.Heat(0.9, 0)}
    assert turn.marked(None, hot, None, later_us, limits) is None
    assert turn.marked(whole, hot, None, later_us, limits) is None
    made = turn.marked(whole, hot, None, cloud.NOW_US, limits)
    assert made is not None
    assert names(made) == ['r/0']


SOME = st.sets(st.sampled_from(['x', 'y', 'z']), max_size=3)


@st.composite
def worlds(
    draw: st.DrawFn,
) -> list[tuple[dict[str, marks.Place], dict[str, heat.Heat], int]]:
    """Return what a planner sees in some cycles, aggregates changing."""
    steps = []
    for _ in range(draw(st.integers(1, 6))):
        hosts = draw(
            st.dictionaries(st.sampled_from('abcdefghijklmnop'), SOME)
        )
        places = {
            name: marks.Place(None, tuple(sorted(groups)) or (marks.ALONE,))
            for name, groups in hosts.items()
        }
        values = draw(
            st.dictionaries(
                st.sampled_from('abcdefghijklmnopq'), st.floats(0, 1)
            )
        )
        hot = {name: heat.Heat(value, 0) for name, value in values.items()}
        steps.append((places, hot, draw(st.integers(0, 2000))))
    return steps


@given(worlds(), st.sampled_from([RULES, AT_ONCE]))
def test_no_aggregate_has_more_marks_than_it_may(
    steps: list[tuple[dict[str, marks.Place], dict[str, heat.Heat], int]],
    rules: watermarks.Watermarks,
) -> None:
    before: mark.Marks | None = None
    for places, hot, at_s in steps:
        made = marks.decided(places, hot, before, at_s * S, rules)
        marked = set(names(made))
        assert marked <= set(places) & set(hot)
        for group in {x for one in places.values() for x in one.groups}:
            members = {n for n, one in places.items() if group in one.groups}
            there = members & marked
            assert len(there) <= max(1, len(members) // 5)
            assert members - there
        was = set(names(before)) if before else set()
        for name in marked:
            assert hot[name].value >= rules.high or name in was
        before = made


@given(st.dictionaries(st.integers(0, 30), SOME, min_size=5))
def test_when_all_are_hot_any_two_aggregates_share_a_free_host(
    hosts: dict[int, set[str]],
) -> None:
    found = {f'h{number}': ' '.join(x) for number, x in hosts.items()}
    hot = heats(**dict.fromkeys(found, 0.9))
    marked = set(names(marks.decided(where(**found), hot, None, S, AT_ONCE)))
    for pair in itertools.product('xyz', 'xyz'):
        shared = {n for n, x in found.items() if {*pair} <= {*x.split()}}
        assert len(shared & marked) <= max(1, len(shared) // 5)
        assert shared - marked or not shared


@given(st.integers(2, 60))
def test_when_all_are_hot_the_most_are_free(number: int) -> None:
    places = {f'h{n}': marks.Place() for n in range(number)}
    hot = {name: heat.Heat(0.99, 0) for name in places}
    made = marks.decided(places, hot, None, S, AT_ONCE)
    assert len(made.hosts) == max(1, number // 5)
    (alarm,) = made.alarms
    assert len(alarm.held) == number - len(made.hosts)


def test_a_clock_that_was_set_back_marks_nobody_for_ever() -> None:
    hot, cool = heats(a=0.9), heats(a=0.0)
    steps = [(9000, hot), (9120, hot), (0, cool), (600, cool)]
    assert run(steps)[-1] == []


def test_heat_tells_its_reasons_worst_first() -> None:
    guests = cloud.guests()
    found = cloud.found(guests[0], guests[1], cloud.NOW_US)
    report = cloud.reports(guests, [found])[0]
    soon = inventory.Outlook(
        host='r/0', state='hot', probability=0.6, within_h=6
    )
    made = heat.of(report, soon)
    assert made.value > RULES.high
    assert made.reasons == (
        '0.60 cores lost',
        '60% sure to be too full within 6 h',
    )
    assert heat.of(cloud.reports(guests)[1], None) == heat.Heat(
        0.0, cloud.NOW_US
    )


def test_what_a_guest_does_to_itself_makes_no_host_hot() -> None:
    guests = cloud.guests()
    found = cloud.found(guests[0], guests[1], cloud.NOW_US)
    own = msgspec.structs.replace(found, verdict='self_inflicted')
    report = cloud.reports(guests, [own])[0]
    assert heat.of(report, None).value == 0.0


def test_a_cluster_without_hosts_has_no_marks() -> None:
    empty = cluster.Cluster(time_us=1)
    made = marks.decided(marks.places(empty), {}, None, 1, RULES)
    assert made == mark.Marks(time_us=1)
    assert dataclasses.asdict(RULES)['radius'] == 0.2
