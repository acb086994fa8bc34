# SPDX-License-Identifier: Apache-2.0
"""What is known of disks, memory and network, as a record and back."""

import sys
from collections.abc import Mapping
from typing import Any

import numpy

from kvm_insight.detect import device_book, device_watch, disk
from kvm_insight.model import reading, reading_record, state, window


def of(watch: device_watch.Watch) -> state.Devices:
    """Return the record."""
    disks = watch.disks.disks
    return state.Devices(
        beat=reading_record.of(watch.beat) if watch.beat else None,
        ends=list(watch.ends),
        books={
            name: state.Book(
                keys=book.keys,
                bin=book.bin,
                running_s=book.running_s,
                arrays=_packed(book, book.FILLS),
            )
            for name, book in watch.books.items()
        },
        disks=state.Disks(
            keys=disks.keys,
            bin=disks.bin,
            running_s=disks.running_s,
            arrays=_packed(disks, disks.FILLS),
        ),
        stalled=watch.memory.stalled(),
        incidents=watch.incidents,
    )


def restore(watch: device_watch.Watch, kept: state.Devices) -> None:
    """Let a watch that is new go on where another stood; raise ValueError
    for a record whose parts do not fit together."""
    watch.beat = reading.of(kept.beat) if kept.beat else None
    watch.ends = [window.Slot(*one) for one in kept.ends]
    for name, book in watch.books.items():
        if name in kept.books:
            _fill_book(book, kept.books[name])
    _fill_disks(watch.disks.disks, kept.disks)
    watch.memory.restore(kept.stalled)
    watch.incidents = list(kept.incidents)


def _fill_book(book: device_book.Book, kept: state.Book) -> None:
    _unpack(book, book.FILLS, kept.arrays, len(kept.keys))
    book.rename(
        [
            (sys.intern(uuid), sys.intern(epoch), sys.intern(device))
            for uuid, epoch, device in kept.keys
        ]
    )
    book.bin = kept.bin % len(book.work)
    book.running_s = kept.running_s


def _fill_disks(disks: disk.Disks, kept: state.Disks) -> None:
    _unpack(disks, disks.FILLS, kept.arrays, len(kept.keys))
    disks.keys = [
        (sys.intern(uuid), sys.intern(epoch), sys.intern(name), path)
        for uuid, epoch, name, path in kept.keys
    ]
    disks.bin = kept.bin % len(disks.usual)
    disks.running_s = kept.running_s


def _packed(one: Any, names: Mapping[str, float]) -> dict[str, bytes]:
    found = {}
    for name in names:
        array = getattr(one, name)
        found[name] = array.astype(array.dtype.newbyteorder('<')).tobytes()
    return found


def _unpack(
    one: Any,
    names: Mapping[str, float],
    kept: Mapping[str, bytes],
    columns: int,
) -> None:
    """Put the arrays back; the last axis is the columns'."""
    for name in names:
        empty = getattr(one, name)
        if name not in kept:
            raise ValueError(f'{name} is missing')
        packed = numpy.frombuffer(
            kept[name], empty.dtype.newbyteorder('<')
        ).astype(empty.dtype)
        setattr(one, name, packed.reshape(*empty.shape[:-1], columns))
