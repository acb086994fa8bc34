# SPDX-License-Identifier: Apache-2.0
"""An hour's sums as a record, and the record as sums to go on with."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy

from kvm_insight.detect import charges, device_sums, hour
from kvm_insight.model import entity, usage

_Kind = TypeVar('_Kind', usage.Disk, usage.Network, usage.Memory)

_WORDS = ('rss_bytes', 'usable_bytes', 'dirty_rate_bytes_s')
_RSS_PEAK = 3
_MEMORY_AT = hour.DEVICE_AT + device_sums.MEMORY_AT
_NETWORK_AT = hour.DEVICE_AT + device_sums.NETWORK_AT


def of(one: hour.Hour) -> usage.HostUsage:
    """Return all sums so far."""
    one.settle()
    return usage.HostUsage(
        host=one.host,
        start_us=one.start_us,
        agent_id=one.agent_id,
        first_sequence=one.first_sequence,
        last_sequence=one.last_sequence,
        samples=one.samples,
        missing=one.missing,
        measured_us=one.measured_us,
        cpus=one.cpus,
        memory_bytes=one.memory_bytes,
        least_available_bytes=one.least_available_bytes,
        busy_us=one.busy_us,
        own=_cpu(one, 0),
        pressure=dict(one.pressure),
        ledger_us=dict(one.ledger_us),  # type: ignore[arg-type]
        instances=[
            _instance(one, column) for column in range(1, len(one.columns))
        ],
        entities=list(one.charges.entities),
        charges=one.charges.record(),
    )


def _instance(one: hour.Hour, column: int) -> usage.Instance:
    return msgspec.structs.replace(
        one.facts[column - 1],
        cpu=_cpu(one, column),
        disk=_disk(one, column),
        network=_network(one, column),
        memory=_memory(one, column),
    )


def _cpu(one: hour.Hour, column: int) -> usage.Cpu:
    sums = one.sums[column].tolist()
    lost = zip(hour.VERDICTS, sums[hour.LOST_AT :], strict=False)
    if not sums[0]:
        return usage.Cpu()
    first = column * usage.BINS
    bins = one.histogram.between(first, first + usage.BINS)
    return usage.Cpu(
        **dict(zip(hour.CPU, sums, strict=False)),
        parts=[(a, b) for a, b in one.parts[column].tolist()],
        histogram=[(place - first, weight) for place, weight in bins],
        lost_us={verdict: us for verdict, us in lost if us},
    )


def _disk(one: hour.Hour, column: int) -> usage.Disk | None:
    requests_s, bytes_s, _, _ = one.peaks[column].tolist()
    at = hour.DEVICE_AT
    return _device(
        usage.Disk,
        device_sums.DISK,
        one.sums[column, at:].tolist(),
        peak_requests_s=max(0, requests_s),
        peak_bytes_s=max(0, bytes_s),
    )


def _network(one: hour.Hour, column: int) -> usage.Network | None:
    return _device(
        usage.Network,
        device_sums.NETWORK,
        one.sums[column, _NETWORK_AT:].tolist(),
        peak_bytes_s=max(0, int(one.peaks[column, 2])),
    )


def _memory(one: hour.Hour, column: int) -> usage.Memory | None:
    words = dict(zip(_WORDS, one.last[column].tolist(), strict=True))
    words['peak_rss_bytes'] = int(one.peaks[column, _RSS_PEAK])
    said = {name: word for name, word in words.items() if word >= 0}
    return _device(
        usage.Memory,
        device_sums.MEMORY,
        one.sums[column, _MEMORY_AT:].tolist(),
        **said,
    )


def _device(
    kind: type[_Kind], names: Sequence[str], sums: list[int], **more: int
) -> _Kind | None:
    if not sums[0]:
        return None
    made: Any = kind(**dict(zip(names, sums, strict=False)), **more)
    return made  # type: ignore[no-any-return]


def rebuilt(record: usage.HostUsage) -> hour.Hour:
    """Return the hour that made this record; ValueError for a broken one."""
    one = hour.Hour(record.start_us, record.host, record.agent_id)
    for name in (
        'first_sequence',
        'last_sequence',
        'samples',
        'missing',
        'measured_us',
        'cpus',
        'memory_bytes',
        'least_available_bytes',
        'busy_us',
    ):
        setattr(one, name, getattr(record, name))
    one.pressure = dict(record.pressure)
    one.ledger_us = {str(key): us for key, us in record.ledger_us.items()}
    one.charges = charges.rebuilt(record.entities, record.charges)
    _put_cpu(one, 0, record.own)
    for instance in record.instances:
        if entity.domain(instance.uuid) in one.columns:
            raise ValueError(f'instance {instance.uuid} comes twice')
        column = one.add(hour.fact(instance))
        _put_cpu(one, column, instance.cpu)
        _put_devices(one, column, instance)
    return one


def _put_cpu(one: hour.Hour, column: int, cpu: usage.Cpu) -> None:
    lost = [cpu.lost_us.get(verdict, 0) for verdict in hour.VERDICTS]
    sums = [getattr(cpu, name) for name in hour.CPU]
    one.sums[column, : hour.DEVICE_AT] = [*sums, *lost]
    if cpu.parts:
        if len(cpu.parts) != usage.PARTS:
            raise ValueError(f'{len(cpu.parts)} parts of an hour')
        one.parts[column] = cpu.parts
    for number, weight in cpu.histogram:
        if number >= usage.BINS or weight > hour.MOST_WEIGHT:
            raise ValueError(f'bin {number} of {weight}')
    bins = sorted(dict(cpu.histogram).items())
    first = column * usage.BINS
    one.histogram.add(
        numpy.array([first + number for number, _ in bins], numpy.int64),
        numpy.array([weight for _, weight in bins], numpy.int64),
    )


def _put_devices(
    one: hour.Hour, column: int, instance: usage.Instance
) -> None:
    sums: list[int] = []
    for names, kind in (
        (device_sums.DISK, instance.disk or usage.Disk()),
        (device_sums.NETWORK, instance.network or usage.Network()),
        (device_sums.MEMORY, instance.memory or usage.Memory()),
    ):
        sums += [getattr(kind, name) for name in names]
    one.sums[column, hour.DEVICE_AT :] = sums
    if instance.disk:
        one.peaks[column, 0] = instance.disk.peak_requests_s
        one.peaks[column, 1] = instance.disk.peak_bytes_s
    if instance.network:
        one.peaks[column, 2] = instance.network.peak_bytes_s
    if instance.memory:
        words = [getattr(instance.memory, name) for name in _WORDS]
        one.last[column] = [hour.known(word) for word in words]
        peak = instance.memory.peak_rss_bytes
        one.peaks[column, _RSS_PEAK] = hour.known(peak)
