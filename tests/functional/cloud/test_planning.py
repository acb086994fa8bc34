# SPDX-License-Identifier: Apache-2.0
"""What is recommended in a real cloud is what Nova does."""

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kvm_insight import exception, planner
from kvm_insight.bus import topic
from kvm_insight.cloud import settings, watch
from kvm_insight.conf import planner as options
from kvm_insight.model import codec, inventory, recommendation
from kvm_insight.recommend import limits
from tests.functional.cloud import conftest
from tests.functional.planner import conftest as planners
from tests.scenario import small_cloud

#: The other host has just received what another test has moved.
RESTLESS = dataclasses.replace(limits.Limits().rules, receiver_rest_s=0)
#: The first one waits for the cloud.
pytestmark = pytest.mark.timeout(900)


@dataclasses.dataclass(frozen=True, slots=True)
class Real(small_cloud.Guest):
    """A guest that Nova has given its id."""

    id: str = ''

    @property
    def uuid(self) -> str:
        return self.id


def boot(stage: conftest.Stage, *names: str) -> list[Real]:
    """Return a victim and its aggressor on one host, and somebody on the
    other, when they run."""
    places = (('compute1', 3.0), ('compute1', 5.0), ('compute2', 0.2))
    guests = [
        Real(name, host, cores, 1, id=stage.boot('admin', name, host=host))
        for name, (host, cores) in zip(names, places, strict=True)
    ]
    stage.wait_active(*(one.uuid for one in guests))
    return guests


@pytest.fixture(scope='module')
def together(stage: conftest.Stage) -> Iterator[list[Real]]:
    """A victim and its aggressor on one host, and somebody on the other."""
    guests = boot(stage, 'victim', 'aggressor', 'other')
    yield guests
    for one in guests:
        stage.delete(one.uuid)


def tell(
    bench: planners.Bench, guests: list[Real], hurts: bool = True
) -> None:
    """Publish what the analyzer would say of both hosts now."""
    now_us = time.time_ns() // 1000
    found = [small_cloud.found(guests[0], guests[1], now_us)] if hurts else []
    bench.publish(topic.FINDINGS, {one.id: one for one in found})
    told = [
        small_cloud.report(
            host,
            [one for one in guests if one.host == host],
            [one for one in found if one.host == host],
            now_us,
        )
        for host in ('compute1', 'compute2')
    ]
    bench.publish(topic.HOSTS, {one.host: one for one in told})


def run(
    bench: planners.Bench,
    source: watch.Watch,
    asked: settings.Settings,
    work: Callable[[], None],
    **more: Any,
) -> None:
    """Let a planner run beside some work."""
    whole = limits.Limits(cluster_age_s=asked.max_age_s, **more)
    one = planner.Planner(
        bench.bus,
        options.Settings(prefix='t.', cycle_s=0.3, limits=whole),
        source.read,
        confirm=lambda hosts: source.confirm(hosts, asked.confirm_s),
    )
    planners.beside(one, work, 60)


def proposed(bench: planners.Bench) -> list[recommendation.Recommendation]:
    newest = {one.id: one for one in bench.told()}
    return [one for one in newest.values() if one.state == 'proposed']


def carry_out(
    stage: conftest.Stage, one: recommendation.Recommendation
) -> None:
    """Let Nova do it, move by move."""
    for move in one.moves:
        stage.migrate(move.instance, move.destination)

        def arrived(move: recommendation.Move = move) -> bool:
            return stage.now(move.instance) == (move.destination, 'ACTIVE')

        conftest.within(120, arrived)


def facts(bench: planners.Bench, key: str) -> Iterator[inventory.Facts]:
    for value in bench.records(topic.INVENTORY):
        one = codec.decode(value, inventory.KINDS[codec.schema_of(value)])
        if inventory.key(one) == key:
            yield one


def test_slow_answers_stop_no_loop_and_nothing_is_said_on_their_ground(
    stage: conftest.Stage, together: list[Real], bench: planners.Bench
) -> None:
    asked = stage.asked(confirm_s=1.0, poll_s=3600.0)
    with watch.Watch(asked) as source:
        conftest.within(120, source.read)
        stage.front.faults |= {'compute': 'slow', 'placement': 'slow'}
        tell(bench, together)

        def work() -> None:
            bench.wait_for(
                lambda: (
                    'not confirmed' in ''.join(bench.statuses()[-1].reasons)
                    if bench.statuses()
                    else False
                )
            )
            before = len(bench.statuses())
            time.sleep(6)
            # A cycle waits a second for Nova, which takes ten.
            assert len(bench.statuses()) - before >= 3
            assert len({x.generation for x in bench.statuses()}) == 1
            assert bench.told() == []

        run(bench, source, asked, work)


def test_nothing_is_recommended_from_a_state_that_is_old(
    stage: conftest.Stage, together: list[Real], bench: planners.Bench
) -> None:
    asked = stage.asked(poll_s=0.5, max_age_s=15, confirm_s=20.0)
    with watch.Watch(asked) as source:
        conftest.within(120, source.read)
        stage.front.faults['compute'] = 503

        def old() -> bool:
            try:
                source.read()
            except exception.CloudUnavailable as why:
                return ' s old: Nova answers 503' in str(why)
            return False

        conftest.within(120, old)
        tell(bench, together)

        def work() -> None:
            bench.wait_for(
                lambda: [x for x in bench.statuses() if ' s old' in str(x)]
            )
            time.sleep(1)
            assert bench.told() == []
            stage.front.faults.clear()
            bench.wait_for(lambda: proposed(bench))

        run(bench, source, asked, work)


def test_what_became_invalid_is_refused_by_us_and_not_by_nova(
    stage: conftest.Stage,
    together: list[Real],
    bench: planners.Bench,
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked = stage.asked(poll_s=3600.0, confirm_s=20.0)
    with watch.Watch(asked) as source:
        conftest.within(120, source.read)
        stage.enable('compute2', 'disabled')
        try:
            tell(bench, together)
            run(
                bench,
                source,
                asked,
                lambda: bench.wait_for(
                    lambda: 'not recommended' in caplog.text
                ),
            )
            assert 'disabled' in caplog.text
            assert bench.told() == []
        finally:
            stage.enable('compute2', 'enabled')


def test_nova_carries_out_what_is_recommended(
    stage: conftest.Stage, together: list[Real], bench: planners.Bench
) -> None:
    asked = stage.asked(poll_s=1.0, confirm_s=20.0)
    with watch.Watch(asked) as source:
        conftest.within(120, source.read)
        tell(bench, together)
        run(
            bench,
            source,
            asked,
            lambda: bench.wait_for(
                lambda: proposed(bench) and [*facts(bench, 'host/compute1')]
            ),
        )
        told = list(facts(bench, 'host/compute1'))[-1]
        assert isinstance(told, inventory.HostFacts)
        assert told.aggregates == ['fast']
        assert told.availability_zone == conftest.ZONE
        assert told.instances[together[0].uuid] == 'victim'
        (project,) = {
            x.name
            for one in stage.api.call('GET', 'keystone', '/projects')[
                'projects'
            ]
            if one['name'] == 'tenant-a'
            for x in facts(bench, f'project/{one["id"]}')
            if isinstance(x, inventory.ProjectFacts)
        }
        assert project == 'tenant-a'
        (one,) = proposed(bench)
        carry_out(stage, one)
        moved = one.moves[0].instance

        def seen() -> bool:
            now = source.read()
            at = next(x.host for x in now.instances if x.uuid == moved)
            ended = [x for x in now.migrations if x.state == 'done']
            return at == one.moves[0].destination and bool(ended)

        conftest.within(120, seen)


def test_nova_empties_a_host_in_maintenance_as_is_recommended(
    stage: conftest.Stage, together: list[Real], bench: planners.Bench
) -> None:
    asked = stage.asked(poll_s=1.0, confirm_s=20.0)
    reason = {'disabled_reason': 'maintenance: new disks'}
    stage.enable('compute1', 'disabled', **reason)
    try:
        with watch.Watch(asked) as source:

            def is_read() -> bool:
                now = {one.name: one for one in source.read().hosts}
                return now['compute1'].maintenance

            conftest.within(120, is_read)
            now = [
                dataclasses.replace(one, host=stage.on(one.uuid), cores=0.1)
                for one in together
            ]
            there = {one.uuid for one in now if one.host == 'compute1'}
            assert there
            tell(bench, now, hurts=False)
            run(
                bench,
                source,
                asked,
                lambda: bench.wait_for(lambda: proposed(bench)),
                modes=('evacuate',),
                rules=RESTLESS,
            )
        (one,) = proposed(bench)
        assert there <= {move.instance for move in one.moves}
        carry_out(stage, one)
        assert not [x for x in there if stage.on(x) == 'compute1']
    finally:
        stage.enable('compute1', 'enabled')
