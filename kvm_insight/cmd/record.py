# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight record``: keeps all that the analyzer consumes in a file."""

import argparse
import contextlib
import functools
import pathlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

import zstandard

from kvm_insight import exception
from kvm_insight.bus import compacted, inventory_tail, port, topic
from kvm_insight.cmd import service, top
from kvm_insight.conf import bus as bus_options
from kvm_insight.model import codec, recording, state

_LOAD_S = 30.0
_TELL_S = 5.0


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'record',
        help='keep what the analyzer consumes in a file',
        description='Writes the newest states, what is usual for cohorts,'
        ' and all samples from where the states stand, in order, until'
        ' Ctrl-C. A bug report about a finding is a recording. A FILE that'
        ' ends in .zst is compressed.',
    )
    parser.add_argument('file', type=pathlib.Path, metavar='FILE')
    parser.add_argument(
        '--for',
        dest='limit_s',
        type=float,
        metavar='SECONDS',
        help='end after so long',
    )
    parser.add_argument(
        '--from-start',
        action='store_true',
        help='leave the states out and take all samples that are kept',
    )
    parser.add_argument(
        '--state',
        metavar='FOLDER',
        help='record a standalone that keeps its bus there',
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Record until Ctrl-C, SIGTERM or the end of the time."""
    loaded = service.configure(args)
    prefix = loaded[bus_options.GROUP].topic_prefix
    stop = service.stop_on_signals()
    with contextlib.ExitStack() as stack:
        bus = top.open_bus(loaded, args.state)
        stack.callback(bus.close)
        file = stack.enter_context(open_recording(args.file))
        recorder = Recorder(bus, prefix, file.write)
        stack.callback(recorder.close)
        recorder.begin(states=not args.from_start)
        recorder.follow(stop, args.limit_s)
    print(f'{args.file}: {recorder.told()}', file=sys.stderr)
    return service.OK


class Recorder:
    """Copies from the bus, member of no group."""

    def __init__(
        self, bus: port.Bus, prefix: str, write: Callable[[bytes], object]
    ) -> None:
        self.states = 0
        self.samples = 0
        self.size = 0
        self._bus = bus
        self._prefix = prefix
        self._write = write
        self._consumer = bus.consumer([prefix + topic.SAMPLES])
        self._inventory = inventory_tail.InventoryTail(
            bus, prefix, functools.partial(self._keep, 'inventory')
        )

    def begin(self, *, states: bool) -> None:
        """Write what is usual for cohorts and the states; go to where the
        oldest of these stands."""
        name = self._prefix + topic.SAMPLES
        count = self._bus.topics().get(name)
        if not count:
            raise exception.BusRefused(
                f'topic {name} does not exist: run kvm-insight topics create'
            )
        self._wait_for(count)
        self._inventory.read()
        for number in range(count):
            stands = self._keep_states(number) if states else None
            begin = 0 if stands is None else stands
            self._consumer.seek(port.Partition(name, number), begin)

    def follow(self, stop: threading.Event, limit_s: float | None) -> None:
        """Write what comes until told to stop."""
        begun = time.monotonic()
        told = begun
        while not stop.is_set():
            self._inventory.read()
            for record in self._consumer.poll(0.3):
                self._keep('sample', record)
                self.samples += 1
            now = time.monotonic()
            if now - told >= _TELL_S:
                told = now
                print(self.told(), file=sys.stderr)
            if limit_s is not None and now - begun >= limit_s:
                return

    def told(self) -> str:
        """Return how far it got."""
        return (
            f'{self.samples} samples, {self.states} states,'
            f' {self.size / 1e6:.1f} MB'
        )

    def close(self) -> None:
        """Let go of the bus."""
        self._inventory.close()
        self._consumer.close()

    def _wait_for(self, count: int) -> None:
        until = time.monotonic() + _LOAD_S
        while len(self._consumer.assignment()) < count:
            # What comes here is read again after the seek.
            self._consumer.poll(0.1, 1)
            if time.monotonic() > until:
                raise exception.BusUnavailable(
                    f'no partitions within {_LOAD_S:g} s'
                )

    def _keep_states(self, number: int) -> int | None:
        """Write one partition's states; return where the oldest stands."""
        partition = port.Partition(self._prefix + topic.STATE, number)
        stands = []
        for record in compacted.newest(self._bus, partition, _LOAD_S).values():
            with contextlib.suppress(exception.CodecError):
                kept = codec.decode(record.value or b'', state.HostState)
                stands.append(kept.offset)
                self._keep('state', record)
                self.states += 1
        return min(stands, default=None)

    def _keep(self, kind: recording.Kind, record: port.Record) -> None:
        line = recording.line(
            kind,
            (record.partition.number, record.offset),
            record.key,
            record.timestamp_ms,
            record.value,
        )
        self._write(line)
        self.size += len(line)


@contextlib.contextmanager
def open_recording(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """Open a recording to write; close it so that it can be read."""
    try:
        file = path.open('wb')
    except OSError as why:
        raise exception.ConfigError(
            f'{path}: {why.strerror}; name a file that you may write to'
        ) from why
    with file:
        if path.suffix != '.zst':
            yield file
            return
        with zstandard.ZstdCompressor(level=3).stream_writer(file) as packed:
            yield packed
