# SPDX-License-Identifier: Apache-2.0
"""Following a process whose threads come, change their names and go."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.observe import descriptor, process, task

from . import planting

PROC = pathlib.Path('/proc')


def schedstat(root: pathlib.Path, tid: int, text: str) -> None:
    (root / f'proc/4000/task/{tid}/schedstat').write_text(text)


def rename(root: pathlib.Path, tid: int, old: str, new: str) -> None:
    path = root / f'proc/4000/task/{tid}/stat'
    path.write_text(path.read_text().replace(f'({old})', f'({new})'))


def opened(root: pathlib.Path, pid: int = 4000) -> process.Process:
    found = process.open_process(root / 'proc', pid)
    assert found is not None
    return found


def test_threads_are_told_apart(plant: planting.Plant) -> None:
    qemu = opened(plant('v2_systemd'))
    kinds = {t.tid: (t.role.kind, t.role.index) for t in qemu.threads.values()}
    assert kinds == {
        4000: ('emulator', None),
        4002: ('emulator', None),
        4005: ('iothread', None),
        4006: ('emulator', None),
        4007: ('vcpu', 0),
        4008: ('vcpu', 1),
        4009: ('emulator', None),
        4010: ('vhost', None),
    }
    assert qemu.total('iothread') == task.Usage(2_000_000, 40_000, 700)
    assert qemu.threads[4007].affinity == '2-3'


def test_what_an_ended_thread_used_stays_in_the_sum(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    qemu = opened(root)
    before = qemu.total('emulator')
    shutil.rmtree(root / 'proc/4000/task/4009')
    assert qemu.read()
    assert 4009 not in qemu.threads
    assert qemu.total('emulator') == before
    schedstat(root, 4000, '3000007000 50000000 901\n')
    assert qemu.read()
    assert qemu.total('emulator').run_us == before.run_us + 7


def test_a_thread_that_gets_its_name_late_is_counted_once(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    rename(root, 4005, 'IO iothread1', 'qemu-system-x86')
    for path in (root / 'proc/4000/task/4005').glob('cgroup'):
        path.write_text('0::/nowhere\n')
    qemu = opened(root)
    emulator = qemu.total('emulator')
    assert qemu.total('iothread') == task.Usage(0, 0, 0)
    rename(root, 4005, 'qemu-system-x86', 'IO iothread1')
    schedstat(root, 4005, '2000009000 40000000 701\n')
    assert qemu.refresh()
    assert qemu.total('iothread') == task.Usage(0, 0, 0)
    assert qemu.total('emulator').run_us == emulator.run_us + 9
    schedstat(root, 4005, '2000010000 40000000 702\n')
    assert qemu.refresh()
    assert qemu.total('iothread') == task.Usage(1, 0, 1)
    assert qemu.total('emulator').run_us == emulator.run_us + 9


def test_between_surveys_only_vcpus_and_new_threads_tell_their_state(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    qemu = opened(root)
    assert qemu.refresh()
    for tid in (4005, 4007):
        path = root / f'proc/4000/task/{tid}/stat'
        path.write_text(
            path.read_text().replace(') S ', ') D ').replace(') R ', ') D ')
        )
    schedstat(root, 4005, '3000000000 50000000 900\n')
    shutil.copytree(root / 'proc/4000/task/4009', root / 'proc/4000/task/4011')
    rename(root, 4011, 'worker', 'qemu-system-x86')
    assert qemu.follow()
    assert qemu.threads[4007].state == 'D'
    assert qemu.threads[4005].state != 'D'
    assert qemu.total('iothread').run_us == 3_000_000
    # It had no name yet when it was first seen, nor at the survey after.
    assert qemu.refresh()
    name = (root / 'proc/4000/task/4011/stat').read_text()
    name = name.partition('(')[2].rpartition(')')[0]
    rename(root, 4011, name, 'CPU 2/KVM')
    assert qemu.follow()
    assert qemu.threads[4011].role == task.Role('vcpu', 2)


def test_another_process_with_the_same_number_is_another_one(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    qemu = opened(root)
    for name in ('proc/4000/stat', 'proc/4000/task/4000/stat'):
        path = root / name
        path.write_text(path.read_text().replace(' 5000 1601', ' 9 1601'))
    assert not qemu.refresh()
    assert qemu.gone
    assert opened(root).epoch == '4000.9'
    assert qemu.epoch == '4000.5000'


def test_a_process_that_ended_is_gone_and_keeps_its_figures(
    plant: planting.Plant,
) -> None:
    root = plant('v2_systemd')
    qemu = opened(root)
    before = qemu.total('emulator')
    shutil.rmtree(root / 'proc/4000')
    assert not qemu.read()
    assert qemu.gone
    assert qemu.total('emulator') == before
    assert process.open_process(root / 'proc', 4000) is None


def test_descriptors_are_given_back(plant: planting.Plant) -> None:
    root = plant('v2_systemd')
    budget = descriptor.Budget(5)
    qemu = process.open_process(root / 'proc', 4000, budget=budget)
    assert qemu is not None
    assert budget.used == 5
    assert len(qemu.threads) == 8
    qemu.close()
    assert budget.used == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**9)), max_size=20))
def test_sums_never_shrink_while_threads_come_and_go(
    steps: list[tuple[bool, int]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        planting.unpack('v2_systemd', root)
        qemu = opened(root)
        worker = root / 'proc/4000/task/4009'
        kept = root / 'kept'
        shutil.copytree(worker, kept)
        last = qemu.total('emulator')
        run_ns = 5_000_000
        for alive, grown_ns in steps:
            if not alive:
                shutil.rmtree(worker, ignore_errors=True)
                run_ns = 0
            elif not worker.exists():
                shutil.copytree(kept, worker)
            if alive:
                run_ns += grown_ns
                schedstat(root, 4009, f'{run_ns} 0 4\n')
            assert qemu.read()
            total = qemu.total('emulator')
            assert total.run_us >= last.run_us
            assert total.slices >= last.slices
            last = total
        qemu.close()


def test_a_real_process_is_followed_to_its_end() -> None:
    code = (
        'import threading, time\n'
        'for _ in range(3):\n'
        '    threading.Thread(target=time.sleep, args=(60,)).start()\n'
        'print(flush=True)\ntime.sleep(60)'
    )
    with subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        budget = descriptor.Budget(6)
        found = process.open_process(PROC, child.pid, budget=budget)
        assert found is not None
        assert len(found.threads) == 4
        assert all(t.usage is not None for t in found.threads.values())
        # Not reaped yet: a zombie has threads in /proc, but is gone.
        child.kill()
        deadline = time.monotonic() + 10
        while found.refresh() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert found.gone
        child.wait()
        assert not found.read()
        assert process.open_process(PROC, child.pid) is None


def test_threads_that_end_between_two_reads_are_no_error() -> None:
    found = process.open_process(PROC, os.getpid())
    assert found is not None
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            thread = threading.Thread(target=lambda: None)
            thread.start()
            thread.join()

    churner = threading.Thread(target=churn)
    churner.start()
    try:
        deadline = time.monotonic() + 0.5
        last = found.total('emulator')
        while time.monotonic() < deadline:
            assert found.read()
            total = found.total('emulator')
            assert total.run_us >= last.run_us
            last = total
    finally:
        stop.set()
        churner.join()
        found.close()
