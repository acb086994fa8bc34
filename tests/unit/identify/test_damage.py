# SPDX-License-Identifier: Apache-2.0
"""Values in a domain's XML that mean nothing are told of, not passed over."""

import pathlib

import pytest

from kvm_insight.identify.facts import domain
from kvm_insight.model import facts

XML = pathlib.Path(__file__).parents[1] / 'advise/xml'
TUNED = (XML / 'tuned.xml').read_text()


def read(before: str, after: str) -> facts.DomainFacts:
    assert before in TUNED, before
    found = domain.parse_alone(TUNED.replace(before, after))
    assert found is not None
    return found


@pytest.mark.parametrize('path', sorted(XML.glob('*.xml')), ids=str)
def test_nothing_that_libvirt_or_nova_writes_is_damage(
    path: pathlib.Path,
) -> None:
    found = domain.parse_alone(path.read_text())
    assert found is not None
    assert found.unknown == {}


@pytest.mark.parametrize(
    ('before', 'after', 'field'),
    [
        ('>2</vcpu>', '>two</vcpu>', 'vcpus'),
        ('>2</vcpu>', '>2.5</vcpu>', 'vcpus_current'),
        ("cpuset='0-1'>2", "cpuset='1-0'>2", 'cpuset'),
        ('>1</iothreads>', '/>', 'iothreads'),
        ("<memory unit='KiB'>1", "<memory unit='KiB'>-1", 'memory_bytes'),
        ("<memory unit='KiB'", "<memory unit='pages'", 'memory_bytes'),
        ("cores='2' threads", "cores='' threads", 'topology'),
        ("vcpupin vcpu='0'", "vcpupin vcpu='first'", 'pins'),
        ("vcpu='1' cpuset='1'", "vcpu='1' cpuset='last'", 'pins'),
        ("emulatorpin cpuset='0-1'", "emulatorpin cpuset='?'", 'emulator_pin'),
        ('>50000</quota>', '>half</quota>', 'cpu_tuning'),
        ("queues='2'/>", "queues='0x2'/>", 'disks'),
        ('>200</total_iops_sec>', '/>', 'disks'),
        (
            "<driver queues='2' iothread",
            "<driver queues='!' iothread",
            'controllers',
        ),
        ("<stats period='10'/>", "<stats period='soon'/>", 'balloon_period_s'),
    ],
)
def test_a_value_that_means_nothing_is_told_of(
    before: str, after: str, field: str
) -> None:
    found = read(before, after)
    assert found.unknown[field].startswith('not understood: ')
    assert set(found.unknown) <= {field, 'vcpus', 'vcpus_current'}


def test_no_limit_and_an_empty_list_of_devices_are_no_damage() -> None:
    assert read('>50000</quota>', '>-1</quota>').unknown == {}
    start, rest = TUNED.split('<devices>')
    bare = domain.parse_alone(
        f'{start}<devices>{rest[rest.index("</devices>") :]}'
    )
    assert bare is not None
    assert (bare.unknown, bare.disks, bare.nics) == ({}, [], [])


def test_a_domain_without_devices_is_told_of() -> None:
    text = TUNED.replace('<devices>', '<gear>').replace(
        '</devices>', '</gear>'
    )
    found = domain.parse_alone(text)
    assert found is not None
    assert found.unknown['disks'] == found.unknown['balloon']
    assert 'devices' in found.unknown['nics']


def test_what_is_told_of_is_bounded() -> None:
    found = read('>2</vcpu>', f'>{"x" * 100_000}</vcpu>')
    assert len(found.unknown['vcpus']) < 200
