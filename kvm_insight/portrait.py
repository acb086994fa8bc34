# SPDX-License-Identifier: Apache-2.0
"""Portrait: how a host and its domains are built and configured.

The agent tells it on the topic ``host-config``. libvirt and the kernel were
asked before; files of the configuration are read beside it by a thread.
"""

import pathlib

from kvm_insight.identify import parsed, teller
from kvm_insight.identify.facts import host as host_facts
from kvm_insight.model import facts, host_config, sample
from kvm_insight.observe import machine, observatory
from kvm_insight.observe.facts import watch


class Portrait:
    """Follows one host; used by the thread that takes its samples."""

    def __init__(self, root: pathlib.Path) -> None:
        """Read files below ``root``, which is ``/`` but in tests."""
        self._teller = teller.Teller()
        self._watch = watch.Watch(root)
        self._libvirt = parsed.Parsed(host_facts.parse, facts.HostFacts())
        self._seen: machine.Surroundings | None = None
        self._snapshots: dict[str, int] = {}
        self._has_facts = False

    def of(
        self, now: sample.Sample, sight: observatory.Sight
    ) -> host_config.HostConfig | None:
        """Return what there is to tell; None where that is nothing new.

        Waits for nobody. CollectorError for what no reader would take.
        """
        if sight.machine is not None:
            self._seen, self._snapshots = sight.machine, sight.snapshots
        elif self._has_facts:
            return None
        # Between surveys, too, until the first facts are there.
        seen = self._seen
        if seen is None:
            return None
        told = seen.machine
        found = self._watch.look(self._told(now.host, told))
        self._has_facts = found is not None
        host = teller.Host(
            capabilities=told.capabilities,
            hypervisor_version=told.hypervisor_version,
            libvirt_version=told.libvirt_version,
            networks=told.networks,
            devices=seen.devices,
            firmware=seen.firmware,
            mounts=[
                (one.kind, one.source, one.folder, one.shared)
                for one in seen.mounts
            ],
            facts=found,
        )
        return self._teller.tell(now, host, sight.xml, self._snapshots)

    def _told(self, host: str, told: machine.Machine) -> facts.HostFacts:
        """Return libvirt's part of the facts."""
        return host_facts.versioned(
            self._libvirt.of(host, told.capabilities),
            told.hypervisor_version,
            told.libvirt_version,
        )
