# SPDX-License-Identifier: Apache-2.0
"""Puts a domain of the sample together: host's side and libvirt's side."""

from collections.abc import Mapping, Sequence

import msgspec

from kvm_insight import exception
from kvm_insight.model import sample
from kvm_insight.observe import domain, knowledge, resctrl, roster

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(sample.Domain)
_all_decoder = msgspec.json.Decoder(list[sample.Domain])

Limits = Mapping[str, sample.DiskLimits]
Paths = Mapping[str, str]


def assemble(
    entry: roster.Entry,
    parts: domain.Parts,
    known: knowledge.Known | None,
    now_s: float,
) -> sample.Domain:
    """Return the domain without what its XML says (``described``).

    ``now_s`` is the monotonic time of the sweep, for the age of what libvirt
    said.
    """
    known = known or knowledge.Known(entry.uuid, entry.name)
    age_us = _age_us(known, now_s)
    measured = known.measured
    return sample.Domain(
        uuid=entry.uuid,
        name=known.name,
        epoch=parts.epoch,
        state=known.state,
        state_reason=known.reason,
        libvirt_age_us=age_us,
        vcpus=parts.vcpus,
        threads=parts.threads,
        affinity=parts.affinity,
        cpu=parts.cpu,
        kvm=parts.kvm,
        pressure=parts.pressure,
        memory=_memory(
            parts.memory, measured.memory if measured else None, age_us
        ),
        disks=None if measured is None else list(measured.disks),
        interfaces=None if measured is None else list(measured.interfaces),
        job=known.job,
        perf=_perf(measured.perf if measured else None, parts.monitored),
    )


def described(
    found: sample.Domain,
    identity: sample.Identity,
    vcpus_maximum: int | None,
    paths: Paths,
    limits: Limits,
) -> sample.Domain:
    """Return the domain with what its XML says."""
    disks = found.disks
    if disks is not None:
        disks = [
            msgspec.structs.replace(
                disk,
                path=disk.path or paths.get(disk.name),
                limits=limits.get(disk.name),
            )
            for disk in disks
        ]
    return msgspec.structs.replace(
        found, identity=identity, vcpus_maximum=vcpus_maximum, disks=disks
    )


def fit_all(
    found: Sequence[sample.Domain],
) -> tuple[list[sample.Domain], list[str]]:
    """Return the domains that every reader will take, and why others are
    left out."""
    try:
        return _all_decoder.decode(_encoder.encode(found)), []
    except (msgspec.MsgspecError, UnicodeEncodeError):
        # One of them does not fit: which one, only each by itself tells.
        return _fit_each(found)


def _fit_each(
    found: Sequence[sample.Domain],
) -> tuple[list[sample.Domain], list[str]]:
    domains: list[sample.Domain] = []
    misfits: list[str] = []
    for one in found:
        try:
            domains.append(fit(one))
        except exception.CollectorError as why:
            misfits.append(str(why)[:1024])
    return domains, misfits


def fit(found: sample.Domain) -> sample.Domain:
    """Return the domain if every reader will take it, else CollectorError.

    One value out of bounds would send the whole host's record to the dead
    letters; so it costs only its own domain.
    """
    try:
        return _decoder.decode(_encoder.encode(found))
    except (msgspec.MsgspecError, UnicodeEncodeError) as why:
        raise exception.CollectorError(
            f'domain {found.uuid} does not fit into a sample: {why}'
        ) from why


def _age_us(known: knowledge.Known, now_s: float) -> int | None:
    if known.measured_s is None:
        return None
    return max(0, round((now_s - known.measured_s) * 1_000_000))


def _memory(
    host: sample.Memory, guest: sample.Memory | None, age_us: int | None
) -> sample.Memory:
    """Return both sides in one; the host's own figure goes first."""
    if guest is None:
        return host
    merged = msgspec.structs.asdict(guest)
    merged |= {
        name: value
        for name, value in msgspec.structs.asdict(host).items()
        if value is not None
    }
    if guest.balloon_age_us is not None:
        merged['balloon_age_us'] = guest.balloon_age_us + (age_us or 0)
    return sample.Memory(**merged)


def _perf(
    perf: sample.Perf | None, monitored: resctrl.Monitored | None
) -> sample.Perf | None:
    """Return perf events with the kernel's own resctrl monitors."""
    if monitored is None:
        return perf
    return msgspec.structs.replace(
        perf or sample.Perf(),
        cache_occupancy_bytes=monitored.cache_occupancy_bytes,
        memory_bandwidth_total_bytes=monitored.total_bytes,
        memory_bandwidth_local_bytes=monitored.local_bytes,
    )
