# SPDX-License-Identifier: Apache-2.0
"""State: all that the analyzer knows of one host, for its next owner.

Whoever restores it goes on exactly as the one who wrote it would have: the
same samples make the same findings, byte for byte. Series are packed as
little-endian integers, since a reader has no use for their single numbers.
"""

from typing import Annotated

import msgspec

from kvm_insight.model import finding, inventory, sample, usage

SCHEMA = 'kvm_insight.state/1'

#: Base64 on the wire.
Packed = Annotated[bytes, msgspec.Meta(max_length=4 * 1024 * 1024)]


class Window(sample.Wire, frozen=True, kw_only=True):
    """The last ten minutes (``model.window``)."""

    entities: list[sample.Text] = []
    #: int64: uptime, time, interval, sequence a slot.
    slots: Packed = b''
    #: int64: slot, entity, field.
    values: Packed = b''
    #: int64: an entity's slots up to here do not count.
    since: Packed = b''
    #: Charges in each slot, then all of them one after the other.
    charge_counts: list[sample.Count] = []
    charges: Packed = b''


class Baseline(sample.Wire, frozen=True, kw_only=True):
    """What is usual for one entity (``detect.baseline``)."""

    vcpus: sample.Count = 1
    #: int32, ppm, a minute each.
    suffering: Packed = b''
    used: Packed = b''
    pending: list[tuple[int, int]] = []
    minute: int = -1
    running: list[int] = []
    ran: Packed = b''
    pending_ran: list[int] = []


class Track(sample.Wire, frozen=True, kw_only=True):
    """One domain as it is followed."""

    uuid: sample.Uuid
    epoch: sample.Text
    #: Bits a window, the latest evaluation lowest.
    flags: list[sample.Count] = []
    absent: sample.Count = 0
    baseline: Baseline = Baseline()
    #: What is usual for those like it elsewhere, as it is compared now.
    cohort: inventory.Cohort | None = None


class Incident(sample.Wire, frozen=True, kw_only=True):
    """One open finding and what its next update needs."""

    #: As it was published last.
    finding: finding.Finding
    epoch: sample.Text
    #: Which window's floor closes it.
    scale: sample.Count
    #: By the host's own clock.
    opened_uptime_us: sample.Count
    calm: sample.Count = 0
    lost_us: sample.Count = 0
    accounts: dict[str, sample.Count] = {}
    #: A verdict that another evaluation must confirm.
    doubt: sample.Text | None = None
    #: Whether the wait was seen to begin, and whether by then it was known
    #: how much the victim usually runs.
    rose: bool = False
    known: bool = False


class Book(sample.Wire, frozen=True, kw_only=True):
    """What all did with one resource (``detect.device_book``)."""

    #: UUID, epoch and device of each column.
    keys: list[tuple[sample.Text, sample.Text, sample.Text]] = []
    bin: sample.Count = 0
    running_s: float = 0.0
    arrays: dict[str, Packed] = {}


class Disks(sample.Wire, frozen=True, kw_only=True):
    """What requests of each disk usually take (``detect.disk``)."""

    #: UUID, epoch, name and path of each disk.
    keys: list[
        tuple[sample.Text, sample.Text, sample.Text, sample.Text | None]
    ] = []
    bin: sample.Count = 0
    running_s: float = 0.0
    arrays: dict[str, Packed] = {}


class Devices(sample.Wire, frozen=True, kw_only=True):
    """What is known of disks, memory and network (``detect.device_watch``)."""

    #: Where the slot began that runs.
    beat: sample.Sample | None = None
    #: Slots that are over: uptime, time, interval (µs), sequence.
    ends: list[tuple[int, int, int, int]] = []
    books: dict[str, Book] = {}
    disks: Disks = Disks()
    #: UUID, epoch and µs of stall so far.
    stalled: list[tuple[sample.Text, sample.Text, float]] = []
    incidents: list[Incident] = []


class Counters(sample.Wire, frozen=True, kw_only=True):
    """What came in, since this host was first seen."""

    accepted: sample.Count = 0
    duplicates: sample.Count = 0
    #: From an agent that has ended, after its successor's.
    late: sample.Count = 0
    #: Sequence numbers that never came.
    missing: sample.Count = 0


class HostState(
    sample.Wire, frozen=True, kw_only=True, tag_field='schema', tag=SCHEMA
):
    """Everything about one host."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    #: Where it stands: the next sample of this host is at or after this.
    partition: sample.Count = 0
    offset: sample.Count = 0
    #: The last sample's counters and no more: the next rates begin there.
    last: sample.Sample | None = None
    #: Agents that ended; what still comes from them is late.
    retired: list[sample.Text] = []
    ledger_source: sample.Text | None = None
    counters: Counters = Counters()
    window: Window = Window()
    host_baseline: Baseline = Baseline()
    tracks: list[Track] = []
    incidents: list[Incident] = []
    #: The sums of the hour that is not over yet.
    hour: usage.HostUsage | None = None
    devices: Devices | None = None
