# SPDX-License-Identifier: Apache-2.0
"""Recommendations are carried out by a real Nova, once, or refused by us."""

import collections
import contextlib
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import libvirt
import pytest
from cloud import node

from kvm_insight import planner
from kvm_insight.bus import publisher
from kvm_insight.cloud import migrating, settings, watch
from kvm_insight.cmd import insight
from kvm_insight.conf import planner as options
from kvm_insight.feed import actuator, crew, port
from kvm_insight.model import codec, execution, recommendation
from kvm_insight.recommend import heat, limits
from tests import golden
from tests.functional.cloud import conftest, test_planning
from tests.functional.planner import conftest as planners

#: The first one waits for the cloud.
pytestmark = pytest.mark.timeout(900)

Real = test_planning.Real
LIMITS = limits.Limits(cluster_age_s=300)
_SLOW_MIB_S = 1
_FAST_MIB_S = 1000


class Counting(migrating.Migrating):
    """Knows what it asked Nova for."""

    def __init__(self, asked: settings.Settings) -> None:
        super().__init__(asked)
        self.begun: list[str] = []

    def begin(self, move: recommendation.Move) -> None:
        self.begun.append(move.instance)
        super().begin(move)


@pytest.fixture
def trio(stage: conftest.Stage) -> Iterator[list[Real]]:
    """A victim and its aggressor on one host, and somebody on the other."""
    guests = test_planning.boot(stage, 'hurt', 'loud', 'calm')
    yield guests
    settle(stage, guests)
    for one in guests:
        with contextlib.suppress(Exception):
            stage.delete(one.uuid)


@pytest.fixture
def source(stage: conftest.Stage) -> Iterator[watch.Watch]:
    """What the planner reads with the role that may only read."""
    with watch.Watch(stage.asked(poll_s=1.0)) as found:
        conftest.within(120, found.read)
        yield found


def servers(stage: conftest.Stage) -> list[Any]:
    """Return all that Nova has, of any project."""
    path = '/servers/detail?all_tenants=true'
    return list(stage.api.call('GET', 'nova', path)['servers'])


def settle(stage: conftest.Stage, guests: list[Real]) -> None:
    """Let what migrates come to its end: of one that is deleted meanwhile
    Nova leaves something in Placement."""
    pace(stage, guests, _FAST_MIB_S)

    def is_over() -> bool:
        return not any(one['OS-EXT-STS:task_state'] for one in servers(stage))

    conftest.within(60, is_over)


def seen(stage: conftest.Stage, guests: list[Real]) -> list[Real]:
    """Return the guests where they are now."""
    return [
        Real(x.name, stage.on(x.uuid), x.cores, x.vcpus, id=x.uuid)
        for x in guests
    ]


def settings_of(source: watch.Watch, **more: object) -> dict[str, object]:
    def again(hosts: frozenset[str]) -> Any:
        return source.confirm(hosts, 60)

    return {
        'actuator_only_approved': False,
        'actuator_at_once': 1,
        'actuator_limit_s': 600,
        'limits': LIMITS,
        'confirm': lambda: contextlib.nullcontext(again),
        **more,
    }


def run(
    stage: conftest.Stage,
    bench: planners.Bench,
    source: watch.Watch,
    work: Callable[[], None],
    **more: object,
) -> list[str]:
    """Let a planner with an actuator run beside some work; return what it
    asked Nova to move."""
    out = publisher.Publisher(bench.bus, 't.')
    by = Counting(stage.asked('admin', 'admin'))
    feed = actuator.Actuator(settings_of(source, **more), out.publish, by)
    feeds = crew.Crew({'actuator': feed})
    one = planner.Planner(
        bench.bus,
        options.Settings(prefix='t.', cycle_s=0.5, limits=LIMITS),
        source.read,
        feeds=feeds,
        confirm=lambda hosts: source.confirm(hosts, 20.0),
    )
    try:
        planners.beside(one, work, 60)
    finally:
        feeds.close()
        out.close()
    return by.begun


def newest(bench: planners.Bench) -> recommendation.Recommendation | None:
    told = {one.id: one for one in bench.told()}
    return next(iter(told.values()), None)


def is_now(bench: planners.Bench, state: str) -> bool:
    told = bench.progress()
    return bool(told) and told[-1].state == state


def migrations(stage: conftest.Stage, uuid: str) -> list[str]:
    """Return the states of all live migrations that an instance had."""
    path = f'/os-migrations?instance_uuid={uuid}'
    found = stage.api.call('GET', 'nova', path)['migrations']
    return [str(one['status']) for one in found]


def there(stage: conftest.Stage) -> collections.Counter[str]:
    """Return how many instances, of one vCPU each, Nova has by host."""
    told = servers(stage)
    return collections.Counter(x['OS-EXT-SRV-ATTR:host'] for x in told)


def used(stage: conftest.Stage) -> collections.Counter[str]:
    """Return how many vCPUs Placement has as taken by host."""
    found: collections.Counter[str] = collections.Counter()
    path = '/resource_providers'
    for one in stage.api.call('GET', 'placement', path)['resource_providers']:
        uses = f'{path}/{one["uuid"]}/usages'
        told = stage.api.call('GET', 'placement', uses)['usages']
        found[str(one['name'])] = int(told['VCPU'])
    return found


def is_running(stage: conftest.Stage, uuid: str) -> bool:
    """Say whether libvirt on the first host has its guest running."""
    way = libvirt.open(node.uri(stage.where, 'compute1'))
    try:
        return bool(way.lookupByUUIDString(uuid).isActive())
    finally:
        way.close()


def pace(stage: conftest.Stage, guests: list[Real], mib_s: int) -> None:
    """Let what leaves the first host take its time, or not."""
    where = node.uri(stage.where, 'compute1')
    way = libvirt.open(where)
    try:
        for one in guests:
            with contextlib.suppress(libvirt.libvirtError):
                way.lookupByUUIDString(one.uuid).migrateSetMaxSpeed(mib_s)
    finally:
        way.close()


def test_what_stands_is_carried_out_verified_and_measured(
    stage: conftest.Stage,
    trio: list[Real],
    bench: planners.Bench,
    source: watch.Watch,
) -> None:
    test_planning.tell(bench, trio)

    def work() -> None:
        bench.wait_for(lambda: is_now(bench, 'moving'))
        one = newest(bench)
        assert one is not None
        # Nova is away for a while: that is no failure of the move.
        stage.front.faults['compute'] = 503
        time.sleep(4)
        stage.front.faults.clear()
        bench.wait_for(lambda: is_now(bench, 'done'), 180)
        move = one.moves[-1]
        assert stage.now(move.instance) == (move.destination, 'ACTIVE')
        assert migrations(stage, move.instance) == ['completed']
        test_planning.tell(bench, seen(stage, trio))
        bench.wait_for(
            lambda: getattr(newest(bench), 'state', '') != 'executing'
        )
        after = newest(bench)
        assert after is not None
        assert (after.id, after.state) == (one.id, 'executed')
        assert after.outcome is not None

    begun = run(stage, bench, source, work)
    assert len(begun) == 1
    states = [one.state for one in bench.progress()]
    assert states[0] == 'moving'
    assert 'failed' not in states


def test_who_takes_over_goes_on_with_what_is_under_way(
    stage: conftest.Stage,
    trio: list[Real],
    bench: planners.Bench,
    source: watch.Watch,
) -> None:
    pace(stage, trio, _SLOW_MIB_S)
    test_planning.tell(bench, trio)
    first = run(
        stage,
        bench,
        source,
        lambda: bench.wait_for(
            lambda: [x for x in bench.progress() if x.migration]
        ),
    )
    (uuid,) = first

    def work() -> None:
        before = len(bench.progress())
        time.sleep(3)
        pace(stage, trio, _FAST_MIB_S)
        bench.wait_for(lambda: is_now(bench, 'done'), 180)
        later = bench.progress()[before:]
        assert later[-1].generation > bench.progress()[0].generation

    second = run(stage, bench, source, work)
    assert second == []
    assert stage.now(uuid) == ('compute2', 'ACTIVE')
    assert migrations(stage, uuid) == ['completed']


def test_what_takes_too_long_is_aborted_and_stays_where_it_was(
    stage: conftest.Stage,
    trio: list[Real],
    bench: planners.Bench,
    source: watch.Watch,
) -> None:
    pace(stage, trio, _SLOW_MIB_S)
    test_planning.tell(bench, trio)

    def work() -> None:
        bench.wait_for(
            lambda: [x for x in bench.progress() if x.state == 'failed'], 180
        )
        bench.wait_for(lambda: getattr(newest(bench), 'state', '') == 'failed')
        # It is not tried again, though another one may be.
        time.sleep(3)

    uuid, *others = run(stage, bench, source, work, actuator_limit_s=4)
    assert uuid not in others
    last = next(x for x in bench.progress() if x.state == 'failed')
    assert last.aborted
    mend = f'openstack server set --state active {uuid}'
    assert mend in str(last.reason)
    assert stage.now(uuid)[0] == 'compute1'
    assert is_running(stage, uuid)
    # Nova has put everything back, and may still call it an error.
    [ended] = migrations(stage, uuid)
    assert ended in ('cancelled', 'error')
    if stage.now(uuid)[1] != 'ACTIVE':
        by_hand = {'os-resetState': {'state': 'active'}}
        stage.api.call('POST', 'nova', f'/servers/{uuid}/action', by_hand)
    assert stage.now(uuid) == ('compute1', 'ACTIVE')
    assert is_running(stage, uuid)
    settle(stage, trio)
    conftest.within(60, lambda: used(stage) == there(stage))


def told(one: recommendation.Recommendation) -> port.Told:
    now_us = time.time_ns() // 1000
    return port.Told(
        1,
        now_us,
        heats={
            name: heat.Heat(0.0, now_us) for name in ('compute1', 'compute2')
        },
        standing=[one],
    )


def refused(
    stage: conftest.Stage, source: watch.Watch, guest: Real, words: str
) -> None:
    """Let the actuator try; it must not even ask Nova."""
    said: list[execution.Execution] = []

    def publish(name: str, key: str, value: bytes) -> None:
        said.append(codec.decode(value, execution.Execution))

    by = Counting(stage.asked('admin', 'admin'))
    feed = actuator.Actuator(settings_of(source), publish, by)
    try:
        one = told(
            golden.to_move(guest.uuid, guest.name, 'compute1', 'compute2')
        )
        lines = list(feed.would(one))
        assert words in lines[0]
        feed.write(one, lambda: True)
    finally:
        feed.close()
    assert by.begun == []
    assert [x.state for x in said] == ['waiting']
    assert words in str(said[0].reason)


def test_what_became_invalid_is_refused_by_us_and_not_by_nova(
    stage: conftest.Stage, trio: list[Real], source: watch.Watch
) -> None:
    hurt, loud, _ = trio
    stage.enable('compute2', 'disabled')
    try:
        refused(stage, source, loud, 'disabled')
    finally:
        stage.enable('compute2', 'enabled')
    path = f'/servers/{loud.uuid}/action'
    stage.api.call('POST', 'nova', path, {'pause': None})
    conftest.within(60, lambda: stage.server(loud.uuid)['status'] == 'PAUSED')
    stage.api.call('POST', 'nova', path, {'unpause': None})
    conftest.within(60, lambda: stage.server(loud.uuid)['status'] == 'ACTIVE')
    stage.api.call('POST', 'nova', path, {'os-stop': None})
    conftest.within(60, lambda: stage.server(loud.uuid)['status'] == 'SHUTOFF')
    refused(stage, source, loud, 'is stopped')
    stage.migrate(hurt.uuid, 'compute2')
    conftest.within(
        120, lambda: stage.now(hurt.uuid) == ('compute2', 'ACTIVE')
    )
    refused(stage, source, hurt, 'it is on compute2')
    stage.delete(loud.uuid)

    def is_gone() -> bool:
        try:
            stage.server(loud.uuid)
        except Exception:
            return True
        return False

    conftest.within(60, is_gone)
    refused(stage, source, loud, 'the cluster does not have it')


def test_the_dry_run_of_the_command_looks_at_the_cloud_and_moves_nothing(
    stage: conftest.Stage,
    trio: list[Real],
    bench: planners.Bench,
    source: watch.Watch,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    test_planning.tell(bench, trio)
    asked = stage.asked()
    test_planning.run(
        bench,
        source,
        asked,
        lambda: bench.wait_for(lambda: test_planning.proposed(bench)),
    )
    admin = stage.asked('admin', 'admin')
    config = tmp_path / 'planner.conf'
    config.write_text(
        '[bus]\ndriver = embedded\n'
        f'path = {bench.settings["path"]}\ntopic_prefix = t.\n'
        '[cloud]\ncloud = bed\n'
        f'clouds_file = {admin.clouds_file}\nserver_groups = false\n'
        '[feed]\nactive = actuator\n'
    )
    words = ['feed', 'dry-run', 'actuator', '--config-file', str(config)]
    assert insight.main(words) == 0
    text = capsys.readouterr().out
    assert 'live-migrate' in text
    assert 'from compute1 to compute2' in text
    assert bench.progress() == []
    assert migrations(stage, trio[0].uuid) == []
    assert insight.main([*words[:1], 'clear', *words[2:]]) == 0
    assert 'silent until' in capsys.readouterr().out
