# SPDX-License-Identifier: Apache-2.0
"""The XML of lab guests says what was asked for."""

import dataclasses
import pathlib
from xml.etree import ElementTree

import pytest
from lab import guest

PLACE = guest.Place(
    kernel=pathlib.Path('/lab/vmlinuz'),
    initrd=pathlib.Path('/lab/initrd.gz'),
    folder=pathlib.Path('/lab/guests'),
    partition='lab1',
)
PLAIN = guest.Guest('web', '1', '10:0,20:100')


def tree(one: guest.Guest, place: guest.Place = PLACE) -> ElementTree.Element:
    return ElementTree.fromstring(guest.xml(one, place))


def test_the_uuid_is_the_guests_own() -> None:
    assert tree(PLAIN).findtext('uuid') == PLAIN.uuid
    assert guest.Guest('web', '1', '1:0').uuid != PLAIN.uuid


def test_the_load_is_on_the_kernels_command_line() -> None:
    words = tree(PLAIN).findtext('os/cmdline', '').split()
    assert {'sched=10:0,20:100', 'loops=1', 'period=100'} <= set(words)


@pytest.mark.parametrize('kind', guest.METADATA)
def test_each_kind_of_metadata_is_well_formed(kind: str) -> None:
    one = dataclasses.replace(PLAIN, metadata=kind)
    element = tree(one).find('metadata')
    assert (element is None) == (kind == 'none')


def test_novas_metadata_names_the_project() -> None:
    one = dataclasses.replace(PLAIN, project='ab' * 16, project_name='shop')
    owner = tree(one).find('.//{*}project')
    assert owner is not None
    assert (owner.get('uuid'), owner.text) == ('ab' * 16, 'shop')


def test_a_quota_is_percent_of_a_core() -> None:
    one = dataclasses.replace(PLAIN, quota=15, global_quota=40)
    tune = tree(one).find('cputune')
    assert tune is not None
    assert tune.findtext('quota') == '15000'
    assert tune.findtext('global_quota') == '40000'
    assert tune.findtext('period') == tune.findtext('global_period')


def test_without_cgroups_there_is_no_partition() -> None:
    place = dataclasses.replace(PLACE, partition=None)
    assert tree(PLAIN, place).find('resource') is None
    assert tree(PLAIN).findtext('resource/partition') == '/lab1'


def test_disk_and_interface_come_when_asked_for() -> None:
    one = dataclasses.replace(PLAIN, disk=True, net=True)
    devices = tree(one).find('devices')
    assert devices is not None
    assert devices.find('disk') is not None
    assert devices.find('interface') is not None
    assert tree(PLAIN).find('devices/disk') is None
