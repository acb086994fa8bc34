# SPDX-License-Identifier: Apache-2.0
"""Rows of one record of use: its host's and its instances'."""

import typing
import zlib
from collections.abc import Iterable, Mapping

import msgspec

from kvm_insight.model import finding, usage
from kvm_insight.store import charges, histogram, text
from kvm_insight.store.write import account, upsert

VERDICTS: tuple[finding.Verdict, ...] = typing.get_args(finding.Verdict)
_CPU = (
    'measured_us',
    'run_us',
    'delay_us',
    'throttled_us',
    'polled_us',
    'trusted_us',
)
_DEVICES: dict[str, type[msgspec.Struct]] = {
    'disk': usage.Disk,
    'network': usage.Network,
    'memory': usage.Memory,
}


def part(record: usage.HostUsage) -> int:
    """Return what tells this record from another one of the same hour.

    It is made from what the record says, so that records that come in another
    order make the same rows.
    """
    words = f'{record.first_sequence}/{record.agent_id}'
    return zlib.crc32(words.encode()) & 0x7FFFFFFF


def hour(record: usage.HostUsage) -> int:
    """Return the number of its hour since 1970."""
    return record.start_us // usage.HOUR_US


def of_host(record: usage.HostUsage, host_id: int) -> upsert.Row:
    """Return the row of the host."""
    own, parts = record.own, [one.cpu for one in record.instances]
    return {
        'host_id': host_id,
        'hour': hour(record),
        'part': part(record),
        'agent_id': text.key(record.agent_id),
        'first_sequence': record.first_sequence,
        'last_sequence': record.last_sequence,
        'samples': record.samples,
        'missing': record.missing,
        'measured_us': record.measured_us,
        'cpus': record.cpus,
        'memory_bytes': record.memory_bytes,
        'least_available_bytes': record.least_available_bytes,
        'busy_us': record.busy_us,
        'own_run_us': own.run_us if own.measured_us else None,
        'own_delay_us': own.delay_us if own.measured_us else None,
        **{
            name: _sum(name, parts)
            for name in ('run_us', 'delay_us', 'throttled_us')
        },
        **_lost([own, *parts]),
        'ledger_ebpf_us': record.ledger_us.get('ebpf'),
        'ledger_sampled_us': record.ledger_us.get('sampled'),
        'pressure': {
            text.key(name): us for name, us in record.pressure.items()
        },
        'charges': charges.pack(record.entities, record.charges),
    }


def of_instances(
    record: usage.HostUsage,
    host_id: int,
    instances: Mapping[str, int],
    projects: Mapping[str, int],
) -> list[upsert.Row]:
    """Return the rows of its instances; the numbers are of all of them."""
    accounts = account.Account(record)
    place = {'host_id': host_id, 'hour': hour(record), 'part': part(record)}
    # Twice the same UUID is no record of ours, and would be no row either.
    by_uuid = {one.uuid: one for one in record.instances}
    return [
        {
            'instance_id': instances[uuid],
            **place,
            'project_id': projects.get(one.project_id or ''),
            'vcpus': min(one.vcpus, 2**31 - 1),
            'memory_bytes': one.memory_bytes,
            **{name: getattr(one.cpu, name) for name in _CPU},
            # A part of what ran, whatever the clocks of both say.
            'polled_us': min(one.cpu.polled_us, one.cpu.run_us),
            **accounts.columns(uuid, one.cpu),
            **_lost([one.cpu]),
            **quantiles(one.cpu.histogram),
            'histogram': histogram.pack(one.cpu.histogram),
            **_devices(one),
        }
        for uuid, one in by_uuid.items()
    ]


def quantiles(bins: Iterable[usage.Bin]) -> upsert.Row:
    """Return how many cores were enough for how much of the time."""
    whole = list(bins)
    return {
        'p50_cores': usage.quantile(whole, 0.5),
        'p95_cores': usage.quantile(whole, 0.95),
        'max_cores': usage.quantile(whole, 1.0),
    }


def _sum(name: str, parts: Iterable[usage.Cpu]) -> int | None:
    """Return the sum of what was measured; None where all was not."""
    whole = list(parts)
    known = [getattr(one, name) for one in whole if one.measured_us]
    return sum(known) if known or not whole else None


def _lost(parts: Iterable[usage.Cpu]) -> upsert.Row:
    whole = list(parts)
    return {
        f'lost_{verdict}_us': sum(one.lost_us.get(verdict, 0) for one in whole)
        for verdict in VERDICTS
    }


def _devices(one: usage.Instance) -> upsert.Row:
    row: upsert.Row = {}
    for prefix, kind in _DEVICES.items():
        measured = getattr(one, prefix)
        for name in kind.__struct_fields__:
            value = None if measured is None else getattr(measured, name)
            row[f'{prefix}_{name}'] = value
    return row
