# SPDX-License-Identifier: Apache-2.0
"""Turns of the planner: what is recommended, and what becomes of it."""

import dataclasses

import msgspec
import pytest

from kvm_insight.model import (
    cluster,
    codec,
    control,
    inventory,
    recommendation,
    sample,
)
from kvm_insight.recommend import facts, limits, settings, turn, world
from tests.scenario import small_cloud as cloud

NOW_US = cloud.NOW_US
S = 1_000_000
LIMITS = limits.Limits(rules=settings.Settings(expires_s=900, rounds=60))
_replace = msgspec.structs.replace


class Stage:
    """A planner's world, a clock, and what has been said so far."""

    def __init__(self, hot: int = 1) -> None:
        self.now_us = NOW_US
        self.guests = cloud.guests(hot)
        self.whole: cluster.Cluster | None = cloud.described(self.guests)
        self.seen = world.World(72)
        self.hurting = [f'vic-{number}' for number in range(hot)]
        self.limits = LIMITS
        self.report()

    def report(self) -> None:
        """Let all hosts tell of now."""
        by_name = {one.name: one for one in self.guests}
        found = [
            cloud.found(
                by_name[name],
                by_name[name.replace('vic', 'agg')],
                self.now_us,
            )
            for name in self.hurting
        ]
        for one in found:
            self.seen.take_finding(one.id, codec.encode(one))
        for told in cloud.reports(self.guests, found, now_us=self.now_us):
            self.seen.take_report(told.host, codec.encode(told))

    def take(self, *, close: bool = True) -> turn.Said:
        """Take a turn, and read what it said."""
        said = turn.taken(self.whole, self.seen, self.now_us, self.limits, {})
        for one in said.recommendations:
            self.seen.take_recommendation(one.id, codec.encode(one))
        if close and not said.reasons:
            self.close()
        return said

    def close(self) -> None:
        """Tell that the plan is on the bus to its end."""
        status = inventory.PlannerStatus(
            generation=self.seen.generation,
            time_us=self.now_us,
            state='planning',
            planned_us=self.now_us,
        )
        self.seen.take_facts('planner', codec.encode(status))

    def say(
        self,
        kind: control.Kind,
        about: control.Subject,
        subject: str,
        every_s: int | None = None,
        begins_us: int | None = None,
        ends_us: int | None = None,
    ) -> str:
        """Let somebody say something; return its key."""
        one = control.Order(
            kind=kind,
            about=about,
            subject=subject,
            by='ann',
            made_us=self.now_us,
            every_s=every_s,
            begins_us=begins_us,
            ends_us=ends_us,
        )
        key = control.key(one)
        self.seen.take_order(key, codec.encode(one))
        return key

    def pass_by(self, seconds: int) -> None:
        """Let time pass; all hosts tell of it."""
        self.now_us += seconds * S
        self.report()

    def carry_out(self, one: recommendation.Recommendation) -> None:
        """Move what it says; nobody hurts any more."""
        for move in one.moves:
            self.guests = cloud.moved(
                self.guests, move.name or '', move.destination
            )
        self.hurting = []

    @property
    def known(self) -> dict[str, recommendation.Recommendation]:
        return self.seen.known


def only(stage: Stage) -> recommendation.Recommendation:
    (found,) = stage.known.values()
    return found


def test_a_hot_host_is_relieved_with_reasons() -> None:
    stage = Stage()
    said = stage.take()
    (one,) = said.recommendations
    assert (one.state, one.mode) == ('proposed', 'relieve')
    assert {move.source for move in one.moves} == {'r/0'}
    assert one.findings == ['finding-vic-0']
    assert one.validity.verdict == 'valid'
    assert one.score_after < one.score_before
    assert (said.hosts, said.fresh_hosts, said.reasons) == (6, 6, [])


def test_who_reads_the_same_says_the_same() -> None:
    first, second = Stage(hot=2), Stage(hot=2)
    assert first.take() == second.take()
    assert len(first.known) == 2


def test_what_stands_is_not_planned_again() -> None:
    stage = Stage()
    stage.take()
    before = only(stage)
    stage.pass_by(60)
    assert stage.take().recommendations == []
    assert only(stage) == before


def test_it_expires_and_is_found_again_under_the_same_id() -> None:
    stage = Stage()
    stage.take()
    before = only(stage)
    stage.pass_by(901)
    stage.take()
    after = only(stage)
    assert after.id == before.id
    assert after.state == 'proposed'
    assert after.created_us == before.created_us
    assert after.expires_us == stage.now_us + 900 * S


def test_what_is_not_found_again_has_expired() -> None:
    stage = Stage()
    stage.take()
    stage.guests = [
        dataclasses.replace(one, cores=0.2) for one in stage.guests
    ]
    stage.hurting = []
    stage.pass_by(901)
    stage.take()
    assert only(stage).state == 'expired'


def test_what_expired_says_so_though_nothing_can_be_planned() -> None:
    stage = Stage()
    stage.take()
    stage.now_us += 901 * S
    said = stage.take()
    assert said.reasons
    assert only(stage).state == 'expired'


def test_a_finding_that_closes_takes_its_recommendation_back() -> None:
    stage = Stage()
    stage.take()
    (told,) = stage.seen.findings.values()
    closed = _replace(told, state='closed', closed_reason='recovered')
    stage.seen.take_finding(told.id, codec.encode(closed))
    stage.hurting = []
    stage.guests = [
        dataclasses.replace(one, cores=0.2) for one in stage.guests
    ]
    stage.pass_by(60)
    stage.take()
    one = only(stage)
    assert one.state == 'withdrawn'
    assert one.state_reason == 'what it was to relieve is over'


def test_an_approval_and_its_end() -> None:
    stage = Stage()
    stage.take()
    key = stage.say('approval', 'recommendation', only(stage).id)
    stage.take()
    assert only(stage).state == 'approved'
    assert only(stage).state_reason == 'approved by ann'
    stage.seen.take_order(key, None)
    stage.take()
    assert only(stage).state == 'proposed'


def test_an_approval_outlives_the_expiry_if_it_is_found_again() -> None:
    stage = Stage()
    stage.take()
    stage.say('approval', 'recommendation', only(stage).id)
    stage.pass_by(901)
    stage.take()
    assert only(stage).state == 'approved'
    assert only(stage).expires_us > stage.now_us


def test_what_is_rejected_does_not_come_back() -> None:
    stage = Stage()
    stage.take()
    one = only(stage)
    stage.say('rejection', 'recommendation', one.id)
    stage.take()
    assert stage.known[one.id].state == 'withdrawn'
    assert stage.known[one.id].state_reason == 'rejected by ann'
    for _ in range(3):
        stage.pass_by(300)
        stage.take()
        assert stage.known[one.id].state == 'withdrawn'


@pytest.mark.parametrize(
    ('kind', 'about', 'subject'),
    [
        ('mute', 'host', 'r/0'),
        ('mute', 'instance', cloud.uuid_of('agg-0')),
        ('mute', 'project', 'red'),
        ('opt_out', 'instance', cloud.uuid_of('agg-0')),
        ('opt_out', 'project', 'red'),
        ('blackout', 'host', 'r/0'),
        ('blackout', 'cloud', ''),
    ],
)
def test_what_people_say_takes_it_back(
    kind: control.Kind, about: control.Subject, subject: str
) -> None:
    stage = Stage()
    stage.take()
    before = only(stage)
    assert [move.name for move in before.moves] == ['agg-0']
    key = stage.say(kind, about, subject)
    stage.pass_by(60)
    stage.take()
    assert stage.known[before.id].state == 'withdrawn'
    instances = {one.uuid: one for one in stage.guests}
    for one in stage.known.values():
        if one.state == 'proposed':
            for move in one.moves:
                assert subject not in (move.source, move.instance)
                assert instances[move.instance].project != subject
    stage.seen.take_order(key, None)
    stage.pass_by(1000)
    stage.take()
    states = [one.state for one in stage.known.values()]
    assert 'proposed' in states


def test_a_window_that_comes_every_day_holds_every_day() -> None:
    stage = Stage()
    begins_us = NOW_US - 2 * 86_400 * S - 10 * S
    stage.say(
        'blackout',
        'cloud',
        '',
        begins_us=begins_us,
        ends_us=begins_us + 60 * S,
        every_s=86_400,
    )
    assert stage.take().recommendations == []
    stage.pass_by(60)
    assert len(stage.take().recommendations) == 1


def test_a_plan_that_was_not_told_to_its_end_is_made_again() -> None:
    whole, broken = Stage(hot=2), Stage(hot=2)
    expected = {one.id for one in whole.take().recommendations}
    first, _ = turn.taken(
        broken.whole, broken.seen, NOW_US, LIMITS, {}
    ).recommendations
    # One of two is on the bus, and then the planner dies.
    broken.seen.take_recommendation(first.id, codec.encode(first))
    broken.take()
    assert set(broken.known) == expected
    assert {one.state for one in broken.known.values()} == {'proposed'}


def test_what_the_second_plan_does_not_say_is_taken_back() -> None:
    stage = Stage()
    stage.take(close=False)
    before = only(stage)
    stage.say('mute', 'host', before.moves[0].destination)
    stage.take()
    assert stage.known[before.id].state == 'withdrawn'
    assert sum(one.state == 'proposed' for one in stage.known.values()) == 1


def test_what_was_carried_out_is_measured() -> None:
    stage = Stage()
    stage.take()
    stage.carry_out(only(stage))
    stage.pass_by(120)
    stage.take()
    one = only(stage)
    assert one.state == 'executed'
    assert one.outcome is not None
    assert one.outcome.verdict == 'unknown'
    assert one.outcome.victims[0].lost_cores_before == pytest.approx(0.5)
    executed_us = one.outcome.executed_us
    assert executed_us == stage.now_us
    stage.pass_by(300)
    assert stage.take().recommendations == []
    stage.pass_by(301)
    stage.take()
    outcome = only(stage).outcome
    assert outcome is not None
    assert outcome.verdict == 'helped'
    assert outcome.victims[0].lost_cores_after == pytest.approx(0.01)
    assert outcome.executed_us == executed_us
    assert 'it helped' in outcome.summary
    stage.pass_by(60)
    assert stage.take().recommendations == []


def test_what_did_not_help_is_said_so() -> None:
    stage = Stage()
    stage.take()
    hurting = stage.hurting
    stage.carry_out(only(stage))
    stage.hurting = hurting
    stage.pass_by(120)
    stage.take()
    stage.pass_by(601)
    stage.take()
    outcome = next(one.outcome for one in stage.known.values() if one.outcome)
    assert outcome.verdict == 'no_change'


def test_who_moved_is_left_alone_and_does_not_go_back() -> None:
    stage = Stage()
    stage.take()
    one = only(stage)
    stage.carry_out(one)
    stage.pass_by(120)
    stage.take()
    # Where it came to is hot now.
    there = one.moves[0].destination
    stage.guests = [
        dataclasses.replace(each, cores=each.cores * 3)
        if each.host == there
        else each
        for each in stage.guests
    ]
    stage.pass_by(1200)
    stage.take()
    who = one.moves[0].instance
    later = [x for x in stage.known.values() if x.id != one.id]
    assert all(move.instance != who for x in later for move in x.moves)


def test_seen_on_both_hosts_it_is_being_carried_out() -> None:
    stage = Stage()
    stage.take()
    one = only(stage)
    move = one.moves[0]
    stage.guests += [
        dataclasses.replace(each, host=move.destination)
        for each in stage.guests
        if each.uuid == move.instance
    ]
    stage.pass_by(30)
    stage.take()
    assert only(stage).state == 'executing'
    # As long as it migrates nothing else is done with these hosts.
    stage.pass_by(900)
    assert stage.take().recommendations == []
    stage.pass_by(3700)
    stage.take()
    assert stage.known[one.id].state == 'failed'


def test_moved_elsewhere_by_somebody_it_is_taken_back() -> None:
    stage = Stage()
    stage.take()
    one = only(stage)
    elsewhere = next(
        f'r/{number}'
        for number in range(1, 6)
        if f'r/{number}' != one.moves[0].destination
    )
    stage.guests = cloud.moved(stage.guests, 'agg-0', elsewhere)
    stage.pass_by(30)
    stage.take()
    assert stage.known[one.id].state == 'withdrawn'
    assert f'agg-0 is on {elsewhere} now' in (
        stage.known[one.id].state_reason or ''
    )


def test_what_nova_would_refuse_by_now_is_taken_back() -> None:
    stage = Stage()
    stage.take()
    one = only(stage)
    there = one.moves[0].destination
    assert stage.whole is not None
    stage.whole = _replace(
        stage.whole,
        hosts=[
            _replace(host, enabled=host.name != there)
            for host in stage.whole.hosts
        ],
    )
    stage.pass_by(30)
    stage.take()
    assert stage.known[one.id].state == 'withdrawn'
    assert 'not valid any more' in (stage.known[one.id].state_reason or '')


@pytest.mark.parametrize(
    'spoil',
    [
        lambda stage: setattr(stage, 'whole', None),
        lambda stage: setattr(stage, 'whole', cluster.Cluster(time_us=NOW_US)),
        lambda stage: setattr(
            stage,
            'whole',
            _replace(stage.whole, time_us=NOW_US - 90_000 * S),
        ),
        lambda stage: setattr(stage, 'now_us', NOW_US + 1000 * S),
        lambda stage: stage.seen.reports.clear(),
    ],
)
def test_nothing_is_planned_from_what_is_stale(spoil: object) -> None:
    assert callable(spoil)
    stage = Stage()
    spoil(stage)
    said = stage.take()
    assert said.recommendations == []
    assert len(said.reasons) == 1


def test_a_host_whose_report_is_old_takes_no_part() -> None:
    stage = Stage()
    stage.now_us += 600 * S
    by_name = {one.name: one for one in stage.guests}
    found = cloud.found(by_name['vic-0'], by_name['agg-0'], stage.now_us)
    told = cloud.reports(stage.guests, [found], now_us=stage.now_us)
    for one in told[:4]:
        stage.seen.take_report(one.host, codec.encode(one))
    stage.now_us += 600 * S
    said = stage.take()
    assert said.fresh_hosts == 4
    hosts = {
        name
        for one in said.recommendations
        for move in one.moves
        for name in (move.source, move.destination)
    }
    assert 'r/0' in hosts
    assert not hosts & {'r/4', 'r/5'}


def test_nothing_follows_from_a_cluster_that_contradicts_itself() -> None:
    stage = Stage()
    assert stage.whole is not None
    stage.whole = _replace(
        stage.whole,
        hosts=[
            _replace(
                one,
                inventories={
                    'VCPU': cluster.Inventory(total=1, used=sample.LIMIT)
                },
            )
            for one in stage.whole.hosts
        ],
    )
    said = stage.take()
    assert said.recommendations == []


def test_hosts_in_maintenance_are_emptied_where_that_is_wanted() -> None:
    stage = Stage(hot=0)
    assert stage.whole is not None
    stage.whole = _replace(
        stage.whole,
        hosts=[
            _replace(one, maintenance=one.name == 'r/3')
            for one in stage.whole.hosts
        ],
    )
    assert stage.take().recommendations == []
    stage.limits = dataclasses.replace(LIMITS, modes=('relieve', 'evacuate'))
    said = stage.take()
    moves = [move for one in said.recommendations for move in one.moves]
    assert {move.source for move in moves} == {'r/3'}
    assert len(moves) == 2


def test_names_and_cohorts_are_told_once() -> None:
    stage = Stage(hot=0)
    assert stage.whole is not None
    for hour in cloud.hours(stage.guests, 5):
        stage.seen.take_usage(hour.host, codec.encode(hour))
    told = facts.new(stage.whole, stage.seen, True)
    by_key = {inventory.key(one): one for one in told}
    host = by_key['host/r/1']
    assert isinstance(host, inventory.HostFacts)
    assert host.aggregates == ['fast disks']
    flavor = by_key['flavor/m2']
    assert isinstance(flavor, inventory.FlavorFacts)
    assert flavor.cohort is not None
    assert flavor.cohort.instances == 12
    assert flavor.cohort.hosts == 6
    assert flavor.cohort.suffering == pytest.approx(0.1)
    assert flavor.cohort.use == pytest.approx(0.3, abs=0.01)
    assert flavor.cohort.peak == pytest.approx(0.35, abs=0.01)
    advised = by_key['aggregate/ssd']
    assert isinstance(advised, inventory.AggregateAdvice)
    assert (advised.change, advised.current) == ('unknown', 4.0)
    assert (advised.hosts, advised.host_hours) == (3, 0)
    for one in told:
        stage.seen.take_facts(inventory.key(one), codec.encode(one))
    assert facts.new(stage.whole, stage.seen, True) == []


def test_where_all_wait_a_lower_ratio_is_advised() -> None:
    stage = Stage(hot=0)
    assert stage.whole is not None
    crowd = [
        cloud.Guest(f'g-{host}-{number}', f'r/{host}', 1.4)
        for host in (1, 3, 5)
        for number in range(8)
    ]
    for hour in cloud.hours(crowd, 72):
        stage.seen.take_usage(hour.host, codec.encode(hour))
        stage.seen.take_usage(hour.host, codec.encode(hour))
    (told,) = [
        one
        for one in facts.new(stage.whole, stage.seen, True)
        if isinstance(one, inventory.AggregateAdvice)
    ]
    assert (told.change, told.reason) == ('lower', 'waits')
    assert told.advised < told.current
    assert told.waited == pytest.approx(0.1, abs=0.01)
    assert told.host_hours == 3 * 24 * 3
