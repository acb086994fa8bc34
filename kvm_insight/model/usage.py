# SPDX-License-Identifier: Apache-2.0
"""Usage: what one host and its instances used and lost within one hour.

All of it is sums, so hours, instances and hosts may be added up, and the
record of an hour that is not over yet is all that is needed to go on with it.
An instance's hours are joined by its UUID, whichever host it was on.
"""

import bisect
from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from kvm_insight.model import entity, finding, sample

SCHEMA = 'kvm_insight.usage/1'

HOUR_US = 3_600_000_000
#: Parts of an hour whose use is told one by one: five minutes each.
PARTS = 12
PART_US = HOUR_US // PARTS

#: Upper edges, in cores, of all bins but the last: the first ends at 0.01,
#: each is 5 % wider than the one before. Fixed for good: histograms of all
#: hours are added up.
EDGES = tuple(0.01 * 1.05**number for number in range(223))
BINS = len(EDGES) + 1

#: A bin and the tenths of a second for which its cores were wanted.
Bin = tuple[sample.Count, sample.Count]
#: Measured time, and core-µs wanted in it.
Part = tuple[sample.Count, sample.Count]
#: Numbers of victim and runner in ``entities``, and µs.
Charge = tuple[sample.Count, sample.Count, sample.Count]


class Cpu(sample.Wire, frozen=True, kw_only=True):
    """CPU time of one instance (or of the host itself) within the hour.

    *Wanted* is what would have run on an empty host under the same quota:
    run - polled + delay - throttled.
    """

    #: For which run and delay are known; all below is within that.
    measured_us: sample.Count = 0
    run_us: sample.Count = 0
    delay_us: sample.Count = 0
    #: Part of the delay that its quota made.
    throttled_us: sample.Count = 0
    #: Part of the run time that was polling for an idle vCPU.
    polled_us: sample.Count = 0
    #: Delay times the confidence of its ledger row.
    trusted_us: sample.Count = 0
    #: ``PARTS`` of them, the hour's first five minutes first.
    parts: list[Part] = []
    #: How long how many cores were wanted; the bins that are not empty.
    histogram: list[Bin] = []
    #: Delay while a finding was open, by its verdict.
    lost_us: dict[finding.Verdict, sample.Count] = {}


class Disk(sample.Wire, frozen=True, kw_only=True):
    """All disks of one instance; absent where they never were measured."""

    measured_us: sample.Count = 0
    read_requests: sample.Count = 0
    read_bytes: sample.Count = 0
    read_us: sample.Count = 0
    write_requests: sample.Count = 0
    write_bytes: sample.Count = 0
    write_us: sample.Count = 0
    flush_requests: sample.Count = 0
    flush_us: sample.Count = 0
    errors: sample.Count = 0
    #: Of one survey.
    peak_requests_s: sample.Count = 0
    peak_bytes_s: sample.Count = 0


class Network(sample.Wire, frozen=True, kw_only=True):
    """All interfaces of one instance, as the guest sees the directions."""

    measured_us: sample.Count = 0
    rx_bytes: sample.Count = 0
    rx_packets: sample.Count = 0
    rx_drops: sample.Count = 0
    tx_bytes: sample.Count = 0
    tx_packets: sample.Count = 0
    tx_drops: sample.Count = 0
    #: Of one survey, both directions.
    peak_bytes_s: sample.Count = 0


class Memory(sample.Wire, frozen=True, kw_only=True):
    """Memory of one instance; what is not a sum is the hour's last word,
    unless it says peak."""

    measured_us: sample.Count = 0
    swap_in_bytes: sample.Count = 0
    swap_out_bytes: sample.Count = 0
    major_faults: sample.Count = 0
    oom_kills: sample.Count = 0
    rss_bytes: sample.Count | None = None
    peak_rss_bytes: sample.Count | None = None
    usable_bytes: sample.Count | None = None
    dirty_rate_bytes_s: sample.Count | None = None


class Instance(sample.Wire, frozen=True, kw_only=True):
    """One instance within the hour, from its first sample to its last."""

    uuid: sample.Uuid
    name: sample.Text | None = None
    #: This and its project's name are as the cloud told them when the hour
    #: was published, and where no planner reads one as its metadata has
    #: them; its group only the cloud.
    instance_name: sample.Text | None = None
    project_id: sample.Text | None = None
    project_name: sample.Text | None = None
    #: As its metadata names it; the cohort it is compared with.
    flavor: sample.Text | None = None
    server_group: sample.Text | None = None
    vcpus: sample.Count = 0
    memory_bytes: sample.Count | None = None
    cpu: Cpu = Cpu()
    disk: Disk | None = None
    network: Network | None = None
    memory: Memory | None = None


class HostUsage(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One host and hour.

    There are two of one hour where a clock was set back into an hour that
    was told already; they are told apart by agent and first sequence, and
    add up.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    #: Of the host, as the cloud tells them; aggregates by their names.
    availability_zone: sample.Text | None = None
    aggregates: list[sample.Text] = []
    #: The hour's beginning, since 1970.
    start_us: sample.Count
    agent_id: sample.Text
    first_sequence: sample.Count
    last_sequence: sample.Count
    samples: sample.Count = 0
    #: Samples that never came, as far as sequence numbers tell.
    missing: sample.Count = 0
    #: Time between the samples, without gaps.
    measured_us: sample.Count = 0
    cpus: sample.Count = 0
    memory_bytes: sample.Count | None = None
    least_available_bytes: sample.Count | None = None
    #: Busy time of all CPUs by everything.
    busy_us: sample.Count = 0
    #: The host's own use, beyond all instances.
    own: Cpu = Cpu()
    #: Pressure stall growth: ``cpu_some_us`` and so on.
    pressure: dict[str, sample.Count] = {}
    #: Time for which there was a ledger, by its source.
    ledger_us: dict[Literal['ebpf', 'sampled'], sample.Count] = {}
    instances: list[Instance] = []
    #: Those in the ledger below.
    entities: list[sample.Text] = []
    #: Who waited for whom how long; waits of less than 0.5 % of a sample's
    #: interval are in nobody's account.
    charges: list[Charge] = []


def coverage(record: HostUsage) -> float:
    """Return the part of the hour that was measured."""
    return min(1.0, record.measured_us / HOUR_US)


def bin_of(cores: float) -> int:
    """Return the bin of so many cores."""
    return bisect.bisect_right(EDGES, cores)


def upper_edge(number: int) -> float:
    """Return the most cores that one bin stands for; its least in the last
    bin, which has no upper edge."""
    return EDGES[min(number, len(EDGES) - 1)]


def merged(histograms: Iterable[Iterable[Bin]]) -> list[Bin]:
    """Return several histograms as one."""
    total: dict[int, int] = {}
    for histogram in histograms:
        for number, weight in histogram:
            total[number] = total.get(number, 0) + weight
    return sorted(total.items())


def quantile(histogram: Iterable[Bin], part: float) -> float | None:
    """Return the cores that were enough for this part of the time; None
    for an empty histogram."""
    bins = sorted(histogram)
    whole = sum(weight for _, weight in bins)
    so_far = 0
    for number, weight in bins:
        so_far += weight
        if weight and so_far >= part * whole:
            return upper_edge(number)
    return None


def row(record: HostUsage, uuid: str) -> dict[str, int]:
    """Return for whom an instance waited, and how long."""
    who = entity.domain(uuid)
    return {
        runner: us for victim, runner, us in _named(record) if victim == who
    }


def column(record: HostUsage, uuid: str) -> dict[str, int]:
    """Return who waited for an instance, and how long."""
    who = entity.domain(uuid)
    return {
        victim: us for victim, runner, us in _named(record) if runner == who
    }


def _named(record: HostUsage) -> Iterator[tuple[str, str, int]]:
    """Return victim, runner and µs of each charge that makes sense."""
    names = record.entities
    for victim, runner, us in record.charges:
        if max(victim, runner) < len(names):
            yield names[victim], names[runner], us
