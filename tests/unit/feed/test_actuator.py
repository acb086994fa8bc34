# SPDX-License-Identifier: Apache-2.0
"""The actuator moves what stands, once, and nothing on old ground."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.feed import actuator, port
from kvm_insight.model import (
    cluster,
    codec,
    control,
    execution,
    recommendation,
)
from kvm_insight.recommend import heat, limits
from tests.scenario import small_cloud as cloud
from tests.unit.feed import nova
from tests.unit.recommend import test_confirmation

_replace = msgspec.structs.replace
Recommendation = recommendation.Recommendation
_US = 1_000_000


def now_us() -> int:
    return time.time_ns() // 1000


@dataclasses.dataclass
class Stage:
    """A cluster, what is recommended there, and one who carries it out."""

    one: Recommendation
    whole: cluster.Cluster
    nova: nova.Nova
    said: list[control.Order] = dataclasses.field(default_factory=list)
    more: list[Recommendation] = dataclasses.field(default_factory=list)
    options: dict[str, object] = dataclasses.field(default_factory=dict)
    #: Key -> what was published last, and all of it in its order.
    published: dict[str, execution.Execution] = dataclasses.field(
        default_factory=dict
    )
    states: list[str] = dataclasses.field(default_factory=list)
    generation: int = 1
    allowed: bool = True
    fresh: tuple[str, ...] = tuple(f'r/{number}' for number in range(6))
    told_us: int | None = None
    confirmed: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Let another one take over, who knows what was published."""

        def publish(name: str, key: str, value: bytes) -> None:
            assert name == 'inventory'
            new = codec.decode(value, execution.Execution)
            assert key == f'execution/{new.recommendation}'
            self.published[new.recommendation] = new
            self.states.append(new.state)

        @contextlib.contextmanager
        def opens() -> Iterator[Callable[[frozenset[str]], cluster.Cluster]]:
            yield self.confirm

        self.feed = actuator.Actuator(
            {
                'actuator_only_approved': False,
                'actuator_at_once': 1,
                'actuator_limit_s': 60,
                'limits': limits.Limits(cluster_age_s=300),
                'confirm': opens,
                **self.options,
            },
            publish,
            self.nova,
        )

    def confirm(self, hosts: frozenset[str]) -> cluster.Cluster:
        self.confirmed += 1
        if self.nova.away:
            raise exception.CloudUnavailable('Nova: away')
        places = self.nova.places
        return _replace(
            self.whole,
            instances=[
                _replace(one, host=places[one.uuid])
                for one in self.whole.instances
                if one.uuid in places
            ],
        )

    def told(self) -> port.Told:
        return port.Told(
            self.generation,
            self.told_us or now_us(),
            heats={name: heat.Heat(0.0, now_us()) for name in self.fresh},
            standing=[self.one, *self.more],
            orders=self.said,
            executions=dict(self.published),
        )

    def step(self) -> None:
        self.feed.write(self.told(), lambda: self.allowed)

    def waits(self, words: str) -> None:
        """One step begins nothing, and says why."""
        self.step()
        assert self.nova.begun == []
        assert words in str(self.now.reason)
        assert self.now.state == 'waiting'
        assert not execution.is_begun(self.now)

    @property
    def now(self) -> execution.Execution:
        return self.published[self.one.id]

    @property
    def state(self) -> str:
        return self.now.state

    @property
    def move(self) -> recommendation.Move:
        return self.one.moves[0]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """One move that may begin at once."""
    monkeypatch.setattr(actuator, '_TRY_AGAIN_S', 0.0)
    planned, said = test_confirmation.planned()
    (one,) = said.recommendations
    one = _replace(one, expires_us=now_us() + 900 * _US)
    assert planned.whole is not None
    whole = _replace(planned.whole, time_us=now_us())
    places = {x.uuid: x.host for x in whole.instances}
    return Stage(one, whole, nova.Nova(places))


@pytest.fixture
def chain(stage: Stage) -> Stage:
    """Two moves, one after the other."""
    first = stage.move
    second = _replace(
        first, instance=cloud.uuid_of('web-0'), name='web-0', role='neighbour'
    )
    stage.one = _replace(stage.one, moves=[first, second])
    return stage


def test_a_move_is_told_then_asked_for_and_over_when_it_is_seen_there(
    stage: Stage,
) -> None:
    stage.step()
    move = stage.move
    assert stage.nova.begun == [(move.instance, move.destination)]
    assert (stage.now.state, stage.now.before) == ('moving', None)
    assert stage.feed.again_s is not None
    stage.step()
    assert stage.now.copied_ratio == pytest.approx(0.2)
    stage.nova.end()
    stage.step()
    assert stage.state == 'done'
    assert stage.feed.again_s is None
    stage.step()
    assert len(stage.nova.begun) == 1


def test_ended_is_not_enough_it_must_be_seen_running_there(
    stage: Stage,
) -> None:
    stage.step()
    stage.nova.end()
    stage.nova.states[stage.move.instance] = 'error'
    stage.step()
    assert stage.state == 'moving'
    stage.options['actuator_limit_s'] = -1
    stage.start()
    stage.step()
    assert stage.state == 'failed'
    assert f'it is error on {stage.move.destination}' in str(stage.now.reason)


def test_who_takes_over_takes_up_what_is_under_way(stage: Stage) -> None:
    stage.step()
    stage.generation += 1
    stage.start()
    stage.step()
    stage.nova.end()
    stage.step()
    assert stage.state == 'done'
    assert stage.now.generation == 2
    assert len(stage.nova.begun) == 1


def test_who_takes_over_sees_what_ended_meanwhile(stage: Stage) -> None:
    stage.step()
    stage.nova.end('failed')
    stage.generation += 1
    stage.start()
    stage.step()
    assert stage.state == 'failed'
    assert len(stage.nova.begun) == 1


def test_what_was_told_and_never_asked_for_is_asked_for_once(
    stage: Stage,
) -> None:
    answers = iter([True, True, False])
    with pytest.raises(exception.LeaseLost):
        stage.feed.write(stage.told(), lambda: next(answers))
    assert stage.state == 'moving'
    assert stage.nova.begun == []
    stage.generation += 1
    stage.start()
    stage.step()
    assert len(stage.nova.begun) == 1
    stage.step()
    assert len(stage.nova.begun) == 1


def test_nothing_is_told_or_asked_for_without_the_lease(stage: Stage) -> None:
    stage.allowed = False
    with pytest.raises(exception.LeaseLost):
        stage.step()
    assert stage.published == {}
    assert stage.nova.begun == []


def test_a_request_whose_answer_was_lost_is_not_sent_again(
    stage: Stage,
) -> None:
    stage.nova.ways = ['loses']
    with pytest.raises(exception.CloudUnavailable):
        stage.step()
    stage.step()
    stage.nova.end()
    stage.step()
    assert stage.state == 'done'
    assert len(stage.nova.begun) == 1


def test_a_request_that_was_taken_and_then_declined_is_under_way(
    stage: Stage,
) -> None:
    """As when a client sends it again by itself."""
    real = stage.nova.begin

    def begin(move: recommendation.Move) -> None:
        real(move)
        real(move)

    stage.nova.begin = begin  # type: ignore[method-assign]
    stage.step()
    assert stage.state == 'moving'
    assert len(stage.nova.begun) == 1


def test_a_request_that_never_arrives_is_sent_twice_and_no_more(
    stage: Stage,
) -> None:
    stage.nova.ways = ['drops', 'drops', 'drops']
    for _ in range(5):
        with contextlib.suppress(exception.CloudUnavailable):
            stage.step()
    assert len(stage.nova.begun) == 2
    assert stage.state == 'failed'
    assert 'nothing came of it' in str(stage.now.reason)


def test_a_role_that_is_missing_fails_no_move(stage: Stage) -> None:
    stage.nova.ways = ['forbids']
    with pytest.raises(exception.CloudRefused):
        stage.step()
    assert stage.state == 'waiting'
    assert not execution.is_begun(stage.now)
    stage.step()
    assert stage.state == 'moving'
    assert stage.now.tries == 1


@pytest.mark.parametrize('how', ['declines', 'fails'])
def test_a_plan_stops_where_a_move_fails(chain: Stage, how: str) -> None:
    if how == 'declines':
        chain.nova.ways = ['declines']
    chain.step()
    chain.nova.end('failed')
    for _ in range(3):
        chain.step()
    assert (chain.now.state, chain.now.move) == ('failed', 0)
    assert len(chain.nova.begun) == (0 if how == 'declines' else 1)


def test_moves_are_made_in_their_order_each_after_another_look(
    chain: Stage,
) -> None:
    chain.step()
    chain.step()
    assert len(chain.nova.begun) == 1
    before = chain.confirmed
    chain.nova.end()
    chain.step()
    assert [uuid for uuid, _ in chain.nova.begun] == [
        move.instance for move in chain.one.moves
    ]
    assert chain.confirmed == before + 1
    chain.nova.end()
    chain.step()
    assert (chain.now.state, chain.now.move) == ('done', 1)


def test_a_later_move_that_is_refused_waits_and_ends_at_the_expiry(
    chain: Stage,
) -> None:
    chain.step()
    chain.nova.end()
    chain.whole = test_confirmation.hosts(
        chain.whole, chain.move.destination, enabled=False
    )
    chain.step()
    assert (chain.now.state, chain.now.move) == ('waiting', 1)
    assert 'disabled' in str(chain.now.reason)
    chain.one = _replace(chain.one, expires_us=now_us() - 1)
    chain.step()
    assert chain.state == 'failed'
    assert len(chain.nova.begun) == 1


def test_what_was_withdrawn_in_the_middle_goes_no_further(
    chain: Stage,
) -> None:
    chain.step()
    other = _replace(chain.one, id='other', moves=[])
    chain.nova.end()
    chain.published.pop(chain.one.id)
    mine, chain.one = chain.one, other
    chain.step()
    assert chain.published[mine.id].state == 'failed'
    assert len(chain.nova.begun) == 1


def test_a_migration_that_takes_too_long_is_aborted(stage: Stage) -> None:
    stage.step()
    stage.options['actuator_limit_s'] = -1
    stage.start()
    stage.step()
    stage.step()
    assert stage.nova.aborted == ['1']
    assert stage.now.aborted
    stage.nova.end('failed')
    stage.step()
    assert stage.state == 'failed'
    assert 'aborted' in str(stage.now.reason)
    assert 'openstack server set --state active' in str(stage.now.reason)


def test_what_is_put_back_after_an_abort_has_time_for_it(
    stage: Stage,
) -> None:
    stage.step()
    stage.options['actuator_limit_s'] = -1
    stage.start()
    stage.step()
    assert stage.now.aborted
    stage.nova.end('failed')
    stage.nova.tasks[stage.move.instance] = 'migrating'
    stage.step()
    assert stage.state == 'moving'
    del stage.nova.tasks[stage.move.instance]
    stage.step()
    assert stage.state == 'failed'
    assert 'aborted after' in str(stage.now.reason)


def test_what_cannot_be_aborted_is_told_and_watched(stage: Stage) -> None:
    stage.step()
    stage.options['actuator_limit_s'] = -1
    stage.start()
    stage.nova.can_abort = False
    stage.step()
    assert 'cannot be aborted: Nova answers 400' in str(stage.now.reason)
    assert stage.state == 'moving'
    stage.nova.end()
    stage.step()
    assert stage.state == 'done'


def order(stage: Stage, kind: str, about: str, subject: str) -> None:
    stage.said = [
        control.Order(
            kind=kind,  # type: ignore[arg-type]
            about=about,  # type: ignore[arg-type]
            subject=subject,
            made_us=1,
        )
    ]


def moved(stage: Stage) -> None:
    stage.nova.places[stage.move.instance] = 'r/5'


def deleted(stage: Stage) -> None:
    del stage.nova.places[stage.move.instance]


def changed(name: str, **changes: Any) -> Callable[[Stage], None]:
    def change(stage: Stage) -> None:
        host = getattr(stage.move, name)
        stage.whole = test_confirmation.hosts(stage.whole, host, **changes)

    return change


def full(stage: Stage) -> None:
    move = stage.move
    stage.whole = test_confirmation.full(
        stage.whole, move.instance, move.destination
    )


def coming(stage: Stage) -> None:
    move = stage.move
    stage.whole = test_confirmation.coming(
        stage.whole, move.instance, move.destination
    )


def busy(stage: Stage) -> None:
    stage.nova.tasks[stage.move.instance] = 'image_snapshot'


def old(stage: Stage) -> None:
    stage.whole = _replace(stage.whole, time_us=now_us() - 301 * _US)


def silent(stage: Stage) -> None:
    stage.told_us = now_us() - 301 * _US


def unmeasured(stage: Stage) -> None:
    stage.fresh = (stage.move.source,)


def pinned(stage: Stage) -> None:
    stage.whole = test_confirmation.instances(
        stage.whole, stage.move.instance, opted_out=True
    )


REFUSED: dict[str, tuple[Callable[[Stage], None], str]] = {
    'moved': (moved, 'is on r/5'),
    'deleted': (deleted, 'does not have it'),
    'disabled': (changed('destination', enabled=False), 'disabled'),
    'down': (changed('destination', up=False), 'down'),
    'source down': (changed('source', up=False), 'down'),
    'full': (full, 'are free'),
    'coming': (coming, 'is migrating to'),
    'busy': (busy, 'image_snapshot'),
    'old': (old, ' s old'),
    'silent': (silent, ' s old'),
    'unmeasured': (unmeasured, 'no fresh report of'),
    'pinned': (pinned, 'never to be moved'),
    'muted': (
        lambda stage: order(stage, 'mute', 'host', stage.move.source),
        'is muted',
    ),
    'blackout': (
        lambda stage: order(stage, 'blackout', 'cloud', ''),
        'blackout',
    ),
    'rejected': (
        lambda stage: order(
            stage, 'rejection', 'recommendation', stage.one.id
        ),
        'rejected',
    ),
}


@pytest.mark.parametrize('how', REFUSED)
def test_what_is_not_so_any_more_is_not_begun(stage: Stage, how: str) -> None:
    change, words = REFUSED[how]
    change(stage)
    stage.waits(words)
    assert stage.feed.again_s is None


def test_what_may_begin_again_begins(stage: Stage) -> None:
    busy(stage)
    stage.waits('image_snapshot')
    stage.nova.tasks.clear()
    stage.step()
    assert len(stage.nova.begun) == 1
    assert stage.now.reason is None


@pytest.mark.parametrize(
    'changes',
    [
        {'expires_us': 1},
        {'state': 'executing'},
        {'validity': recommendation.Validity(verdict='invalid')},
    ],
)
def test_what_is_not_ours_or_void_is_let_be(
    stage: Stage, changes: dict[str, Any]
) -> None:
    stage.one = _replace(stage.one, **changes)
    stage.step()
    assert stage.published == {}
    assert stage.nova.begun == []


def test_only_what_was_approved_if_so_configured(stage: Stage) -> None:
    stage.options['actuator_only_approved'] = True
    stage.start()
    stage.step()
    assert stage.nova.begun == []
    stage.one = _replace(stage.one, state='approved')
    stage.step()
    assert len(stage.nova.begun) == 1


def test_a_cloud_that_is_away_begins_nothing_and_says_so(
    stage: Stage,
) -> None:
    stage.nova.away = True
    with pytest.raises(exception.CloudUnavailable):
        stage.step()
    assert stage.published == {}


def test_what_is_wrong_is_said_as_long_as_it_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actuator, '_TRY_AGAIN_S', 100.0)
    stage.nova.away = True
    for _ in range(3):
        with pytest.raises(exception.CloudUnavailable):
            stage.step()
    stage.nova.away = False
    stage.step()
    assert stage.state == 'moving'


def other(stage: Stage, number: int, host: str, to: str) -> None:
    """Recommend another move elsewhere."""
    (uuid,) = (
        one.uuid
        for one in stage.whole.instances
        if one.name == f'cool-{number}-a'
    )
    move = _replace(
        stage.move,
        instance=uuid,
        name=f'cool-{number}-a',
        source=host,
        destination=to,
    )
    stage.more.append(_replace(stage.one, id=f'other-{number}', moves=[move]))


def test_no_more_at_once_than_allowed_and_no_host_in_two(
    stage: Stage,
) -> None:
    free = sorted({'r/1', 'r/2', 'r/3', 'r/4', 'r/5'})
    free.remove(stage.move.destination)
    other(stage, int(free[0][2:]), free[0], stage.move.destination)
    other(stage, int(free[1][2:]), free[1], free[2])
    other(stage, int(free[3][2:]), free[3], free[0])
    stage.step()
    assert len(stage.nova.begun) == 1
    stage.options['actuator_at_once'] = 2
    stage.start()
    stage.step()
    hosts = [to for _, to in stage.nova.begun]
    assert hosts == [stage.move.destination, free[2]]


def test_to_be_silent_aborts_nothing_and_says_what_goes_on(
    stage: Stage,
) -> None:
    stage.step()
    (line,) = stage.feed.clear(lambda: True)
    assert 'NOT aborted' in line
    assert 'openstack server migration abort 1' in line
    assert stage.nova.aborted == []
    assert stage.state == 'left'
    assert stage.feed.clear(lambda: True) == []
    stage.step()
    assert len(stage.nova.begun) == 1


def test_to_be_silent_works_while_nova_is_away(chain: Stage) -> None:
    chain.step()
    chain.nova.away = True
    (line,) = chain.feed.clear(lambda: True)
    assert 'NOT aborted' in line
    assert chain.state == 'left'


def test_a_dry_run_says_what_would_be_moved_and_why_not(stage: Stage) -> None:
    lines = list(stage.feed.would(stage.told()))
    move = stage.move
    assert f'from {move.source} to {move.destination}' in lines[0]
    assert 'live-migrate' in lines[0]
    busy(stage)
    lines = list(stage.feed.would(stage.told()))
    assert 'would not begin' in lines[0]
    assert 'image_snapshot' in lines[0]
    assert stage.published == {}
    assert stage.nova.begun == []
