# SPDX-License-Identifier: Apache-2.0
"""Each family is exposed by somebody, and is named as Prometheus has it."""

import pathlib
import re
from typing import Any

import msgspec
import pytest
from prometheus_client.openmetrics import parser

from kvm_insight.model import codec, sample, vitals
from kvm_insight.scrape import (
    agent,
    analyzer,
    family,
    feeder,
    page,
    planner,
)
from tests.unit.scrape import scraped, test_services

GOLDEN = pathlib.Path(__file__).parent.parent / 'model/golden/sample-1.json'
ALL = (
    *page.FAMILIES,
    *agent.FAMILIES,
    *analyzer.FAMILIES,
    *planner.FAMILIES,
    *feeder.FAMILIES,
)


def filled(record: type[msgspec.Struct], **more: Any) -> Any:
    """A record in which each number is 3."""
    fields: dict[str, Any] = {}
    for one in msgspec.structs.fields(record):
        if one.name in more:
            fields[one.name] = more[one.name]
        elif 'int' in str(one.type) and 'dict' not in str(one.type):
            fields[one.name] = 3
    return record(**(fields | more))


@pytest.fixture
def whole() -> sample.Sample:
    """A recorded sample with all in it that a host can tell."""
    now = codec.decode(GOLDEN.read_bytes().strip(), sample.Sample)
    domain = msgspec.structs.replace(
        now.domains[0],
        libvirt_age_us=3,
        cpu=filled(sample.CpuControl),
        kvm=filled(sample.Kvm),
        memory=filled(sample.Memory),
        pressure=filled(sample.Pressure),
        disks=[filled(sample.Disk, name='vda')],
        interfaces=[filled(sample.Interface, name='vnet0')],
        job=filled(sample.Job, kind='unbounded'),
    )
    system = filled(
        sample.System,
        cpus='0-1',
        load1=0.5,
        pressure=filled(sample.Pressure),
        numa_free_bytes={'0': 1},
        hugepages={'0/2048': 4},
        hugepages_free={'0/2048': 3},
        disks=[filled(sample.HostDisk, name='sda')],
        nics=[filled(sample.Nic, name='eth0')],
        services=[filled(sample.Service, name='sshd.service')],
    )
    about = msgspec.structs.replace(
        now.agent, identity_failures={'missing': 1}
    )
    ledger = msgspec.structs.replace(
        now.ledger or sample.Ledger(source='ebpf', interval_us=1, rows=[]),
        missed_switches=1,
        overruns=1,
        untracked_threads=1,
        completeness=1.0,
    )
    return msgspec.structs.replace(
        now,
        missing={'resctrl': 'no'},
        domains=[domain],
        system=system,
        agent=about,
        ledger=ledger,
    )


def points(whole: sample.Sample) -> list[family.Point]:
    transport = vitals.Transport('up', 0, 0, 0, 0, 0, 0, 0)
    exposed = agent.Exposed(lambda: transport, 1000)
    exposed.take(whole)
    hosts = {'h': vitals.Host(test_services.US, 1.0, 1.0, 1.0)}
    return [
        (page.BUILD, ('s', '1'), 1.0),
        *exposed.points(),
        *analyzer.points(
            vitals.Analyzer(
                time_us=1, lag=1, open={('cpu', 'unknown'): 1}, hosts=hosts
            ),
            100,
            lambda: 1.0,
        ),
        *planner.points(
            vitals.Planner(time_us=1, active=True, plan=test_services.plan())
        ),
        *feeder.points(
            vitals.Feeder(time_us=1, works={'n': True}, written_us={'n': 1})
        ),
    ]


def test_each_family_is_exposed_and_no_other(whole: sample.Sample) -> None:
    found = {one for one, _, _ in points(whole)}
    missing = {one.exposed for one in set(ALL) - found}
    assert missing == set()
    assert {one.exposed for one in found - set(ALL)} == set()


def test_each_of_a_domain_is_said_once(whole: sample.Sample) -> None:
    both = [(one.exposed, labels) for one, labels, _ in points(whole)]
    double = {one for one in both if both.count(one) > 1}
    # Four services in one list; each has a bus of its own.
    assert {name for name, _ in double} == {'kvm_insight_bus_up'}


def test_a_whole_sample_can_be_read_back(whole: sample.Sample) -> None:
    seen = scraped.values(points(whole))
    assert scraped.of(seen, 'domain_disk_read_seconds_total') == 0
    assert scraped.of(seen, 'domain_memory_resident_bytes') == 3
    assert scraped.of(seen, 'host_cpu_frequency_hertz') == 3000


def test_open_metrics_own_reader_takes_all_of_an_agent(
    whole: sample.Sample,
) -> None:
    transport = vitals.Transport('up', 0, 0, 0, 0, 0, 0, 0)
    exposed = agent.Exposed(lambda: transport, 1000)
    exposed.take(whole)
    made = page.Page(page.registry_of('agent', '1', exposed.points))
    text = made.render('application/openmetrics-text;version=1.0.0')[1]
    assert text.endswith(b'# EOF\n')
    found = parser.text_string_to_metric_families(text.decode())  # type: ignore[no-untyped-call]
    units = {one.name: one.unit for one in found}
    assert units['kvm_insight_domain_run_seconds'] == 'seconds'


def test_names_are_unique_and_as_prometheus_has_them() -> None:
    names = [one.exposed for one in ALL]
    assert len(set(names)) == len(names)
    for one in ALL:
        assert re.fullmatch(r'kvm_insight_[a-z][a-z0-9_]*', one.name)
        assert one.name.endswith('_total') == (one.kind == 'counter')
        assert one.words.endswith('.')
        assert not {'instance', 'job'} & set(one.labels), one.name
        assert not re.search(r'_(us|ms|kib|mib|khz|percent)(_|$)', one.name)


def test_what_is_of_a_domain_has_its_uuid_and_its_project() -> None:
    for one in agent.FAMILIES:
        if one.name.startswith('kvm_insight_domain_'):
            assert one.labels[:2] == ('domain', 'project_id')
            assert not {'name', 'device', 'vcpu'} & set(one.labels)
