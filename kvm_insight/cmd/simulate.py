# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight simulate``: samples of hosts that never were, with truth."""

import argparse
import contextlib
import dataclasses
import itertools
import json
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import IO

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.cmd import outlet, record, service, top, traces
from kvm_insight.conf import bus as bus_options
from kvm_insight.model import codec
from kvm_insight.simulate import (
    cluster,
    config,
    scenario,
    simulation,
    stage,
)


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'simulate',
        help='make samples of simulated hosts, and the truth about them',
        description='Writes a recording that kvm-insight replay takes, or'
        ' (without FILE) publishes to the configured bus, as if the last'
        ' hours had been so. The same seed makes the same hosts.',
    )
    parser.add_argument(
        'file',
        type=pathlib.Path,
        nargs='?',
        metavar='FILE',
        help='a recording; compressed if it ends in .zst',
    )
    parser.add_argument(
        '--list', action='store_true', help='tell the scenarios, and end'
    )
    parser.add_argument('--scenario', metavar='NAME', help='what happens')
    _add_fleet(parser)
    parser.add_argument(
        '--labels',
        type=pathlib.Path,
        metavar='FILE',
        help='write the truth there, a line a host',
    )
    parser.add_argument(
        '--cluster',
        type=pathlib.Path,
        metavar='FILE',
        help='write there what Placement and Nova would say at the end',
    )
    parser.add_argument(
        '--plain',
        action='store_true',
        help='without OpenStack: publish also how hosts and guests are built',
    )
    parser.add_argument(
        '--json', action='store_true', help='tell in JSON what was made'
    )
    parser.set_defaults(func=run)


def _add_fleet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--hosts',
        type=int,
        default=1,
        metavar='NUMBER',
        help='how often, each with a seed of its own (default: 1)',
    )
    parser.add_argument('--seed', type=int, default=1, help='default: 1')
    parser.add_argument('--hours', type=float, help='how long')
    parser.add_argument(
        '--family',
        choices=('water', 'slices'),
        default='water',
        help='how CPUs are shared: as water, fast and without a ledger, or'
        ' slice by slice (default: water)',
    )
    parser.add_argument(
        '--ledger',
        choices=('ebpf', 'sampled', 'none'),
        help='what the samples know of who ran; with slices only',
    )
    parser.add_argument('--cpus', type=int, metavar='NUMBER')
    parser.add_argument(
        '--placement',
        choices=('floating', 'node', 'pinned'),
        help='where guests may run',
    )
    parser.add_argument(
        '--traces',
        type=pathlib.Path,
        metavar='DIR',
        help='let ordinary guests do what real ones did',
    )
    parser.add_argument(
        '--dirty',
        action='store_true',
        help='lose, double and delay samples; skew clocks; restart agents',
    )


def run(args: argparse.Namespace) -> int:
    """Make the samples; or list the scenarios."""
    if args.list:
        return _list(as_json=args.json)
    if args.scenario is None:
        raise exception.ConfigError(
            '--scenario is missing: name one that --list tells'
        )
    if args.hosts < 1 or args.seed < 0:
        raise exception.ConfigError(
            f'--hosts {args.hosts} --seed {args.seed}: at least 1 and 0'
        )
    if args.plain and args.file is not None:
        raise exception.ConfigError(
            '--plain goes to a bus: a recording has only what is measured'
        )
    stop = service.stop_on_signals()
    scenes = itertools.takewhile(lambda _: not stop.is_set(), _scenes(args))
    with contextlib.ExitStack() as stack:
        out = stack.enter_context(_opened(args))
        sink = None
        if args.labels:
            sink = stack.enter_context(_open_new(args.labels, '--labels'))
        told = _Told(args.hosts)
        done = []
        for scene in scenes:
            _simulate(scene, out, sink, told, plain=args.plain)
            done.append(scene)
    if args.cluster:
        _write_cluster(args.cluster, done)
    told.end(as_json=args.json)
    return service.OK


def _scenes(args: argparse.Namespace) -> Iterator[stage.Scene]:
    known = traces.read(args.traces) if args.traces else ()
    best: stage.Source | None = 'ebpf' if args.family == 'slices' else None
    ledger = best if args.ledger is None else args.ledger
    for seed in range(args.seed, args.seed + args.hosts):
        yield from scenario.build(
            args.scenario,
            seed,
            family=args.family,
            cpus=args.cpus,
            placement=args.placement,
            hours=args.hours,
            ledger=None if ledger == 'none' else ledger,
            traces=known,
            dirty=args.dirty,
        )


def _simulate(
    scene: stage.Scene,
    out: outlet.Outlet,
    sink: IO[bytes] | None,
    told: '_Told',
    *,
    plain: bool,
) -> None:
    # The last sample is of now: a bus forgets what is old.
    begin_us = int((time.time() - scene.wants.seconds) * 1e6)
    if out.is_live:
        agent = dataclasses.replace(scene.agent, begin_us=begin_us)
        scene = dataclasses.replace(scene, agent=agent)
    one = simulation.Simulation(scene)
    for made in one.samples():
        out.take(made)
        told.samples += 1
    if plain:
        out.tell(config.of(scene, scene.wants.seconds - 1))
    if sink is not None:
        found = one.labels()
        sink.write(codec.encode(found) + b'\n')
        told.episodes += len(found.episodes)
        told.guilty += sum(len(each.guilty) for each in found.episodes)
    told.host(scene)


class _Told:
    """What was made, for people on stderr, for programs at the end."""

    def __init__(self, hosts: int) -> None:
        self.hosts = 0
        self.samples = 0
        self.episodes = 0
        self.guilty = 0
        self._wanted = hosts
        self._begun = self._last = time.monotonic()

    def host(self, scene: stage.Scene) -> None:
        """Tell of one host that is done, not more often than every 2 s."""
        self.hosts += 1
        now = time.monotonic()
        if now - self._last >= 2:
            self._last = now
            print(
                f'{scene.host.name}: {self.samples} samples so far,'
                f' {self.hosts} of {self._wanted} hosts',
                file=sys.stderr,
            )

    def end(self, *, as_json: bool) -> None:
        """Tell what was made."""
        counts = {
            'hosts': self.hosts,
            'samples': self.samples,
            'episodes': self.episodes,
            'guilty': self.guilty,
            'seconds': round(time.monotonic() - self._begun, 2),
        }
        if as_json:
            print(json.dumps(counts))
        else:
            words = ', '.join(f'{n} {name}' for name, n in counts.items())
            print(f'simulated {words}', file=sys.stderr)


@contextlib.contextmanager
def _opened(args: argparse.Namespace) -> Iterator[outlet.Outlet]:
    if args.file is not None:
        with record.open_recording(args.file) as file:
            yield outlet.Recording(file)
        return
    loaded = service.configure(args, quiet=True)
    name = loaded[bus_options.GROUP].topic_prefix + topic.SAMPLES
    with (
        contextlib.closing(top.open_bus(loaded, None)) as bus,
        outlet.to_bus(bus, name) as publisher,
    ):
        yield publisher


def _write_cluster(path: pathlib.Path, scenes: list[stage.Scene]) -> None:
    seconds = max((one.wants.seconds for one in scenes), default=0.0)
    with _open_new(path, '--cluster') as file:
        file.write(codec.encode(cluster.of(scenes, seconds - 1)) + b'\n')


@contextlib.contextmanager
def _open_new(path: pathlib.Path, switch: str) -> Iterator[IO[bytes]]:
    try:
        file = path.open('wb')
    except OSError as why:
        raise exception.ConfigError(
            f'{switch} {path}: {why.strerror}; name a file that you may'
            ' write to'
        ) from why
    with file:
        yield file


def _list(*, as_json: bool) -> int:
    words = {
        name: ' '.join((made.__doc__ or '').split())
        for name, made in scenario.KINDS.items()
    }
    if as_json:
        print(json.dumps(words))
    else:
        for name, text in words.items():
            print(f'{name:<16}{text}')
    return service.OK
