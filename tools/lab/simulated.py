# SPDX-License-Identifier: Apache-2.0
"""Simulated hosts, for machines that cannot run a guest.

Only the samples are made up; the detector that judges them is the real one.
Every line says SIMULATED.
"""

import argparse
import contextlib
import pathlib
import signal
import threading
import time
import uuid
from typing import TextIO

from kvm_insight import exception
from kvm_insight.detect import host, settings
from kvm_insight.model import codec, entity, finding, sample

INTERVAL_S = 10
CYCLE_S = 180
MICRO = 1_000_000
CPUS = 2
#: Name, project, CPU, and what it wants of that CPU from which second on.
GUESTS: tuple[tuple[str, str, int, tuple[tuple[int, float], ...]], ...] = (
    ('web-1', 'shop', 1, ((0, 0.35),)),
    ('batch-1', 'science', 1, ((0, 0.03), (30, 1.0), (105, 0.03))),
    ('db-1', 'shop', 0, ((0, 0.12),)),
    ('mail-1', 'science', 0, ((0, 0.03),)),
)


class Guest:
    """One simulated guest with the counters that a real one would have."""

    def __init__(self, host_name: str, number: int) -> None:
        self.name, self.project, self.cpu, self._wants = GUESTS[number]
        self.uuid = str(uuid.uuid5(uuid.NAMESPACE_DNS, host_name + self.name))
        self.tid = 1000 + number
        self.run_us = self.delay_us = 0
        self.charges: dict[str, int] = {}

    def wants(self, second: int) -> float:
        """Return the part of its CPU that it wants now."""
        return [part for at, part in self._wants if at <= second % CYCLE_S][-1]

    def live(self, second: int, others: list['Guest']) -> None:
        """Let one second pass beside those on the same CPU."""
        wants = self.wants(second)
        rest = sum(one.wants(second) for one in others)
        run = wants / (1 + rest)
        self.run_us += int(run * MICRO)
        for one in others:
            waited_us = int((wants - run) * one.wants(second) / rest * MICRO)
            self.delay_us += waited_us
            who = entity.domain(one.uuid)
            self.charges[who] = self.charges.get(who, 0) + waited_us

    def domain(self) -> sample.Domain:
        """Return what an agent would say of it now."""
        project = uuid.uuid5(uuid.NAMESPACE_DNS, self.project).hex
        return sample.Domain(
            uuid=self.uuid,
            name=self.name,
            epoch='1.1',
            state='running',
            identity=sample.Identity(
                source='nova',
                instance_name=self.name,
                project_id=project,
                project_name=self.project,
            ),
            affinity=str(self.cpu),
            vcpus=[
                sample.Vcpu(
                    index=0,
                    tid=self.tid,
                    run_us=self.run_us,
                    run_delay_us=self.delay_us,
                    affinity=str(self.cpu),
                    last_cpu=self.cpu,
                )
            ],
        )

    def row(self) -> sample.Row:
        """Return the ledger's row since the last call."""
        charges, self.charges = self.charges, {}
        return sample.Row(victim=self.uuid, charges=charges, confidence=1.0)


class Host:
    """One simulated host."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._guests = [Guest(name, n) for n in range(len(GUESTS))]
        self._start_us = time.time_ns() // 1000

    def sample(self, sequence: int) -> sample.Sample:
        """Let an interval pass; return what an agent would publish."""
        if sequence:
            for second in range(INTERVAL_S):
                self._second((sequence - 1) * INTERVAL_S + second)
        passed_us = sequence * INTERVAL_S * MICRO
        busy_us = sum(one.run_us for one in self._guests)
        ledger = sample.Ledger(
            source='ebpf',
            interval_us=INTERVAL_S * MICRO if sequence else 0,
            rows=[one.row() for one in self._guests],
        )
        return sample.Sample(
            host=self.name,
            boot_id='simulated',
            agent_id='simulated',
            sequence=sequence,
            time_us=self._start_us + passed_us,
            uptime_us=3600 * MICRO + passed_us,
            interval_us=INTERVAL_S * MICRO if sequence else None,
            agent=sample.Agent(version='simulated'),
            system=sample.System(
                cpus=f'0-{CPUS - 1}',
                user_us=busy_us,
                idle_us=passed_us * CPUS - busy_us,
            ),
            domains=[one.domain() for one in self._guests],
            ledger=ledger,
        )

    def _second(self, second: int) -> None:
        for one in self._guests:
            others = [
                other
                for other in self._guests
                if other is not one and other.cpu == one.cpu
            ]
            one.live(second, others)


class Show:
    """Judges hosts, and tells."""

    def __init__(self, names: list[str], sink: TextIO | None) -> None:
        rules = settings.Settings()
        self._pairs = [(Host(n), host.Detector(n, rules)) for n in names]
        self._sink = sink

    def step(self, number: int) -> None:
        """Let an interval pass everywhere."""
        for simulated, detector in self._pairs:
            for found in detector.consume(simulated.sample(number)):
                self._tell(found)
        instances = len(self._pairs) * len(GUESTS)
        say(
            f'{number * INTERVAL_S:4} s: {len(self._pairs)} hosts,'
            f' {instances} instances'
        )

    def _tell(self, found: finding.Finding) -> None:
        if found.state != 'update':
            say(f'{found.state:6} {found.summary}')
        if self._sink:
            self._sink.write(codec.encode(found).decode() + '\n')
            self._sink.flush()


def say(words: str) -> None:
    """Print a line; nobody shall take it for a measurement."""
    print(f'SIMULATED  {words}', flush=True)


def show(words: list[str]) -> int:
    """Judge two simulated hosts until the time is over or Ctrl-C."""
    parser = argparse.ArgumentParser(prog='quickstart --simulated')
    parser.add_argument('--for', dest='seconds', type=float, default=1e9)
    parser.add_argument('--findings', type=pathlib.Path)
    parser.add_argument('--pace', type=float, default=1, help='1: real time')
    args = parser.parse_args(words)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    say('No guest runs here: these hosts exist in this program only.')
    with contextlib.ExitStack() as stack:
        sink = None
        if args.findings:
            sink = stack.enter_context(args.findings.open('w'))
        _run(Show(['simulated-1', 'simulated-2'], sink), args, stop)
    return 0


def _run(show_: Show, args: argparse.Namespace, stop: threading.Event) -> None:
    number = 0
    try:
        while number * INTERVAL_S <= args.seconds and not stop.is_set():
            show_.step(number)
            number += 1
            stop.wait(INTERVAL_S / args.pace)
    except exception.KvmInsightError as why:
        say(str(why))
