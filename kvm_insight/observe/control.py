# SPDX-License-Identifier: Apache-2.0
"""What the CPU controller does to a domain: quota, weight, throttling."""

import dataclasses

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import cgroup, file


@dataclasses.dataclass(frozen=True, slots=True)
class Quota:
    """CPU time per period; ``quota_us`` None is no limit."""

    quota_us: int | None
    period_us: int | None

    @property
    def cores(self) -> float:
        """Return how many CPUs the quota is worth."""
        if self.quota_us is None or not self.period_us:
            return float('inf')
        return self.quota_us / self.period_us


@dataclasses.dataclass(frozen=True, slots=True)
class Throttling:
    """How often and how long a group was kept from running."""

    periods: int | None
    throttled_periods: int | None
    throttled_us: int | None


def parse_cpu_max(text: str) -> Quota:
    """Return the quota of a v2 ``cpu.max`` (``max 100000``)."""
    quota, _, period = text.strip().partition(' ')
    try:
        limit = None if quota == 'max' else int(quota)
        return Quota(limit, int(period or 100000))
    except ValueError as why:
        raise exception.CollectorError(f'cpu.max: {text[:40]!r}') from why


def parse_cpu_stat(text: str) -> Throttling:
    """Return the throttling of a ``cpu.stat``: v2's µs or v1's ns.

    Where the controller is off for the group v2 lists only the usage: then
    throttling is not measured, which is not the same as zero.
    """
    found = file.pairs(text)
    throttled_us = found.get('throttled_usec')
    if throttled_us is None and 'throttled_time' in found:
        throttled_us = found['throttled_time'] // 1000
    return Throttling(
        found.get('nr_periods'), found.get('nr_throttled'), throttled_us
    )


def weight_of_shares(shares: int) -> int:
    """Return v1 shares as the v2 weight that the kernel gives the same load.

    1024 shares are weight 100; both controllers scale their load by that.
    """
    return min(10000, max(1, round(shares * 100 / 1024)))


def read_quota(
    group: cgroup.Group, reader: file.Read = file.read
) -> Quota | None:
    """Return the group's own quota; None where it has no such file."""
    if group.v2:
        text = reader(f'{group.path}/cpu.max')
        return None if text is None else parse_cpu_max(text)
    quota_us = file.read_number(f'{group.path}/cpu.cfs_quota_us', reader)
    period_us = file.read_number(f'{group.path}/cpu.cfs_period_us', reader)
    if quota_us is None:
        return None
    return Quota(None if quota_us < 0 else quota_us, period_us)


def read_weight(
    group: cgroup.Group, reader: file.Read = file.read
) -> int | None:
    """Return the group's weight in v2's measure."""
    if group.v2:
        return file.read_number(f'{group.path}/cpu.weight', reader)
    shares = file.read_number(f'{group.path}/cpu.shares', reader)
    return None if shares is None else weight_of_shares(shares)


def read_throttling(
    group: cgroup.Group, reader: file.Read = file.read
) -> Throttling | None:
    """Return how the group's own quota throttled it."""
    text = reader(f'{group.path}/cpu.stat')
    return None if text is None else parse_cpu_stat(text)


def read(
    groups: cgroup.Groups, reader: file.Read = file.read
) -> sample.CpuControl | None:
    """Return the domain's CPU control; None if it has no CPU group."""
    outer = groups.find('cpu')
    inner = groups.find('cpu', inner=True)
    vcpu = groups.vcpu('cpu', 0)
    if outer is None or inner is None or vcpu is None:
        return None
    group, quota = _tighter(outer, inner, reader)
    if quota is None:
        return None
    own = read_quota(vcpu, reader) or Quota(None, None)
    throttling = read_throttling(group, reader) or Throttling(None, None, None)
    return sample.CpuControl(
        quota_us=quota.quota_us,
        period_us=quota.period_us,
        vcpu_quota_us=own.quota_us,
        vcpu_period_us=own.period_us,
        weight=read_weight(outer, reader),
        periods=throttling.periods,
        throttled_periods=throttling.throttled_periods,
        throttled_us=throttling.throttled_us,
    )


def _tighter(
    outer: cgroup.Group, inner: cgroup.Group, reader: file.Read
) -> tuple[cgroup.Group, Quota | None]:
    """Return where the domain's quota is: libvirt's group, or the scope.

    libvirt writes the domain's quota into its own group, an operator's
    ``systemctl set-property`` into the scope: the tighter one rules.
    """
    quota = read_quota(outer, reader)
    if inner == outer:
        return outer, quota
    own = read_quota(inner, reader)
    if own is None or (quota is not None and quota.cores < own.cores):
        return outer, quota
    return inner, own


class Reader:
    """Follows one domain's CPU control, and spares what cannot change.

    Without a quota nothing is throttled, so between surveys only a domain
    that has one is read again.
    """

    def __init__(self, reader: file.Read = file.read) -> None:
        self.limited = False
        self._reader = reader
        self._found: sample.CpuControl | None = None
        self._vcpus: dict[int, int | None] = {}

    def begin(self, *, anew: bool) -> None:
        """Start a sweep; ``anew`` reads all of it again."""
        if anew or self.limited:
            self._found = None
            self._vcpus.clear()

    def read(self, groups: cgroup.Groups) -> sample.CpuControl | None:
        """Return the domain's CPU control; None if it has no CPU group."""
        if self._found is None:
            self._found = found = read(groups, self._reader)
            self.limited = found is not None and (
                found.quota_us is not None or found.vcpu_quota_us is not None
            )
        return self._found

    def read_vcpu_us(self, groups: cgroup.Groups, index: int) -> int | None:
        """Return how long the vCPU's own group was throttled."""
        if index not in self._vcpus:
            group = groups.vcpu('cpu', index)
            found = read_throttling(group, self._reader) if group else None
            self._vcpus[index] = found.throttled_us if found else None
        return self._vcpus[index]
