# SPDX-License-Identifier: Apache-2.0
"""The devices of a domain, as far as they decide how fast it is."""

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

from kvm_insight.identify import text
from kvm_insight.identify.facts import value
from kvm_insight.model import part

_MOST = 256
_AGENT = 'org.qemu.guest_agent.0'


def parse(root: ElementTree.Element) -> Iterator[tuple[str, Any]]:
    """Yield fields of the domain's facts with their values."""
    devices = root.find('devices')
    if devices is None:
        return
    nics = devices.findall('interface')
    yield 'disks', [_disk(x) for x in devices.findall('disk')[:_MOST]]
    yield 'nics', [_nic(one) for one in nics[:_MOST]]
    yield (
        'controllers',
        [_controller(one) for one in devices.findall('controller')[:_MOST]],
    )
    yield (
        'rngs',
        [
            value.attribute(one.find('backend'), 'model') or 'unknown'
            for one in devices.findall('rng')[:_MOST]
        ],
    )
    yield (
        'videos',
        [
            value.attribute(one.find('model'), 'type') or 'unknown'
            for one in devices.findall('video')[:_MOST]
        ],
    )
    yield (
        'inputs',
        [
            f'{value.attribute(one, "type")} {value.attribute(one, "bus")}'[
                :1024
            ]
            for one in devices.findall('input')[:_MOST]
        ],
    )
    own = len(devices.findall('hostdev'))
    yield 'host_devices', own + sum(x.get('type') == 'hostdev' for x in nics)
    yield 'guest_agent', _agent(devices)
    yield from _balloon(devices.find('memballoon'))


def _disk(disk: ElementTree.Element) -> part.DomainDisk:
    driver = disk.find('driver')
    target = disk.find('target')
    return part.DomainDisk(
        name=value.attribute(target, 'dev') or 'unknown',
        device=value.attribute(disk, 'device') or 'disk',
        bus=value.attribute(target, 'bus'),
        kind=value.attribute(disk, 'type'),
        format=value.attribute(driver, 'type'),
        cache=value.attribute(driver, 'cache'),
        io=value.attribute(driver, 'io'),
        discard=value.attribute(driver, 'discard'),
        iothread=value.number(driver, 'iothread'),
        queues=value.number(driver, 'queues'),
        is_read_only=disk.find('readonly') is not None,
        backing=sum(1 for x in disk.iter('backingStore') if x.get('type')),
        limits=_limits(disk.find('iotune')),
    )


def _limits(iotune: ElementTree.Element | None) -> dict[str, int]:
    found = {
        one.tag[:1024]: text.count(one.text)
        for one in ([] if iotune is None else list(iotune)[:_MOST])
    }
    return {name: limit for name, limit in found.items() if limit}


def _nic(nic: ElementTree.Element) -> part.DomainNic:
    driver = nic.find('driver')
    name = value.attribute(nic.find('target'), 'dev')
    mac = value.attribute(nic.find('mac'), 'address')
    return part.DomainNic(
        name=name or mac or 'unknown',
        kind=value.attribute(nic, 'type'),
        model=value.attribute(nic.find('model'), 'type'),
        driver=value.attribute(driver, 'name'),
        queues=value.number(driver, 'queues'),
        rx_queue_size=value.number(driver, 'rx_queue_size'),
        tx_queue_size=value.number(driver, 'tx_queue_size'),
        mtu_bytes=value.number(nic.find('mtu'), 'size'),
        limits={
            f'{way.tag}.{what}'[:1024]: limit
            for way in nic.findall('bandwidth/*')[:_MOST]
            for what, limit in value.numbers(way).items()
        },
    )


def _controller(one: ElementTree.Element) -> part.Controller:
    driver = one.find('driver')
    return part.Controller(
        kind=value.attribute(one, 'type') or 'unknown',
        model=value.attribute(one, 'model'),
        queues=value.number(driver, 'queues'),
        iothread=value.number(driver, 'iothread'),
    )


def _agent(devices: ElementTree.Element) -> str | None:
    for one in devices.iterfind('channel/target'):
        if one.get('name') == _AGENT:
            return value.attribute(one, 'state') or ''
    return None


def _balloon(
    balloon: ElementTree.Element | None,
) -> Iterator[tuple[str, Any]]:
    yield 'balloon', value.attribute(balloon, 'model')
    if balloon is None:
        return
    yield 'balloon_period_s', value.number(balloon.find('stats'), 'period')
    yield (
        'balloon_options',
        {
            name: word
            for name in ('autodeflate', 'freePageReporting')
            for word in [value.attribute(balloon, name)]
            if word is not None
        },
    )
