# SPDX-License-Identifier: Apache-2.0
"""The exact ledger beside the kernel's own trace, on real guests."""

import time
from collections.abc import Iterator

import ledger_scene
import pytest
from lab import daemon

from kvm_insight.observe.ledger import ebpf


@pytest.fixture(scope='module')
def scene(lab: daemon.Lab, virt_type: str) -> Iterator[ledger_scene.Scene]:
    with ledger_scene.running(lab, virt_type) as found:
        yield found


@pytest.fixture
def collector(scene: ledger_scene.Scene) -> Iterator[ebpf.Ebpf]:
    found = ebpf.Ebpf()
    found.watch(scene.members())
    yield found
    found.close()


def assert_exact(
    run: ledger_scene.Run, error: float, skew_s: float = 0.0
) -> None:
    """``skew_s``: run delay is read a moment before or after the ledger."""
    assert run.lost_events == 0, 'no truth'
    result = run.whole
    assert len(result.gross_s) == 5
    assert result.error <= error
    assert result.unattributed <= 0.01
    for victim, ratio in result.row_ratios.items():
        waited_s = sum(result.gross_s[victim].values())
        allowed = max(0.01, skew_s / max(waited_s, 1e-9))
        assert ratio == pytest.approx(1, abs=allowed), (victim, waited_s)
    assert result.throttled_s > 1
    assert result.quota_ratio == pytest.approx(1, abs=0.02)


def test_ten_seconds_of_pinned_and_floating_guests_match_the_trace(
    scene: ledger_scene.Scene, collector: ebpf.Ebpf
) -> None:
    scene.place('mixed')
    time.sleep(1)
    run = ledger_scene.measure(collector, scene, 10)
    # In a minute (``--full``) that does not count; in ten seconds it may.
    assert_exact(run, 0.04, skew_s=0.02)
    _assert_self_check(scene, collector, run.whole)


def _assert_self_check(
    scene: ledger_scene.Scene,
    collector: ebpf.Ebpf,
    result: ledger_scene.Result,
) -> None:
    """The sample says the same as the trace, and quota apart."""
    told = collector.collect({})
    assert told.source == 'ebpf'
    assert told.untracked_threads == 0
    rows = {row.victim: row for row in told.rows}
    assert len(rows) == 5
    for name in scene.domains():
        row = rows[name.removeprefix('domain:')]
        assert row.confidence > 0.97
        # From the start of the programs on, so a little more than measured.
        assert sum(row.charges.values()) / 1e6 > sum(
            result.gross_s[name].values()
        )
        assert set(row.charges) <= {*scene.processes, *FIXED}
    quota = max(row.charges.get('quota', 0) for row in rows.values())
    assert quota / 1e6 >= max(result.quota_s.values())
    services = sum(
        row.charges.get(f'service:{ledger_scene.BUSY}', 0)
        for row in rows.values()
    )
    assert services > 1_000_000


FIXED = ('host', 'idle', 'quota', 'unattributed')


@pytest.mark.full
@pytest.mark.parametrize('room', sorted(ledger_scene.ROOMS))
def test_a_minute_is_exact_to_a_hundredth(
    scene: ledger_scene.Scene, collector: ebpf.Ebpf, room: str
) -> None:
    scene.place(room)
    time.sleep(1)
    run = ledger_scene.measure(collector, scene, 10, windows=6)
    assert_exact(run, 0.01)
    assert max(window.error for window in run.windows) <= 0.04
