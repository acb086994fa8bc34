# SPDX-License-Identifier: Apache-2.0
"""What a domain's XML may hold, from honest to hostile."""

import pathlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kvm_insight.identify import domain
from kvm_insight.model import sample

TREES = pathlib.Path(__file__).parent / 'xml'
NOVA = 'http://openstack.org/xmlns/libvirt/nova/1.1'


def nova_xml(inside: str, namespace: str = NOVA) -> str:
    return (
        '<domain><name>instance-1</name><metadata>'
        f'<nova:instance xmlns:nova="{namespace}">{inside}</nova:instance>'
        '</metadata></domain>'
    )


def test_metadata_of_a_new_nova_gives_flavor_with_id_and_extra_specs() -> None:
    found = domain.parse((TREES / 'nova-1.1.xml').read_text())
    assert found.identity == sample.Identity(
        source='nova',
        status='ok',
        instance_name='web 1',
        project_id='59a36a348ce85965d42429f3a0f9b3f0',
        project_name='shop',
        user_id='8f69ffe49a56fc79b882c32eae647d38',
        user_name='ann',
        flavor=sample.Flavor(
            name='m1.small',
            flavor_id='7d4a3c64-0a4e-4d7b-bb0e-0f0b25a7a1f1',
            vcpus=2,
            memory_bytes=2 * 1024**3,
            disk_bytes=20 * 1024**3,
            extra_specs={'hw:cpu_policy': 'shared', 'quota:cpu_quota': '5'},
        ),
        image_id='11111111-2222-3333-4444-555555555555',
        created_at='2026-11-01 00:00:00',
        nova_version='32.1.0',
    )
    assert found.vcpus_maximum == 4
    assert found.iothreads == 2
    assert found.paths == {
        'vda': '/var/lib/nova/instances/1/disk',
        'vdb': 'volumes/volume-1',
    }
    assert found.limits == {
        'vdb': sample.DiskLimits(read_bytes_s=1048576, write_requests_s=200)
    }


def test_metadata_of_the_old_namespace_is_read_too() -> None:
    found = domain.parse((TREES / 'nova-1.0.xml').read_text()).identity
    assert found.status == 'ok'
    assert found.project_id == '123'
    assert found.flavor is not None
    assert found.flavor.name == 'm1.tiny'
    assert found.flavor.flavor_id is None
    assert found.image_id == 'aaaaaaaa-2222-3333-4444-555555555555'


def test_metadata_without_an_owner_is_partial_and_unassigned() -> None:
    found = domain.parse(
        nova_xml('<nova:name>x</nova:name><nova:flavor name="a"/>')
    ).identity
    assert (found.source, found.status) == ('nova', 'partial')
    assert found.project_id == 'unassigned'
    assert found.instance_name == 'x'


@pytest.mark.parametrize('number', ['-1', '1e3', '', '٣', '9' * 400, '1 2'])
def test_a_flavor_whose_numbers_are_none_is_broken_but_keeps_the_rest(
    number: str,
) -> None:
    found = domain.parse(
        nova_xml(
            '<nova:name>x</nova:name><nova:flavor name="a">'
            f'<nova:memory>{number}</nova:memory></nova:flavor>'
            '<nova:owner><nova:project uuid="p">q</nova:project></nova:owner>'
        )
    ).identity
    assert found.status == 'broken'
    assert found.project_id == 'p'
    assert found.flavor is not None
    assert found.flavor.memory_bytes is None


def test_a_volume_as_root_is_no_image() -> None:
    found = domain.parse(nova_xml('<nova:root type="volume" uuid="v"/>'))
    assert found.identity.image_id is None


def test_another_applications_metadata_is_foreign() -> None:
    found = domain.parse(
        '<domain><metadata><a:b xmlns:a="http://example.org"/></metadata>'
        '</domain>'
    )
    assert found.identity == sample.Identity(status='foreign')


@pytest.mark.parametrize(
    'inside', ['', '<metadata/>', '<metadata> </metadata>']
)
def test_no_metadata_is_missing(inside: str) -> None:
    found = domain.parse(f'<domain>{inside}</domain>')
    assert found.identity == sample.Identity(status='missing')


def test_a_plain_libvirt_host_may_name_the_owner_in_our_own_metadata() -> None:
    found = domain.parse(
        '<domain><metadata><i:owner xmlns:i="urn:kvm-insight:1"'
        ' project="4711" project-name="Payroll" name="db"/></metadata>'
        '</domain>'
    )
    assert found.identity == sample.Identity(
        source='metadata',
        project_id='4711',
        project_name='Payroll',
        instance_name='db',
    )


def test_a_prefix_of_novas_namespace_is_not_nova() -> None:
    found = domain.parse(nova_xml('', NOVA + '9'))
    assert found.identity.status == 'foreign'


BILLION = (
    '<!DOCTYPE l [<!ENTITY a0 "ha">'
    + ''.join(f'<!ENTITY a{n} "&a{n - 1};&a{n - 1};">' for n in range(1, 30))
    + ']><domain><name>&a29;</name></domain>'
)


@pytest.mark.parametrize(
    'xml',
    [
        BILLION,
        '<!DOCTYPE d SYSTEM "file:///etc/passwd"><domain>&x;</domain>',
        '<domain>' + '<a>' * 5000 + '</a>' * 5000 + '</domain>',
        '<domain>' + '<a/>' * 200_000 + '</domain>',
        '<domain>' + 'x' * 5_000_000 + '</domain>',
        '<domain>',
        '',
        'not XML',
        '\ud800',
        '<domain>\x00</domain>',
        '<x:domain/>',
    ],
    ids=lambda xml: xml[:20].encode('ascii', 'replace').decode(),
)
def test_hostile_or_damaged_xml_is_broken_and_never_an_error(xml: str) -> None:
    assert domain.parse(xml).identity == sample.Identity(status='broken')


def test_what_a_tenant_may_write_always_fits_into_a_sample() -> None:
    long = 'n' * 100_000
    found = domain.parse(
        nova_xml(
            f'<nova:name>{long}</nova:name><nova:flavor name="{long}">'
            '<nova:extraSpecs>'
            + f'<nova:extraSpec name="k{long}">{long}</nova:extraSpec>' * 100
            + '</nova:extraSpecs></nova:flavor>'
        )
    ).identity
    wire = msgspec.json.encode(found)
    assert msgspec.json.decode(wire, type=sample.Identity) == found
    assert len(wire) < 100_000


@given(st.text())
def test_any_text_gives_a_description(text: str) -> None:
    domain.parse(text)
    domain.parse(nova_xml(text))
