# SPDX-License-Identifier: Apache-2.0
"""Host config: how a host and its domains are built, as the host tells it.

What changes rarely and no sample has: told when the agent starts, when it
changes, and once an hour. Where there is no OpenStack, it says to which hosts
a domain can go. ``needs`` of a domain and ``offers`` of a host are the same
words: what is needed and not offered word for word is not there, so that a
reader refuses what it does not know.
"""

from typing import Annotated

import msgspec

from kvm_insight.model import cluster, facts, sample

SCHEMA = 'kvm_insight.host_config/1'
#: In the classes below a field of that name hides the module.
_HostFacts = facts.HostFacts
_DomainFacts = facts.DomainFacts


class Storage(sample.Wire, frozen=True, kw_only=True):
    """A file or device outside the domain that QEMU opens as it starts."""

    #: The disk's name in the guest, or ``kernel``, ``serial`` and the like.
    name: sample.Text
    #: A path, or ``KIND:NAME`` for what has none (``rbd:vms/web``).
    source: sample.Text
    #: The file system on which it is, where several hosts may have that
    #: mounted; the same words as in ``offers``.
    shared: sample.Text | None = None


class Domain(sample.Wire, frozen=True, kw_only=True):
    """How one domain is built."""

    uuid: sample.Uuid
    name: sample.Text
    identity: sample.Identity = sample.Identity()
    #: As many as it may have.
    vcpus: sample.Count | None = None
    memory_bytes: sample.Count | None = None
    #: ``host-passthrough``, ``custom``, ...; None where its XML has none.
    cpu_mode: sample.Text | None = None
    #: CPUs of the host that it names; None where it names none.
    cpus: sample.CpuList | None = None
    storage: list[Storage] = []
    needs: list[sample.Text] = []
    #: Why it cannot be live-migrated at all.
    obstacles: list[sample.Text] = []
    #: How it is configured; None from an agent that does not tell.
    facts: _DomainFacts | None = None


class HostConfig(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """One host with the domains that run on it."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    time_us: sample.Count
    agent_id: sample.Text
    cpus: sample.CpuList
    memory_bytes: sample.Count | None = None
    cpu: cluster.HostCpu | None = None
    #: QEMU's and libvirt's numbers, as libvirt has them (9000000 is 9.0.0).
    hypervisor_version: sample.Count | None = None
    libvirt_version: sample.Count | None = None
    offers: list[sample.Text] = []
    domains: list[Domain] = []
    #: How the host is configured; None from an agent that does not tell.
    facts: _HostFacts | None = None
