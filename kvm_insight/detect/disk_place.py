# SPDX-License-Identifier: Apache-2.0
"""Where disks lie, what the host does there, and what their limits are."""

import re
from collections.abc import Collection, Sequence

import numpy

from kvm_insight.detect import device_slot
from kvm_insight.model import reading, sample

Floats = reading.Floats

#: Disks that are on no device of this host share the network's storage.
REMOTE = 'network storage'
LOCAL = 'local disks'
#: A request costs as much as so many bytes.
BYTES = 32_768
_UUID = re.compile(r'[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}')


def device_of(path: str | None, own: Collection[str]) -> str:
    """Return what a disk lies on; ``own`` are the host's devices."""
    if path is None or path.startswith('/dev/disk/by-path/'):
        return REMOTE
    if not path.startswith('/dev/'):
        # Nova has a folder for each instance.
        folder = _UUID.split(path, maxsplit=1)[0].rpartition('/')[0]
        return (folder or LOCAL) if len(own) > 1 else _only(own)
    names = path.split('/')[2:]
    for name in own:
        if re.fullmatch(re.escape(name) + r'p?\d*', names[0]):
            return name
    if len(own) <= 1:
        return _only(own)
    if names[0] == 'mapper' and len(names) > 1:
        # A hyphen in the name of the group is doubled.
        group = re.split(r'(?<!-)-(?!-)', names[1], maxsplit=1)[0]
        return group.replace('--', '-')
    return names[0] or LOCAL


def _only(own: Collection[str]) -> str:
    return next(iter(own), LOCAL)


def host_work(device: str, slot: device_slot.Slot) -> float | None:
    """Return what a device of the host did a second; of a folder or a group
    of volumes, the device that did most."""
    before = {one.name: one for one in slot.older.disks or ()}
    found = {
        one.name: _grown(before[one.name], one) / slot.seconds
        for one in slot.new.system.disks or ()
        if one.name in before
    }
    if device in found:
        return found[device]
    return max(found.values(), default=None)


def _grown(older: sample.HostDisk, newer: sample.HostDisk) -> float:
    requests = _beyond(
        (older.read_requests, older.write_requests),
        (newer.read_requests, newer.write_requests),
    )
    moved = _beyond(
        (older.read_bytes, older.write_bytes),
        (newer.read_bytes, newer.write_bytes),
    )
    return requests + moved / BYTES


def _beyond(older: Sequence[int], newer: Sequence[int]) -> int:
    pairs = zip(older, newer, strict=True)
    return sum(max(0, after - before) for before, after in pairs)


def limits(domain: sample.Domain) -> dict[str, sample.DiskLimits]:
    """Return the limits of those disks that have some."""
    return {
        one.name: one.limits
        for one in domain.disks or ()
        if one.limits is not None
    }


def used(limits: sample.DiskLimits, did: Floats) -> float:
    """Return the part of the strictest limit that was used.

    ``did``: (read, write) x (requests, bytes) a second.
    """
    requests, moved = did[:, 0], did[:, 1]
    pairs = (
        (requests.sum(), limits.total_requests_s),
        (requests[0], limits.read_requests_s),
        (requests[1], limits.write_requests_s),
        (moved.sum(), limits.total_bytes_s),
        (moved[0], limits.read_bytes_s),
        (moved[1], limits.write_bytes_s),
    )
    parts = [float(amount) / most for amount, most in pairs if most]
    return max([0.0, *(part for part in parts if not numpy.isnan(part))])
