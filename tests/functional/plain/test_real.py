# SPDX-License-Identifier: Apache-2.0
"""Two real libvirtds without OpenStack: from agents to a move that works.

Both hosts share the CPUs of one machine, so neither can be the hotter one:
the loads in the reports are made up, all else is measured and real.
"""

import contextlib
import pathlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from lab import daemon, guest

from kvm_insight.bus import tail, topic
from kvm_insight.model import (
    codec,
    entity,
    host_config,
    host_report,
    sample,
)
from tests.functional.agent import conftest as agents
from tests.functional.plain import conftest

IDLE = '600:2'
#: Cores that each is said to want, on two CPUs.
WANTED = {'agg': 1.2, 'vic': 0.7, 'cool': 0.1}
OPTIONS = {
    'silent_s': 30,
    'cpu_allocation_ratio': 16,
    'reserved_host_memory_mib': 0,
}


class Judge:
    """Stands in for the analyzer: real samples, invented loads."""

    def __init__(self, stage: conftest.Stage) -> None:
        self.newest: dict[str, sample.Sample] = {}
        self._stage = stage
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> 'Judge':
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        bus = self._stage.bus
        reader = tail.Tail(bus, [conftest.PREFIX + topic.SAMPLES])
        reader.start(0)
        producer = bus.producer()
        while not self._stop.wait(0.3):
            for record in reader.read(0.2):
                one = codec.decode(record.value or b'', sample.Sample)
                self.newest[one.host] = one
            for name, one in self.newest.items():
                producer.publish(
                    conftest.PREFIX + topic.HOSTS,
                    name,
                    codec.encode(report(one)),
                )
            producer.flush(10)
        producer.close()
        reader.close()

    def hosts_of(self, uuid: str) -> set[str]:
        return {
            name
            for name, one in self.newest.items()
            if any(each.uuid == uuid for each in one.domains)
        }


def report(one: sample.Sample) -> host_report.HostReport:
    """What an analyzer might tell of this sample."""
    here = {each.name: each for each in one.domains}
    hurts = []
    if {'agg', 'vic'} <= here.keys():
        hurts.append(
            host_report.Hurt(
                finding_id='f1',
                resource='cpu',
                victim=entity.domain(here['vic'].uuid),
                verdict='antagonist',
                aggressors=[
                    host_report.Blamed(
                        entity=entity.domain(here['agg'].uuid),
                        blame=0.9,
                        excess_cores=0.6,
                    )
                ],
                confidence=0.9,
                severity_cores=0.4,
                opened_us=one.time_us - 120_000_000,
            )
        )
    wanted = sum(WANTED.get(name, 0.1) for name in here)
    return host_report.HostReport(
        host=one.host,
        time_us=one.time_us,
        agent_id=one.agent_id,
        sequence=one.sequence,
        window_s=120,
        cpus=2,
        wanted_cores=wanted,
        own_cores=0.1,
        lost_cores=0.4 * len(hurts),
        memory_bytes=one.system.memory_bytes,
        memory_available_bytes=(one.system.memory_bytes or 0) * 3 // 4,
        hurts=hurts,
        instances=[
            host_report.Instance(
                uuid=each.uuid,
                name=each.name,
                project_id=each.identity.project_id,
                state=each.state,
                vcpus=len(each.vcpus),
                wanted_cores=WANTED.get(each.name, 0.1),
                memory_bytes=(
                    each.memory.maximum_bytes if each.memory else None
                ),
                busy_with=each.job.operation if each.job else None,
            )
            for each in one.domains
        ],
    )


@pytest.fixture
def pair(
    private_lab: Callable[[], daemon.Lab], virt_type: str
) -> Iterator[tuple[daemon.Lab, daemon.Lab]]:
    """Two hosts: on the first one suffers from another, the second rests."""
    left, right = private_lab(), private_lab()
    for lab, names in ((left, ('vic', 'agg')), (right, ('cool',))):
        for name in names:
            lab.start(
                guest.Guest(name, '0-1', IDLE, metadata='none', virt=virt_type)
            )
    yield left, right
    left.stop('vic', 'agg')
    right.stop('cool')
    with contextlib.suppress(Exception):
        right.stop('agg', 'vic')


@pytest.fixture
def watched(
    stage: conftest.Stage,
    pair: tuple[daemon.Lab, daemon.Lab],
    tmp_path: pathlib.Path,
) -> Iterator[list[agents.Watched]]:
    """Both agents, on one bus."""
    made = []
    for name, lab in zip(('left', 'right'), pair, strict=True):
        folder = tmp_path / f'agent-{name}'
        options = {
            'agent.libvirt_uri': lab.uri,
            'agent.run_dir': str(lab.pid_folder),
            'agent.host': name,
            'agent.interval_s': '1',
            'agent.tick_s': '0.4',
            'agent.survey_s': '1',
            'agent.tell_config': 'true',
            'agent.ledger': 'sampled',
            'bus.path': str(stage.folder / 'bus.db'),
            'bus.spool_path': str(folder / 'spool.db'),
        }
        made.append(agents.Watched(folder, options).start())
    yield made
    for one in made:
        one.close()


def configs(stage: conftest.Stage) -> dict[str, host_config.HostConfig]:
    found = [
        codec.decode(one, host_config.HostConfig)
        for one in stage.records(topic.HOST_CONFIG)
    ]
    return {one.host: one for one in found}


def migrate(source: daemon.Lab, target: daemon.Lab, name: str) -> None:
    """Do what an operator does who follows a recommendation."""
    text = source.virsh('dumpxml', name, '--migratable').stdout
    path = source.home / f'{name}-migrate.xml'
    path.write_text(text.replace(source.partition, target.partition))
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        number = probe.getsockname()[1]
    words = ['migrate', name, target.uri, f'tcp://127.0.0.1:{number}']
    source.virsh(*words, '--live', '--unsafe', '--xml', str(path))


def test_what_agents_tell_leads_to_a_move_that_libvirt_carries_out(
    stage: conftest.Stage,
    pair: tuple[daemon.Lab, daemon.Lab],
    watched: list[agents.Watched],
) -> None:
    stage.configure(**OPTIONS)
    with Judge(stage) as judge:
        # Its disks, kernels and consoles are in a folder that no file system
        # says is shared: then nothing is moved, and the reason is said.
        first = stage.serve('planner')
        stage.wait_for(
            lambda: any(
                'is on its host alone' in reason
                for one in stage.statuses()[-1:]
                for reasons in one.unrelieved.values()
                for reason in reasons
            ),
            90,
        )
        assert stage.told() == []
        stage.wait_for(
            lambda: (
                {x: len(y.domains) for x, y in configs(stage).items()}
                == {'left': 2, 'right': 1}
            ),
            30,
        )
        told = configs(stage)
        assert told['left'].cpu == told['right'].cpu
        stage.end(first)
        stage.configure(**OPTIONS, shared_storage='/var/tmp')
        stage.serve('planner')
        stage.wait_for(stage.told, 90)
        (move,) = stage.told()[-1].moves
        assert (move.source, move.destination) == ('left', 'right')
        facts = stage.facts()
        assert facts['left'].instances[move.instance] == move.name
        migrate(pair[0], pair[1], str(move.name))
        stage.wait_for(lambda: judge.hosts_of(move.instance) == {'right'}, 30)
        stage.wait_for(lambda: stage.told()[-1].state == 'executed', 30)
        stage.wait_for(
            lambda: move.instance in stage.facts()['right'].instances, 60
        )
    assert all(one.process and one.process.poll() is None for one in watched)
