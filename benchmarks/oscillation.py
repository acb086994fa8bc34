# SPDX-License-Identifier: Apache-2.0
"""Oscillation: whether moves are undone, on real traces replayed.

Demand of real VMs (see oscillation_traces) on a few hosts, placed blindly; the
planner plans every 15 minutes from what was measured until then, its moves
are carried out, and demand goes on as it did. A move is undone if its
instance returns to a host within 24 h of leaving it. A hot minute is one in
which a host's demand is above the planner's hot ratio. The yardstick is the
same planner without guards: no rest, no way back barred, no price of a move
and no second forecast. Forecasts here are plain quantiles of each VM's past.

A few hosts are a lottery: on days of OpenDC that are not reported, the same
planner had between 59 % fewer and 3 % more hot minutes than without guards,
by where its VMs had begun. So each trace is played from several beginnings.
"""

import pathlib
import sys
import uuid

import numpy as np
import numpy.typing as npt

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

# ruff: noqa: E402 - the path comes first
from benchmarks import oscillation_traces, report
from kvm_insight.model import cluster
from kvm_insight.recommend import orders, planning, settings

Floats = npt.NDArray[np.float64]
STEP_S = oscillation_traces.STEP_S
EVERY = 3
GIB = 1 << 30
BEGIN_US = 1_700_000_000_000_000
#: Of its past that a forecast looks at, in steps: expected, and high.
NEAR, FAR = 12, 288
DAY_S = oscillation_traces.DAY_S
#: First placements from which each trace is played.
BEGINNINGS = 4


class Replay:
    """Hosts and VMs while demand goes by."""

    def __init__(
        self, trace: oscillation_traces.Trace, guarded: bool, beginning: int
    ) -> None:
        """Place the VMs one after the other, whatever they want."""
        self.trace = trace
        self.rules = settings.Settings(guarded=guarded, rounds=10)
        count = len(trace.limits)
        self.names = [str(uuid.UUID(int=n + 1)) for n in range(count)]
        self.number = {name: n for n, name in enumerate(self.names)}
        self.at = np.random.default_rng(beginning).permutation(count)
        self.at %= trace.hosts
        self.first = min(FAR, trace.wanted.shape[1] // 4)
        mean = trace.wanted.sum(axis=0).mean()
        #: Hosts that are half used, as a dense cloud is.
        self.cores = float(mean / trace.hosts / 0.55)
        self.migrations: list[cluster.Migration] = []
        self.hot_minutes = 0.0
        self.undone = 0
        self.moves = 0

    def run(self, planned: bool = True) -> None:
        """Play the whole trace."""
        for step in range(self.first, self.trace.wanted.shape[1]):
            wanted = self.trace.wanted[:, step]
            load = np.bincount(self.at, wanted, self.trace.hosts)
            limit = self.rules.hot_ratio * self.cores
            self.hot_minutes += float((load > limit).sum()) * STEP_S / 60
            if planned and step % EVERY == 0:
                self._plan(step)

    def _now(self, step: int) -> int:
        return BEGIN_US + step * STEP_S * 1_000_000

    def _plan(self, step: int) -> None:
        now_us = self._now(step)
        self.migrations = [
            one
            for one in self.migrations
            if now_us - (one.ended_us or 0) < 2 * DAY_S * 1_000_000
        ]
        made = planning.plan(
            self._cluster(step),
            self.rules,
            orders.Orders(),
            np.random.default_rng(step),
        )
        for one in made.recommendations:
            for move in one.moves:
                self._carry_out(move.instance, move.destination, now_us)

    def _carry_out(self, name: str, host: str, now_us: int) -> None:
        n = self.number[name]
        self.moves += 1
        self.undone += any(
            one.instance == name
            and one.source == host
            and now_us - (one.ended_us or 0) < DAY_S * 1_000_000
            for one in self.migrations
        )
        moved = cluster.Migration(
            instance=name,
            source=f'h{self.at[n]}',
            destination=host,
            state='done',
            started_us=now_us,
            ended_us=now_us + 30_000_000,
        )
        self.migrations.append(moved)
        self.at[n] = int(host[1:])

    def _cluster(self, step: int) -> cluster.Cluster:
        near = self.trace.wanted[:, max(0, step - NEAR) : step + 1]
        far = self.trace.wanted[:, max(0, step - FAR) : step + 1]
        now = near[:, -EVERY:].mean(axis=1)
        expected = np.median(near, axis=1)
        high = np.maximum(np.quantile(far, 0.95, axis=1), expected)
        return cluster.Cluster(
            time_us=self._now(step),
            hosts=[
                self._host(h, step, near, far) for h in range(self.trace.hosts)
            ],
            instances=[
                self._instance(n, now[n], expected[n], high[n])
                for n in range(len(self.names))
            ],
            migrations=self.migrations,
        )

    def _host(
        self,
        h: int,
        step: int,
        near: Floats,
        far: Floats,
    ) -> cluster.Host:
        here = self.at == h
        expected = float(np.median(near[here].sum(axis=0)))
        high = float(np.quantile(far[here].sum(axis=0), 0.95))
        used = float(near[here, -EVERY:].sum(axis=0).mean())
        # What is wanted now is expected to stay: a forecast below it would
        # deny a hot host.
        expected = max(expected, used)
        return cluster.Host(
            name=f'h{h}',
            inventories={
                'VCPU': cluster.Inventory(
                    total=int(self.trace.limits.sum()) + 1
                )
            },
            load=cluster.HostLoad(
                time_us=self._now(step),
                capacity_cores=self.cores,
                used_cores=used,
                peaks=[
                    cluster.Peak(
                        horizon_s=3600,
                        p50_cores=expected,
                        p95_cores=max(high, expected),
                    )
                ],
            ),
        )

    def _instance(
        self, n: int, now: float, expected: float, high: float
    ) -> cluster.Instance:
        expected = max(expected, now)
        return cluster.Instance(
            uuid=self.names[n],
            host=f'h{self.at[n]}',
            resources={'VCPU': max(1, int(self.trace.limits[n]))},
            memory_bytes=4 * GIB,
            load=cluster.InstanceLoad(
                used_cores=now,
                peaks=[
                    cluster.Peak(
                        horizon_s=3600,
                        p50_cores=expected,
                        p95_cores=max(high, expected),
                    )
                ],
            ),
        )


def main() -> int:
    """Replay all traces both ways; print one JSON object."""
    parser = report.options(__doc__)
    args = parser.parse_args()
    if args.traces is None:
        parser.error('--traces DIR or KVM_INSIGHT_TRACES is needed')
    groups = {}
    reporting = args.seed >= report.SEED
    beginnings = [
        args.seed + n for n in range(1 if args.quick else BEGINNINGS)
    ]
    for trace in oscillation_traces.read(args.traces, reporting, args.quick):
        rows = [_row(trace, beginning) for beginning in beginnings]
        groups[trace.name] = {
            name: sum(row[name] for row in rows) for name in rows[0]
        }
        report.say(f'{trace.name}: {groups[trace.name]}')
    figures = _worst(groups)
    return report.tell(
        'What is moved is not moved back, and guards cost little',
        figures,
        {
            'moves_undone': report.Bound(most=0),
            'hot_minutes_worse': report.Bound(most=0.05),
        },
        {
            'without guards': {
                'moves_undone': sum(
                    one['moves_undone_without_guards']
                    for one in groups.values()
                )
            }
        },
        args.seed,
        groups=groups,
    )


def _worst(groups: dict[str, dict[str, float]]) -> dict[str, float]:
    ours = sum(one['hot_minutes'] for one in groups.values())
    free = sum(one['hot_minutes_without_guards'] for one in groups.values())
    still = sum(one['hot_minutes_without_planner'] for one in groups.values())
    return {
        'moves_undone': sum(one['moves_undone'] for one in groups.values()),
        'hot_minutes_worse': ours / free - 1 if free else 0.0,
        'hot_minutes': ours,
        'hot_minutes_without_guards': free,
        'hot_minutes_without_planner': still,
    }


def _row(trace: oscillation_traces.Trace, beginning: int) -> dict[str, float]:
    """Play a trace from one beginning with guards, without, and unmoved."""
    ours, free, still = (
        Replay(trace, guarded, beginning) for guarded in (True, False, True)
    )
    ours.run()
    free.run()
    still.run(planned=False)
    row = {
        'moves_undone': ours.undone,
        'hot_minutes': ours.hot_minutes,
        'moves': ours.moves,
        'hot_minutes_without_guards': free.hot_minutes,
        'moves_undone_without_guards': free.undone,
        'hot_minutes_without_planner': still.hot_minutes,
    }
    report.say(f'{trace.name} from {beginning}: {row}')
    return row


if __name__ == '__main__':
    sys.exit(main())
