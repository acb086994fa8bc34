# SPDX-License-Identifier: Apache-2.0
"""Nova's scheduler goes by what was found, all the way from the bus.

A finding and the report of its host are published as an analyzer would; a
planner marks the host, in Placement and on the bus, ``kvm-insight-feed``
writes the snapshot, and the scheduler chooses for a new instance.
"""

import contextlib
import dataclasses
import json
import pathlib
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from broker import node as brokers
from cloud import service

from kvm_insight.bus import topic
from kvm_insight.cloud import placement_traits
from tests.functional.cloud import conftest, ours
from tests.scenario import small_cloud

#: The first one waits for the cloud.
pytestmark = pytest.mark.timeout(900)

HOSTS = ('fake1', 'fake2', 'fake3')
#: What Nova takes, since nothing is there.
FIRST = 'fake1'
ZONE = 'pool'
CLASSES = 'kvm_insight.feed.nova_weigher'
MAX_AGE_S = 8

Json = Any


@dataclasses.dataclass
class Pool:
    """Three hosts of an aggregate, and our services beside them."""

    stage: conftest.Stage
    services: ours.Ours
    snapshot: pathlib.Path
    flavors: dict[str, str]
    traits: placement_traits.PlacementTraits

    def tell(self, *hot: str) -> None:
        """Let an analyzer say that these hosts are hot, and no others."""
        now_us = time.time_ns() // 1000
        for host in HOSTS:
            guests = [
                small_cloud.Guest(f'{name}-{host}', host, cores)
                for name, cores in (('victim', 1.5), ('aggressor', 4.0))
            ]
            found = small_cloud.found(guests[0], guests[1], now_us)
            made = [found] if host in hot else []
            for one in made:
                self.services.publish(topic.FINDINGS, one.id, one)
            report = small_cloud.report(host, guests, made, now_us)
            self.services.publish(topic.HOSTS, host, report)

    def marked(self) -> set[str]:
        """Return who has our trait in Placement."""
        return set(self.traits.holders().values())

    def written(self) -> dict[str, bool]:
        """Return the hot hosts of the snapshot, and whether they are
        marked; nothing where it is older than the scheduler lets pass."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            told = json.loads(self.snapshot.read_text())
            if time.time() - told['written_us'] / 1e6 < MAX_AGE_S / 2:
                return {
                    name: bool(one['marked'])
                    for name, one in told['hosts'].items()
                }
        return {'nobody knows': False}

    def wait_marked(self, *names: str) -> None:
        """Return when these are marked everywhere, and nobody else."""

        def is_so() -> bool:
            self.services.alive()
            marks = {name for name, one in self.written().items() if one}
            is_known = 'nobody knows' not in self.written()
            return is_known and marks == self.marked() == set(names)

        try:
            conftest.within(60, is_so, 0.3)
        except AssertionError as why:
            raise AssertionError(
                (self.written(), self.marked(), self.services.logs())
            ) from why

    def placed(self, flavor: str = 'small') -> str:
        """Return where Nova puts a new instance, which goes again."""
        stage = self.stage
        who = stage.boot('tenant-a', 'new', flavor, availability_zone=ZONE)
        stage.wait_active(who)
        host = stage.on(who)
        drop(stage, who)
        return host

    def scheduler_log(self) -> str:
        return (self.stage.where.log / 'scheduler.log').read_text()


def drop(stage: conftest.Stage, *instances: str) -> None:
    """Delete them, and return when Nova has them no more."""
    for one in instances:
        stage.delete(one)

    def are_gone() -> bool:
        path = '/servers?all_tenants=true'
        found = stage.api.call('GET', 'nova', path)['servers']
        return not {x['id'] for x in found} & set(instances)

    conftest.within(60, are_gone, 0.2)


@pytest.fixture(scope='module')
def fakes(stage: conftest.Stage) -> Iterator[None]:
    """Three more hosts; Nova likes the first one best, since the others
    have an instance each."""
    api = stage.api
    stage.cloud.add_fakes(*HOSTS)
    body = {'aggregate': {'name': ZONE, 'availability_zone': ZONE}}
    made = api.call('POST', 'nova', '/os-aggregates', body)['aggregate']
    path = f'/os-aggregates/{made["id"]}'
    for host in HOSTS:
        what = {'add_host': {'host': host}}
        api.call('POST', 'nova', f'{path}/action', what)
    fill = [
        stage.boot('admin', f'fill-{host}', 'double', host=host)
        for host in HOSTS[1:]
    ]
    stage.wait_active(*fill)
    yield
    if not conftest.STAYS:
        return
    drop(stage, *fill)
    for host in HOSTS:
        what = {'remove_host': {'host': host}}
        api.call('POST', 'nova', f'{path}/action', what)
    api.call('DELETE', 'nova', path)
    stage.cloud.remove_fakes(*HOSTS)


@pytest.fixture(scope='module')
def flavors(stage: conftest.Stage) -> Iterator[dict[str, str]]:
    """A flavor that forbids our trait, as the documentation has it."""
    flavor = {'name': 'shy', 'ram': 128, 'vcpus': 1, 'disk': 1}
    made = stage.api.call('POST', 'nova', '/flavors', {'flavor': flavor})
    path = f'/flavors/{made["flavor"]["id"]}'
    body = {'extra_specs': {f'trait:{placement_traits.TRAIT}': 'forbidden'}}
    stage.api.call('POST', 'nova', f'{path}/os-extra_specs', body)
    yield {'shy': path}
    stage.api.call('DELETE', 'nova', path)


@pytest.fixture(scope='module')
def pool(
    stage: conftest.Stage,
    fakes: None,
    flavors: dict[str, str],
    broker: brokers.Broker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Pool]:
    """The hosts with a planner and a feeder."""
    folder = tmp_path_factory.mktemp('scheduling')
    prefix = f'scheduling-{uuid.uuid4().hex[:8]}.'
    services = ours.Ours(broker, prefix, folder)
    asked = stage.asked('admin', 'admin', direct=True)
    traits = placement_traits.connect(asked)
    made = Pool(stage, services, folder / 'nova.json', flavors, traits)
    feed = {
        'active': 'nova,placement',
        'snapshot_path': made.snapshot,
        'write_every_s': 1,
        'mark_sustain_s': 1,
        'mark_calm_s': 1,
    }
    try:
        services.start_planner(stage.where, 'admin', {'feed': feed})
        services.start('feeder', 'feeder', {'feed': feed})
        yield made
    finally:
        services.close()
        traits.close()


@pytest.fixture(scope='module')
def weighed(
    stage: conftest.Stage, pool: Pool, tree: pathlib.Path
) -> Iterator[None]:
    """Nova's scheduler with our weigher, as the documentation has it."""
    where = stage.where
    path = pool.snapshot.with_name('scheduler.conf')
    path.write_text(
        '[filter_scheduler]\n'
        'weight_classes = nova.scheduler.weights.all_weighers,'
        f'{CLASSES}.HotHostWeigher\n'
        '[kvm_insight]\n'
        f'snapshot_path = {pool.snapshot}\nmax_age_s = {MAX_AGE_S}\n'
    )
    where.stop('scheduler')
    words = [
        where.venv / 'bin/nova-scheduler',
        f'--config-file={where.etc}/nova/nova.conf',
        f'--config-file={path}',
    ]
    where.spawn('scheduler', words, where.env(PYTHONPATH=tree))
    yield
    where.stop('scheduler')
    service.start_control(where, 'scheduler')


def test_a_flavor_that_forbids_the_trait_leaves_a_hot_host_and_comes_back(
    pool: Pool,
) -> None:
    pool.tell()
    pool.wait_marked()
    # Nobody was ever marked, and Placement knows the trait even so.
    assert pool.placed('shy') == FIRST
    pool.tell(FIRST)
    pool.wait_marked(FIRST)
    assert pool.placed('shy') in HOSTS[1:]
    # Who did not ask for it is placed as ever.
    assert pool.placed('small') == FIRST
    pool.tell()
    pool.wait_marked()
    assert pool.placed('shy') == FIRST


def test_the_weigher_leaves_a_hot_host_and_comes_back(
    pool: Pool, weighed: None
) -> None:
    pool.tell()
    pool.wait_marked()
    assert pool.placed() == FIRST
    pool.tell(FIRST)
    pool.wait_marked(FIRST)
    assert pool.placed() in HOSTS[1:]
    pool.tell()
    pool.wait_marked()
    assert pool.placed() == FIRST


def test_a_snapshot_of_no_use_is_said_once_and_changes_nothing(
    pool: Pool, weighed: None
) -> None:
    pool.tell(FIRST)
    pool.wait_marked(FIRST)
    assert pool.placed() in HOSTS[1:]
    pool.services.stop('feeder')
    last = pool.snapshot.read_bytes()
    time.sleep(MAX_AGE_S + 1)
    for words, content in (
        (f'not written within {MAX_AGE_S} s', last),
        ('damaged', last[:-9]),
        ('No such file', None),
    ):
        if content is None:
            pool.snapshot.unlink()
        elif content != last:
            pool.snapshot.write_bytes(content)
        before = pool.scheduler_log()
        assert [pool.placed() for _ in range(2)] == [FIRST] * 2
        said = pool.scheduler_log().removeprefix(before)
        lines = [x for x in said.splitlines() if 'kvm_insight' in x]
        assert len(lines) == 1, lines
        assert words in lines[0]
        assert 'scheduling without it' in lines[0]
    options = pool.services.options['feeder']
    pool.services.start('feeder', 'feeder', options)
    pool.wait_marked(FIRST)
    assert pool.placed() in HOSTS[1:]
    assert 'the snapshot is back' in pool.scheduler_log()


def test_when_all_are_hot_one_is_marked_and_instances_are_placed(
    pool: Pool, weighed: None
) -> None:
    pool.tell()
    pool.wait_marked()
    pool.tell(*HOSTS)
    conftest.within(60, lambda: len(pool.written()) == len(HOSTS), 0.3)
    conftest.within(60, pool.marked, 0.3)
    (marked,) = pool.marked()
    assert pool.placed('small') != marked
    assert pool.placed('shy') != marked
    # Still so after some more cycles.
    assert pool.marked() == {marked}
    marks = {name for name, one in pool.written().items() if one}
    assert marks == {marked}
    code, said = tool(pool, 'feed', 'show')
    assert code == 3
    assert f'ALARM: aggregate {ZONE}: 1 of 3 hosts may be marked' in said


def test_clear_ends_it_and_who_forbids_the_trait_is_placed(
    pool: Pool, weighed: None
) -> None:
    pool.tell(FIRST)
    pool.wait_marked(FIRST)
    code, said = tool(pool, 'feed', 'clear')
    assert code == 0, said
    # By the tool or by the planner, whichever comes first.
    conftest.within(30, lambda: not pool.marked())
    conftest.within(30, lambda: not pool.snapshot.exists())
    assert pool.placed('shy') == FIRST
    assert pool.placed('small') == FIRST
    assert pool.marked() == set()


def tool(pool: Pool, *words: str) -> tuple[int, str]:
    """Run the operator's tool; return its exit code and what it says."""
    config = pool.services.folder / 'planner.conf'
    done = subprocess.run(
        [
            *(sys.executable, '-c', ours.CODE.format('insight')),
            *(*words, '--config-file', str(config)),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr
