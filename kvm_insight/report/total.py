# SPDX-License-Identifier: Apache-2.0
"""Sums in the words of a report; totals are the sums of what is told."""

import math
from collections.abc import Iterable, Sequence

from kvm_insight.model import tenant_report, usage
from kvm_insight.report import value

_CAUSES = tenant_report.Causes.__struct_fields__
_CPU = (
    'measured_s',
    'run_core_s',
    'wanted_core_s',
    'waited_core_s',
    'caused_core_s',
)
_DISK = tenant_report.Disk.__struct_fields__
_NETWORK = tenant_report.Network.__struct_fields__


def seconds(time_us: float) -> float:
    """Return seconds, to the millisecond."""
    return round(time_us / 1e6, 3)


def ratio(part: float, whole: float) -> float | None:
    """Return a part of a whole; None of nothing."""
    return min(1.0, part / whole) if whole > 0 else None


def cpu(sums: value.Sums) -> tenant_report.Cpu:
    """Return one instance's CPU time."""
    wanted, waited = seconds(sums.wanted_us), seconds(sums.delay_us)
    return tenant_report.Cpu(
        measured_s=seconds(sums.measured_us),
        run_core_s=seconds(sums.run_us),
        wanted_core_s=wanted,
        waited_core_s=waited,
        waited_ratio=ratio(waited, wanted),
        causes=causes(sums.waited),
        lost_core_s={name: seconds(us) for name, us in sums.lost_us.items()},
        caused_core_s=seconds(sums.caused_us),
    )


def causes(waited: value.Waited) -> tenant_report.Causes:
    """Return whom was waited for."""
    return tenant_report.Causes(
        **{name: seconds(getattr(waited, name)) for name in _CAUSES}
    )


def main_cause(told: tenant_report.Causes) -> str:
    """Return for whom most of it was waited."""
    return max(_CAUSES, key=lambda name: getattr(told, name))


def added_causes(
    parts: Sequence[tenant_report.Causes],
) -> tenant_report.Causes:
    """Return all of them as one."""
    return tenant_report.Causes(**_added(parts, _CAUSES))


def added_cpu(parts: Sequence[tenant_report.Cpu]) -> tenant_report.Cpu:
    """Return all of them as one."""
    sums = _added(parts, _CPU)
    verdicts = sorted({name for one in parts for name in one.lost_core_s})
    return tenant_report.Cpu(
        **sums,
        waited_ratio=ratio(sums['waited_core_s'], sums['wanted_core_s']),
        causes=added_causes([one.causes for one in parts]),
        lost_core_s={
            name: added(one.lost_core_s.get(name, 0.0) for one in parts)
            for name in verdicts
        },
    )


def added(parts: Iterable[float]) -> float:
    """Return a sum that does not depend on the order."""
    return round(math.fsum(parts), 3)


def _added(parts: Sequence[object], names: Iterable[str]) -> dict[str, float]:
    return {n: added(getattr(one, n) for one in parts) for n in names}


def disk(one: usage.Disk) -> tenant_report.Disk:
    """Return what one instance read and wrote."""
    return tenant_report.Disk(
        measured_s=seconds(one.measured_us),
        **{name: getattr(one, name) for name in _DISK[1:]},
    )


def network(one: usage.Network) -> tenant_report.Network:
    """Return what one instance sent and got."""
    return tenant_report.Network(
        measured_s=seconds(one.measured_us),
        rx_bytes=one.rx_bytes,
        tx_bytes=one.tx_bytes,
        rx_packets=one.rx_packets,
        tx_packets=one.tx_packets,
        drops=one.rx_drops + one.tx_drops,
    )


def memory(one: usage.Memory) -> tenant_report.Memory:
    """Return what is known of one instance's memory."""
    return tenant_report.Memory(
        measured_s=seconds(one.measured_us),
        swap_in_bytes=one.swap_in_bytes,
        swap_out_bytes=one.swap_out_bytes,
        major_faults=one.major_faults,
        oom_kills=one.oom_kills,
        peak_rss_bytes=one.peak_rss_bytes,
        usable_bytes=one.usable_bytes,
    )


def added_disk(
    parts: Sequence[tenant_report.Disk],
) -> tenant_report.Disk | None:
    """Return all that was measured as one."""
    return tenant_report.Disk(**_counted(parts, _DISK)) if parts else None


def added_network(
    parts: Sequence[tenant_report.Network],
) -> tenant_report.Network | None:
    """Return all that was measured as one."""
    if not parts:
        return None
    return tenant_report.Network(**_counted(parts, _NETWORK))


def added_memory(
    parts: Sequence[tenant_report.Memory],
) -> tenant_report.Memory | None:
    """Return all that was measured as one; of peaks, which were at different
    times, there is no sum."""
    if not parts:
        return None
    names = tenant_report.Memory.__struct_fields__[:5]
    return tenant_report.Memory(**_counted(parts, names))


def _counted(parts: Sequence[object], names: Sequence[str]) -> dict[str, int]:
    sums = {n: sum(getattr(one, n) for one in parts) for n in names}
    sums['measured_s'] = round(sums['measured_s'], 3)
    return sums
