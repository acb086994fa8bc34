# SPDX-License-Identifier: Apache-2.0
"""The ledger says who ran while whom waited, at next to no cost.

Five real guests and a busy host process, pinned, mixed and floating, against
the kernel's own trace. Yardsticks of the same seconds: the sampled ledger,
and charging each wait by everyone's share of the host's CPU time.
"""

import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / 'tools')]

import ledger_cost  # noqa: E402 - the path comes first
import ledger_scene  # noqa: E402
import sched_truth  # noqa: E402
from lab import daemon, virt  # noqa: E402

from kvm_insight.model import entity  # noqa: E402
from kvm_insight.observe import collector as board  # noqa: E402
from kvm_insight.observe import cputime, domain, place, service, tick  # noqa: E402
from kvm_insight.observe.ledger import ebpf, sampled  # noqa: E402

ROOMS = ('pinned', 'mixed', 'floating')
REACH = {
    'e_60s': 0.01,
    'e_10s': 0.04,
    'row_mismatch': 0.01,
    'quota_mismatch': 0.02,
    'unattributed': 0.01,
    'switch_ns': 300,
    'sampled_pinned_e': 0.08,
}
PROC, SYS = pathlib.Path('/proc'), pathlib.Path('/sys')


class Readings:
    """What the sampled ledger reads, about once a second."""

    def __init__(self, scene: ledger_scene.Scene, seed: int) -> None:
        self._random = random.Random(seed)
        source = place.Place(PROC, SYS, SYS / 'fs/cgroup', board.Board())
        self._domains = {
            name: found
            for name, pid in scene.domains().items()
            if (found := domain.open_domain(source, pid)) is not None
        }
        self._burner = next(
            pid
            for name, pid in scene.processes.items()
            if entity.service_of(name)
        )
        self._ticker = tick.Ticker(source)
        self._ticker.watch(
            [service.Busy(ledger_scene.BUSY, 0, 1, (self._burner,), None)]
        )
        self.ledger = sampled.Sampled()
        self._runs: list[dict[str, int]] = []

    def begin(self) -> None:
        """Forget what was before."""
        for found in self._domains.values():
            found.sweep()
        self._tick()
        self.ledger.collect({})
        self._runs = [self._run_us()]

    def pause(self, seconds: float) -> None:
        """Sleep, with a tick about once a second."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 1.2:
            time.sleep(min(left, self._random.uniform(0.95, 1.05)))
            self._tick()
        time.sleep(max(0.0, end - time.monotonic()))
        self._tick()

    def _tick(self) -> None:
        now_us = time.monotonic_ns() // 1000
        self.ledger.tick(self._ticker.read(self._domains, now_us))

    def _run_us(self) -> dict[str, int]:
        """Return who used how much of the host's CPUs until now."""
        used = {
            name: sum(_run_ns(found.pid)) // 1000
            for name, found in self._domains.items()
        }
        _, cpus = cputime.read(PROC)
        busy_us = sum(modes.busy_us for modes in cpus.values())
        return used | {entity.HOST: busy_us - sum(used.values())}

    def by_use(self, delays_s: Mapping[str, float]) -> sched_truth.Matrix:
        """Charge each victim's wait by the others' shares of all use."""
        now = self._run_us()
        used = {name: now[name] - us for name, us in self._runs[0].items()}
        charged: sched_truth.Matrix = {}
        for victim, delay_s in delays_s.items():
            others = {k: us for k, us in used.items() if k != victim}
            total = sum(others.values())
            charged[victim] = {
                k: delay_s * us / total for k, us in others.items()
            }
        return charged

    def sampled_s(self) -> sched_truth.Matrix:
        """Return the sampled rows; quota goes back to who ran."""
        rows: sched_truth.Matrix = {}
        for row in self.ledger.collect({}).rows:
            found: dict[str, float] = {}
            for name, charge_us in row.charges.items():
                folded = entity.HOST if entity.is_host(name) else name
                found[folded] = found.get(folded, 0.0) + charge_us / 1e6
            quota_s = found.pop(entity.QUOTA, 0.0)
            total = sum(found.values())
            if total:
                found = {
                    name: seconds * (1 + quota_s / total)
                    for name, seconds in found.items()
                }
            rows[entity.domain(row.victim)] = found
        return rows


def _run_ns(pid: int) -> list[int]:
    return [
        int((task / 'schedstat').read_text().split()[0])
        for task in (PROC / str(pid) / 'task').iterdir()
    ]


def _free_of_quota(
    scene: ledger_scene.Scene, matrix: sched_truth.Matrix
) -> sched_truth.Matrix:
    """Leave out the throttled guest: only eBPF knows who ran meanwhile."""
    return {
        victim: row
        for victim, row in matrix.items()
        if scene.names[victim] != ledger_scene.THROTTLED
    }


def _room(
    scene: ledger_scene.Scene, room: str, windows: int, seed: int
) -> dict[str, float]:
    """Measure one room; return its figures."""
    scene.place(room)
    exact = ebpf.Ebpf()
    try:
        exact.watch(scene.members())
        time.sleep(1)
        readings = Readings(scene, seed)
        readings.begin()
        run = ledger_scene.measure(exact, scene, 10, windows, readings.pause)
        by_use = readings.by_use(run.whole.run_delay_s)
    finally:
        exact.close()
    if run.lost_events:
        raise RuntimeError(f'{run.lost_events} events lost: no truth')
    whole = run.whole
    truth = _free_of_quota(scene, whole.truth_s)
    others = {'sampled': readings.sampled_s(), 'by_use': by_use}
    return {
        f'e_{windows * 10}s': whole.error,
        'e_10s': max(window.error for window in run.windows),
        'row_mismatch': max(
            abs(ratio - 1) for ratio in whole.row_ratios.values()
        ),
        'quota_mismatch': abs(whole.quota_ratio - 1),
        'unattributed': whole.unattributed,
        'throttled_s': whole.throttled_s,
        'waited_s': sum(sum(row.values()) for row in whole.truth_s.values()),
        'missed_switches': run.missed_switches,
    } | {
        f'{name}_e': sched_truth.error(_free_of_quota(scene, matrix), truth)
        for name, matrix in others.items()
    }


def _rooms(windows: int, seed: int) -> dict[str, dict[str, float]]:
    home = pathlib.Path(tempfile.mkdtemp(prefix='ledger-', dir='/var/tmp'))
    lab = daemon.Lab(home)
    found = {}
    try:
        lab.up()
        kind = virt.decide(lab.place.kernel, lab.place.initrd)
        with ledger_scene.running(lab, kind) as scene:
            for room in ROOMS:
                found[room] = _room(scene, room, windows, seed)
                _say(f'{room}: {json.dumps(found[room])}')
    finally:
        lab.down()
        shutil.rmtree(home, ignore_errors=True)
    return found


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _figures(
    rooms: Mapping[str, Mapping[str, float]], cost: Mapping[str, float]
) -> dict[str, object]:
    """Return the worst room's figures, the yardsticks' own and the cost."""
    names = [
        name
        for name in next(iter(rooms.values()))
        if name in REACH or name.startswith('e_')
    ]
    worst: dict[str, object] = {
        name: round(max(room[name] for room in rooms.values()), 5)
        for name in names
    }
    worst['switch_ns'] = cost['domain_switched_ns']
    worst['wakeup_ns'] = cost['domain_woken_ns']
    worst['sampled_pinned_e'] = round(rooms['pinned']['sampled_e'], 4)
    worst['sampled_floating_e'] = round(rooms['floating']['sampled_e'], 4)
    worst['cost'] = dict(cost)
    worst['groups'] = {
        room: {name: round(value, 5) for name, value in found.items()}
        for room, found in rooms.items()
    }
    return worst


def main() -> int:
    """Measure; print one JSON object; 1 if a figure is not reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--traces', help='not used: the guests are real')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix='ledger-cost-') as name:
        folder = pathlib.Path(name)
        rounds = 20_000 if args.quick else 200_000
        cost = ledger_cost.over_empty(folder, rounds)
        cost |= ledger_cost.paired(folder, rounds, 5 if args.quick else 15)
    _say(f'cost: {json.dumps(cost)}')
    rooms = _rooms(1 if args.quick else 6, args.seed)
    figures = _figures(rooms, cost)
    reach = {name: REACH[name] for name in REACH if name in figures}
    commit = subprocess.run(
        ['git', '-C', str(ROOT), 'rev-parse', 'HEAD'],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    print(
        json.dumps(
            {
                'claim': 'ledger',
                'figures': figures,
                'reach': reach,
                'yardstick': {
                    f'{kind}_e_{room}': round(found[f'{kind}_e'], 4)
                    for room, found in rooms.items()
                    for kind in ('sampled', 'by_use')
                },
                'seed': args.seed,
                'commit': commit,
            }
        )
    )
    missed = [
        name
        for name, most in reach.items()
        if float(str(figures[name])) > most
    ]
    for name in missed:
        _say(f'not reached: {name} {figures[name]} > {reach[name]}')
    return 1 if missed else 0


if __name__ == '__main__':
    sys.exit(main())
