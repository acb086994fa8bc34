# SPDX-License-Identifier: Apache-2.0
"""How long each vCPU's group was kept from running, read at every tick."""

from kvm_insight.observe import cgroup, control, descriptor


class Throttle:
    """Keeps the files of one domain's vCPU groups open."""

    def __init__(self, budget: descriptor.Budget) -> None:
        self._budget = budget
        self._kept: dict[tuple[str, int], descriptor.Kept] = {}

    def read_us(self, groups: cgroup.Groups, index: int) -> int:
        """Return the throttled time; 0 where there is no quota to do it.

        ``cpu.stat.local`` (Linux 6.6) also knows of a parent's quota.
        """
        group = groups.vcpu('cpu', index)
        if group is None:
            return 0
        key = (str(group.path), index)
        kept = self._kept.get(key)
        if kept is None:
            local = group.path / 'cpu.stat.local'
            path = local if local.exists() else group.path / 'cpu.stat'
            kept = descriptor.Kept(str(path), self._budget)
            self._kept[key] = kept
        text = kept.read()
        if text is None:
            return 0
        return control.parse_cpu_stat(text.decode()).throttled_us or 0

    def close(self) -> None:
        """Release what is kept open."""
        for kept in self._kept.values():
            kept.close()
        self._kept = {}
