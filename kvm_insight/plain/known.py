# SPDX-License-Identifier: Apache-2.0
"""Known: the newest that each host told; records in, nothing out."""

from kvm_insight import exception
from kvm_insight.model import codec, cpulist, host_config, host_report


class Known:
    """Host -> what it told last."""

    def __init__(self) -> None:
        """Know nobody."""
        self.reports: dict[str, host_report.HostReport] = {}
        self.configs: dict[str, host_config.HostConfig] = {}

    # Each may raise CodecError; ``None`` is a key that was deleted.

    def take_report(self, key: str, value: bytes | None) -> None:
        """Take a host's report; an older one, told again, changes nothing."""
        if value is None:
            self.reports.pop(key, None)
            return
        new = codec.decode(value, host_report.HostReport)
        before = self.reports.get(new.host)
        if before is None or before.time_us <= new.time_us:
            self.reports[new.host] = new

    def take_config(self, key: str, value: bytes | None) -> None:
        """Take how a host is built. The last word counts: an agent's clock
        may be set back, and the topic has one writer for each key."""
        if value is None:
            self.configs.pop(key, None)
            return
        new = codec.decode(value, host_config.HostConfig)
        _check_cpus(new)
        self.configs[new.host] = new


def _check_cpus(new: host_config.HostConfig) -> None:
    """Raise RecordDamaged for lists of CPUs that are none."""
    words = {new.cpus, *(one.cpus for one in new.domains)}
    try:
        for one in filter(None, words):
            cpulist.parse(one)
    except ValueError as why:
        raise exception.RecordDamaged(f'{new.host}: {why}') from why
