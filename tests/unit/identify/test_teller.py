# SPDX-License-Identifier: Apache-2.0
"""A host tells how it is built at first, on a change, and once an hour."""

import dataclasses
import pathlib

import msgspec
import pytest

from kvm_insight import exception
from kvm_insight.identify import machine, teller
from kvm_insight.model import codec, facts, host_config, part, sample

XML = (pathlib.Path(__file__).with_name('xml') / 'plain.xml').read_text()
UUID = '81dd7a2e-45ce-41ba-9815-8cab123b4d73'
CAPABILITIES = """<capabilities><host><cpu><arch>x86_64</arch>
<model>EPYC</model><feature name='aes'/></cpu></host>
<guest><arch name='x86_64'><emulator>/usr/bin/qemu</emulator>
<machine canonical='pc-q35-9.1'>q35</machine><machine>pc-q35-7.2</machine>
<domain type='qemu'/><domain type='kvm'><machine>microvm</machine></domain>
</arch></guest><guest><arch name='riscv64'><machine>virt</machine></arch>
</guest></capabilities>"""
HOST = teller.Host(
    capabilities=CAPABILITIES,
    hypervisor_version=9001000,
    libvirt_version=9000000,
    networks=['lan'],
    devices=['br0'],
    firmware=['/usr/share/OVMF/OVMF_CODE.fd'],
    mounts=[
        ('ext4', '/dev/sda1', '/', False),
        ('nfs4', 'nas:/lab', '/var/tmp/lab', True),
    ],
)
HOUR_US = 3600 * 1_000_000


def seen(time_us: int = 0, *uuids: str) -> sample.Sample:
    return sample.Sample(
        host='a',
        boot_id='b',
        agent_id='g',
        sequence=1,
        time_us=time_us,
        uptime_us=time_us,
        agent=sample.Agent(version='1'),
        system=sample.System(cpus='0-3', memory_bytes=1 << 34),
        domains=[
            sample.Domain(uuid=one, name='web', epoch='1.1') for one in uuids
        ],
    )


def test_all_that_a_host_offers_is_told() -> None:
    told = teller.Teller().tell(seen(), HOST, {}, {})
    assert told is not None
    assert set(told.offers) == {
        machine.emulator('/usr/bin/qemu'),
        machine.machine('pc-q35-9.1'),
        machine.machine('pc-q35-7.2'),
        machine.machine('microvm'),
        machine.kind('qemu', 'x86_64'),
        machine.kind('kvm', 'x86_64'),
        machine.network('lan'),
        machine.device('br0'),
        machine.firmware('/usr/share/OVMF/OVMF_CODE.fd'),
        machine.mounted('nfs4', 'nas:/lab', '/var/tmp/lab'),
    }
    assert told.cpu is not None
    assert (told.cpu.model, told.cpu.features) == ('EPYC', ['aes'])


def test_a_domain_is_told_with_the_share_where_it_lies() -> None:
    told = teller.Teller().tell(seen(0, UUID), HOST, {UUID: XML}, {})
    assert told is not None
    (one,) = told.domains
    assert one.obstacles == []
    assert {each.shared for each in one.storage} == {
        machine.mounted('nfs4', 'nas:/lab', '/var/tmp/lab')
    }


def test_what_did_not_change_is_told_once_an_hour() -> None:
    one = teller.Teller()
    told = [
        one.tell(seen(at_us, UUID), HOST, {UUID: XML}, {})
        for at_us in (0, 30_000_000, HOUR_US - 1, HOUR_US, HOUR_US + 1)
    ]
    assert [x is not None for x in told] == [True, False, False, True, False]


def test_a_change_is_told_at_once() -> None:
    one = teller.Teller()
    assert one.tell(seen(0, UUID), HOST, {UUID: XML}, {}) is not None
    assert one.tell(seen(1, UUID), HOST, {UUID: XML}, {UUID: 2}) is not None
    other = dataclasses.replace(HOST, networks=[])
    assert one.tell(seen(2, UUID), other, {UUID: XML}, {UUID: 2}) is not None
    assert one.tell(seen(3), other, {}, {}) is not None
    assert one.tell(seen(4), other, {}, {}) is None


def test_a_clock_that_was_set_back_is_told() -> None:
    one = teller.Teller()
    assert one.tell(seen(HOUR_US), HOST, {}, {}) is not None
    assert one.tell(seen(5), HOST, {}, {}) is not None


def test_snapshots_are_an_obstacle() -> None:
    told = teller.Teller().tell(seen(0, UUID), HOST, {UUID: XML}, {UUID: 1})
    assert told is not None
    assert told.domains[0].obstacles == ['it has snapshots']


def test_while_libvirt_is_away_a_domain_is_what_it_was() -> None:
    one = teller.Teller()
    assert one.tell(seen(0, UUID), HOST, {UUID: XML}, {}) is not None
    assert one.tell(seen(1, UUID), HOST, {UUID: None}, {}) is None
    assert one.tell(seen(2, UUID), HOST, {}, {}) is None


def test_who_was_never_described_is_not_moved() -> None:
    told = teller.Teller().tell(seen(0, UUID), HOST, {UUID: None}, {})
    assert told is not None
    assert told.domains[0].obstacles != []


def test_what_no_reader_would_take_is_not_told() -> None:
    bad = msgspec.structs.replace(seen(), host='h' * 600)
    with pytest.raises(exception.CollectorError, match='cannot be told'):
        teller.Teller().tell(bad, HOST, {}, {})
    broken = dataclasses.replace(HOST, capabilities='<capabilities')
    told = teller.Teller().tell(seen(), broken, {}, {})
    assert told is not None
    assert told.cpu is None


FACTS = facts.HostFacts(
    swappiness=60,
    free_bytes=1,
    uptime_us=1,
    nodes=[part.Node(number=0, cpus='0-3', free_bytes=1)],
    hugepages=[part.HugePages(node=0, size_kib=2048, pages=9, free=4)],
    nics=[part.Nic(name='eth0', irq_cpus='0')],
    unknown={'swap_free_bytes': 'no such file', 'tuned_profile': 'none'},
)


def changed(**fields: object) -> teller.Host:
    whole = msgspec.structs.replace(FACTS, **fields)
    return dataclasses.replace(HOST, facts=whole)


def test_facts_of_host_and_domains_are_told() -> None:
    told = teller.Teller().tell(seen(0, UUID), changed(), {UUID: XML}, {})
    assert told is not None
    assert told.facts == FACTS
    found = told.domains[0].facts
    assert found is not None
    assert (found.uuid, found.name) == (UUID, 'web')
    assert found.disks != []


def test_what_moves_by_itself_is_no_change() -> None:
    one = teller.Teller()
    first = one.tell(seen(0, UUID), changed(), {UUID: XML}, {})
    assert first is not None
    moved = changed(
        free_bytes=2,
        uptime_us=2,
        swap_free_bytes=5,
        nodes=[part.Node(number=0, cpus='0-3', free_bytes=2)],
        hugepages=[part.HugePages(node=0, size_kib=2048, pages=9, free=3)],
        nics=[part.Nic(name='eth0', irq_cpus='2')],
        unknown={'tuned_profile': 'none'},
    )
    assert one.tell(seen(1, UUID), moved, {UUID: XML}, {}) is None
    later = one.tell(seen(HOUR_US, UUID), moved, {UUID: XML}, {})
    assert later is not None
    assert later.facts is not None
    assert later.facts.free_bytes == 2


@pytest.mark.parametrize(
    'fields',
    [
        {'swappiness': 10},
        {'unknown': {'tuned_profile': 'no permission'}},
        {'nodes': [part.Node(number=0, cpus='0-1', free_bytes=1)]},
        {
            'hugepages': [
                part.HugePages(node=0, size_kib=2048, pages=8, free=4)
            ]
        },
    ],
)
def test_what_somebody_changed_is_told_at_once(
    fields: dict[str, object],
) -> None:
    one = teller.Teller()
    assert one.tell(seen(0, UUID), changed(), {UUID: XML}, {}) is not None
    other = changed(**fields)
    assert one.tell(seen(1, UUID), other, {UUID: XML}, {}) is not None
    assert one.tell(seen(2, UUID), other, {UUID: XML}, {}) is None


def test_the_xml_of_a_domain_that_changed_is_told() -> None:
    one = teller.Teller()
    assert one.tell(seen(0, UUID), HOST, {UUID: XML}, {}) is not None
    assert "cache='none'" in XML
    other = XML.replace("cache='none'", "cache='writeback'")
    told = one.tell(seen(1, UUID), HOST, {UUID: other}, {})
    assert told is not None
    assert told.domains[0].facts is not None
    assert 'writeback' in {x.cache for x in told.domains[0].facts.disks}


def test_whose_xml_is_broken_or_not_there_says_so() -> None:
    for xml, why in ((None, 'not described'), ('<domain', 'not understood')):
        told = teller.Teller().tell(seen(0, UUID), HOST, {UUID: xml}, {})
        assert told is not None
        found = told.domains[0].facts
        assert found is not None
        assert (found.uuid, found.name) == (UUID, 'web')
        assert why in found.unknown['xml']


def test_a_record_stays_far_below_what_brokers_take() -> None:
    uuids = [f'{n:08x}-0000-4000-8000-{n:012x}' for n in range(600)]
    one = teller.Teller()
    xml = dict.fromkeys(uuids, XML)
    told = one.tell(seen(0, *uuids), changed(), xml, {})
    assert told is not None
    whole = codec.encode(told)
    assert len(whole) <= teller.MOST_BYTES
    assert codec.decode(whole, host_config.HostConfig) == told
    left_out = [
        x.uuid for x in told.domains if x.facts and x.facts.unknown.get('xml')
    ]
    assert 0 < len(left_out) < len(uuids)
    assert left_out == uuids[-len(left_out) :]
    assert {x.facts.unknown['xml'] for x in told.domains[-3:] if x.facts} == {
        teller.LEFT_OUT
    }
    assert one.tell(seen(1, *uuids), changed(), xml, {}) is None
