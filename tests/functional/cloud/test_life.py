# SPDX-License-Identifier: Apache-2.0
"""What agents tell of instances follows Nova from boot to deletion.

Each agent is a process inside its node, as it is installed: host name, paths
and socket are those that it finds by itself.
"""

import dataclasses
import os
import pathlib
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from broker import node as brokers
from cloud import place, tenancy

from kvm_insight.bus import topic
from kvm_insight.detect import host as detectors
from kvm_insight.detect import settings as detect_settings
from kvm_insight.model import finding, host_report, sample, usage
from tests.functional.cloud import conftest, ours

#: The first one waits for the cloud.
pytestmark = pytest.mark.timeout(900)

INTERVAL_S = 2.0
#: Until libvirt says that a process is a domain it may be nameless; Nova says
#: later that it is there, and then the very next sample has all.
_NAMELESS_US = 10_000_000
_PATIENCE_S = 90.0
_TICKS = os.sysconf('SC_CLK_TCK')

Json = Any
Samples = ours.Followed[sample.Sample]


@pytest.fixture(scope='module')
def services(
    stage: conftest.Stage,
    broker: brokers.Broker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ours.Ours]:
    """An agent on each node, an analyzer, and a planner that reads Nova."""
    prefix = f'life-{uuid.uuid4().hex[:8]}.'
    made = ours.Ours(broker, prefix, tmp_path_factory.mktemp('life'))
    try:
        for host in stage.cloud.computes:
            made.start_agent(stage.where, host, INTERVAL_S)
        made.start('analyzer', 'analyzer', {'analyzer': {'report_every_s': 1}})
        made.start_planner(stage.where, tenancy.READER, {})
        yield made
    finally:
        made.close()


@pytest.fixture(scope='module')
def samples(stage: conftest.Stage, services: ours.Ours) -> Iterator[Samples]:
    """All that the agents tell; each of them has begun."""
    found = services.follow(topic.SAMPLES, sample.Sample)
    begun: set[str] = set()
    while not begun >= set(stage.cloud.computes):
        begun.add(found.wait(lambda one: True, _PATIENCE_S).host)
    yield found
    found.close()


@dataclasses.dataclass
class Life:
    """An instance of a project, and what was to be told of it so far."""

    stage: conftest.Stage
    told: Samples
    user: str
    name: str
    flavor: str
    id: str = ''
    image: str = ''
    is_gone: bool = False
    #: (flavor, image) of all processes so far, in their order.
    shapes: list[tuple[str, str]] = dataclasses.field(default_factory=list)

    def boot(self) -> None:
        self.id = self.stage.boot(self.user, self.name, self.flavor)
        self.image = self.of('glance', '/v2/images?name=idle', 'images')
        self.shapes.append((self.flavor, self.image))

    def of(self, service: str, path: str, kind: str) -> str:
        api = self.stage.tenant(self.user)
        return str(api.call('GET', service, path)[kind][0]['id'])

    def act(self, what: str, body: Json = None) -> None:
        path = f'/servers/{self.id}/action'
        api = self.stage.tenant(self.user)
        api.call('POST', 'nova', path, {what: body})

    def wait(self, status: str) -> None:
        def reached() -> bool:
            found = str(self.stage.server(self.id)['status'])
            assert found != 'ERROR', self.stage.server(self.id)['fault']
            return found == status

        conftest.within(240, reached, 0.2)

    def told_now(self) -> sample.Domain:
        """Return what the next sample of its host says of it."""
        found = of(next_of(self.told, self.stage.on(self.id)), self.id)
        assert found is not None
        return found

    def assert_told(self) -> None:
        """The next sample has it as it is since Nova said that it is so."""
        one = self.told_now()
        who = one.identity
        assert (one.state, who.status, who.source) == ('running', 'ok', 'nova')
        assert who.instance_name == self.name
        assert who.project_name == self.user
        assert who.project_id == self.stage.server(self.id)['tenant_id']
        assert who.flavor is not None
        assert (who.flavor.name, who.image_id) == self.shapes[-1]
        assert len(one.vcpus) == who.flavor.vcpus


def of(one: sample.Sample, who: str) -> sample.Domain | None:
    """Return an instance as a sample has it; it is never there twice."""
    found = [domain for domain in one.domains if domain.uuid == who]
    assert len(found) < 2
    return found[0] if found else None


def next_of(told: Samples, host: str) -> sample.Sample:
    """Return the first sample of a host that begins from now on."""
    now_us = time.time_ns() // 1000
    return told.wait(
        lambda one: one.host == host and one.time_us > now_us, _PATIENCE_S
    )


def age_us(one: sample.Sample, domain: sample.Domain) -> int:
    """Return how long before the sample its process was started."""
    ticks = int(domain.epoch.partition('.')[2])
    return one.uptime_us - ticks * 1_000_000 // _TICKS


def assert_nobody_else(one: sample.Sample, lives: dict[str, Life]) -> None:
    """Whoever is in a sample is named as himself, soon after his process
    began; before that perhaps not at all, and never as another."""
    for domain in one.domains:
        life, who = lives.get(domain.uuid), domain.identity
        if age_us(one, domain) > _NAMELESS_US:
            assert who.status == 'ok', (one.host, one.time_us, domain)
        if life is None or who.status != 'ok':
            assert who.status == 'ok' or who.project_id == 'unassigned'
            continue
        assert (who.instance_name, who.project_name) == (life.name, life.user)


def shapes_of(told: Samples, who: str) -> list[tuple[str, str]]:
    """Return flavor and image of each process, in the order of their start;
    a process has one of each for as long as it lives."""
    found: dict[tuple[str, int], tuple[str, str]] = {}
    for one in told.said:
        domain = of(one, who)
        if domain is None or domain.identity.flavor is None:
            continue
        flavor = domain.identity.flavor.name or ''
        shape = flavor, domain.identity.image_id or ''
        started = int(domain.epoch.partition('.')[2])
        assert found.setdefault((domain.epoch, started), shape) == shape
    return [found[key] for key in sorted(found, key=lambda x: x[1])]


@pytest.fixture(scope='module')
def busy(stage: conftest.Stage) -> Iterator[list[str]]:
    """Two that want all of one CPU each."""
    found = [
        stage.boot('admin', name, image='busy', host='compute1')
        for name in ('noise1', 'noise2')
    ]
    yield found
    for one in found:
        stage.delete(one)


@pytest.fixture(scope='module')
def lives(
    stage: conftest.Stage, samples: Samples, busy: list[str]
) -> Iterator[dict[str, Life]]:
    """Instances of two projects, by their ids, while the busy ones share
    one CPU, so that these suffer on any machine."""
    made = [
        Life(stage, samples, 'tenant-a', 'alpha', 'small'),
        Life(stage, samples, 'tenant-b', 'beta', 'still'),
    ]
    for one in made:
        one.boot()
    for one in made:
        one.wait('ACTIVE')
    stage.wait_active(*busy)
    pin(stage.where, busy)
    yield {one.id: one for one in made}
    for one in made:
        if not one.is_gone:
            stage.delete(one.id)


def pin(where: place.Place, instances: list[str]) -> None:
    """Let them run on one CPU."""
    cpu = min(os.sched_getaffinity(0))
    pinned = 0
    for path in where.nodes.glob('*/run-libvirt/qemu/*.pid'):
        process = pathlib.Path('/proc', path.read_text().strip())
        words = (process / 'cmdline').read_bytes().decode()
        if any(one in words for one in instances):
            pinned += 1
            for thread in (process / 'task').iterdir():
                os.sched_setaffinity(int(thread.name), {cpu})
    assert pinned == len(instances)


def resize(life: Life, flavor: str) -> None:
    """Let it be of another flavor on the same host."""
    stage, host = life.stage, life.stage.on(life.id)
    (other,) = {*stage.cloud.computes} - {host}
    flavors = stage.api.call('GET', 'nova', '/flavors')['flavors']
    wanted = next(x['id'] for x in flavors if x['name'] == flavor)
    stage.enable(other, 'disabled')
    try:
        life.act('resize', {'flavorRef': wanted})
        life.wait('VERIFY_RESIZE')
    finally:
        stage.enable(other, 'enabled')
    life.shapes.append((flavor, life.image))
    life.act('confirmResize')
    life.wait('ACTIVE')
    assert stage.on(life.id) == host


def rebuild(life: Life, image: str) -> None:
    """Let it begin anew from another image."""
    life.image = life.of('glance', f'/v2/images?name={image}', 'images')
    life.act('rebuild', {'imageRef': life.image})
    life.shapes.append((life.shapes[-1][0], life.image))

    def rebuilt() -> bool:
        now = life.stage.server(life.id)
        task = now['OS-EXT-STS:task_state']
        is_there = now['image'] and now['image']['id'] == life.image
        return bool(is_there and now['status'] == 'ACTIVE' and task is None)

    conftest.within(240, rebuilt, 0.2)


def move(life: Life) -> tuple[str, str]:
    """Let it migrate while it runs; return from where, and to where."""
    stage, source = life.stage, life.stage.on(life.id)
    (other,) = {*stage.cloud.computes} - {source}
    stage.migrate(life.id, other)
    life.shapes.append(life.shapes[-1])

    def arrived() -> bool:
        host, status = stage.now(life.id)
        assert status in ('MIGRATING', 'ACTIVE')
        return (host, status) == (other, 'ACTIVE')

    conftest.within(240, arrived, 0.2)
    return source, other


def end(life: Life) -> None:
    """Delete it, and return when Nova knows it no more."""
    life.stage.tenant(life.user).call('DELETE', 'nova', f'/servers/{life.id}')

    def is_gone() -> bool:
        try:
            life.stage.server(life.id)
        except place.CloudError as why:
            return ' 404 ' in str(why)
        return False

    conftest.within(120, is_gone, 0.2)
    life.is_gone = True


def test_samples_follow_an_instance_from_boot_to_deletion(
    stage: conftest.Stage, samples: Samples, lives: dict[str, Life]
) -> None:
    alpha, beta = lives.values()
    alpha.assert_told()
    beta.assert_told()
    resize(alpha, 'double')
    alpha.assert_told()
    rebuild(alpha, 'calm')
    alpha.assert_told()
    host = stage.on(beta.id)
    end(beta)
    for _ in range(3):
        assert of(next_of(samples, host), beta.id) is None


def test_who_migrates_runs_on_one_host_at_each_time(
    stage: conftest.Stage,
    services: ours.Ours,
    samples: Samples,
    lives: dict[str, Life],
) -> None:
    alpha = next(iter(lives.values()))
    reports = services.follow(topic.HOSTS, host_report.HostReport)
    alpha.assert_told()
    began = len(samples.said)
    source, other = move(alpha)
    alpha.assert_told()
    assert of(next_of(samples, source), alpha.id) is None
    runs = [
        one.host
        for one in sorted(samples.said[began:], key=lambda one: one.time_us)
        if (domain := of(one, alpha.id)) and domain.state == 'running'
    ]
    # From the first time on that it runs there, it does nowhere else.
    there = runs.index(other)
    assert set(runs[:there]) == {source}
    assert set(runs[there:]) == {other}

    def has_arrived() -> bool:
        reports.read()
        newest = {one.host: one for one in reports.said}
        hosts = [
            (name, each.state)
            for name, one in newest.items()
            for each in one.instances
            if each.uuid == alpha.id
        ]
        return hosts == [(other, 'running')]

    conftest.within(_PATIENCE_S, has_arrived)
    reports.close()
    # Counted once; what a process did before it was known is not counted.
    ran = ran_us(samples, alpha.id)
    assert 0.5 * ran < used_us(samples, alpha.id) < 1.01 * ran


def used_us(told: Samples, who: str) -> int:
    """Return the CPU time that the analyzer puts into all hosts' hours."""
    used = 0
    for host in {one.host for one in told.said}:
        detector = detectors.Detector(host, detect_settings.Settings())
        hours: list[usage.HostUsage | None] = []
        for one in told.said:
            detector.consume(one)
            hours += detector.account.drain()
        hours.append(detector.account.record())
        used += sum(
            one.cpu.run_us
            for hour in hours
            if hour is not None
            for one in hour.instances
            if one.uuid == who
        )
    return used


def ran_us(told: Samples, who: str) -> int:
    """Return what its processes used between their first and last sample."""
    seen: dict[tuple[str, str], list[int]] = {}
    for one in told.said:
        domain = of(one, who)
        if domain is not None:
            parts = [
                *(each.run_us for each in domain.vcpus),
                *(each.run_us for each in domain.threads),
            ]
            total = sum(part or 0 for part in parts)
            seen.setdefault((one.host, domain.epoch), []).append(total)
    return sum(totals[-1] - totals[0] for totals in seen.values())


def test_a_new_name_shows_in_findings_within_one_poll(
    stage: conftest.Stage,
    services: ours.Ours,
    samples: Samples,
    lives: dict[str, Life],
    busy: list[str],
) -> None:
    findings = services.follow(topic.FINDINGS, finding.Finding)

    def standing() -> finding.Finding | None:
        findings.read()
        newest = {one.id: one for one in findings.said}
        return next(
            (
                one
                for one in newest.values()
                if one.victim.uuid in busy and one.state != 'closed'
            ),
            None,
        )

    first: finding.Finding = conftest.within(_PATIENCE_S, standing)
    who = first.victim.uuid
    assert (first.victim.instance_name or '').startswith('noise')
    body = {'server': {'name': 'renamed'}}
    stage.api.call('PUT', 'nova', f'/servers/{who}', body)
    began = time.monotonic()
    one = findings.wait(
        lambda one: one.victim.instance_name == 'renamed', _PATIENCE_S
    )
    # A poll and a cycle are a second each; the analyzer looks each five
    # seconds, and tells with the next sample. Else it is told each minute.
    assert time.monotonic() - began < 40
    assert one.victim.uuid == who
    assert (one.availability_zone, one.aggregates) == ('north', ['fast'])
    assert one.summary.startswith('renamed (project admin)')
    findings.close()
    # Nova did not tell libvirt.
    domain = of(next_of(samples, 'compute1'), who or '')
    assert domain is not None
    assert (domain.identity.instance_name or '').startswith('noise')


def test_nobody_was_ever_taken_for_somebody_else(
    samples: Samples, lives: dict[str, Life]
) -> None:
    for one in lives.values():
        assert shapes_of(samples, one.id) == one.shapes
    for told in samples.said:
        assert_nobody_else(told, lives)
