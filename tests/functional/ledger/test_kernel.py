# SPDX-License-Identifier: Apache-2.0
"""The exact ledger in a real kernel: rights, limits, and what it leaves."""

import contextlib
import ctypes
import os
import pathlib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
import sched_truth

from kvm_insight import exception
from kvm_insight.model import entity
from kvm_insight.observe.ledger import ebpf, port

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]
PROBE = [sys.executable, str(HERE / 'probe.py')]
UUIDS = [f'{number:08x}-0000-0000-0000-000000000000' for number in range(512)]
UNIFIED = [
    pathlib.Path(line.split()[1])
    for line in pathlib.Path('/proc/mounts').read_text().splitlines()
    if line.split()[2] == 'cgroup2'
]


def probe(*before: str, words: tuple[str, ...] = ('go',)) -> str:
    """Return the one line that the probe prints, run in this setting."""
    done = subprocess.run(
        [*before, *PROBE, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stderr == ''
    (line,) = done.stdout.splitlines()
    assert len(line) < 200
    return line


def nobody_with(*capabilities: str) -> list[str]:
    added = ''.join(f',+{name}' for name in capabilities)
    return [
        'setpriv',
        '--reuid=65534',
        '--regid=65534',
        '--clear-groups',
        f'--bounding-set=-all{added}',
        f'--inh-caps=-all{added}',
        f'--ambient-caps=-all{added}',
    ]


def without(*hidden: str) -> list[str]:
    """Run where /dev/null lies over these files, or nothing in a folder."""
    covers = [
        f'mount -t tmpfs none {path}'
        if pathlib.Path(path).is_dir()
        else f'mount --bind /dev/null {path}'
        for path in hidden
    ]
    script = ' && '.join([*covers, 'exec "$@"'])
    return ['unshare', '-m', 'sh', '-c', script, 'sh']


def test_two_capabilities_are_enough_for_an_unprivileged_user() -> None:
    line = probe(*nobody_with('bpf', 'perfmon'))
    assert re.fullmatch(r'uid 65534: 1 row, [1-9]\d* switches', line)


@pytest.mark.parametrize(
    ('has', 'missing'),
    [
        (('bpf',), 'CAP_PERFMON is missing'),
        (('perfmon',), 'CAP_BPF is missing'),
        ((), 'CAP_BPF is missing'),
    ],
)
def test_a_missing_capability_is_named(
    has: tuple[str, ...], missing: str
) -> None:
    assert probe(*nobody_with(*has)) == missing


def test_a_kernel_without_btf_is_said_so() -> None:
    line = probe(*without('/sys/kernel/btf'))
    assert line == 'no BTF: the kernel has no /sys/kernel/btf/vmlinux'


def test_a_missing_libbpf_is_named_with_its_package() -> None:
    maps = pathlib.Path('/proc/self/maps').read_text
    ctypes.CDLL('libbpf.so.1')
    paths = set(re.findall(r'\S+/libbpf\.so\S+', maps()))
    line = probe(*without(*paths))
    assert line == 'no libbpf (libbpf.so.1); install libbpf1 or libbpf'


def test_the_verifiers_refusal_is_one_clear_line(
    tmp_path: pathlib.Path,
) -> None:
    for name in ('tools', 'kvm_insight/observe/ledger'):
        (tmp_path / name).mkdir(parents=True)
    sources = [*ebpf.OBJECT.parent.glob('*.[ch]'), ROOT / 'tools/build-ledger']
    for path in sources:
        text = path.read_text().replace(
            'return woken_up(task);',
            'return woken_up((struct task_struct *)task->cgroups);',
        )
        copy = tmp_path / path.relative_to(ROOT)
        copy.write_text(text)
        copy.chmod(0o755)
    subprocess.run([tmp_path / 'tools/build-ledger'], check=True)
    broken = tmp_path / ebpf.OBJECT.relative_to(ROOT)
    line = probe(words=('go', str(broken)))
    assert line.startswith('the kernel refuses ledger.bpf.o: ')
    assert 'css_set' in line


def test_a_file_that_is_no_object_is_said_so(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'broken.o').write_text('nothing')
    line = probe(words=('go', str(tmp_path / 'broken.o')))
    assert line.startswith('broken.o is no BPF object: ')


@pytest.fixture
def collector() -> Iterator[ebpf.Ebpf]:
    found = ebpf.Ebpf()
    yield found
    found.close()


def test_too_many_processes_are_an_error(collector: ebpf.Ebpf) -> None:
    many = tuple(range(2**22, 2**22 + 17_000))
    member = port.Member(entity.domain(UUIDS[0]), many)
    with pytest.raises(exception.LedgerError, match='entities is full'):
        collector.watch([member])


def test_too_many_domains_are_an_error(collector: ebpf.Ebpf) -> None:
    members = [port.Member(entity.domain(uuid), ()) for uuid in UUIDS]
    with pytest.raises(exception.LedgerError, match='too many domains'):
        collector.watch(members)


def kernel_ids(pid: int) -> set[tuple[str, int]]:
    """Return the programs, maps and links that a process holds."""
    found = set()
    for path in pathlib.Path(f'/proc/{pid}/fdinfo').iterdir():
        pattern = r'^(prog|map|link)_id:\s*(\d+)$'
        # Among its own is the descriptor that lists the folder: gone again.
        with contextlib.suppress(FileNotFoundError):
            for match in re.finditer(pattern, path.read_text(), re.M):
                found.add((match[1], int(match[2])))
    return found


def exists(kind: str, number: int) -> bool:
    lib = ctypes.CDLL('libbpf.so.1')
    fd: int = getattr(lib, f'bpf_{kind}_get_fd_by_id')(number)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def left(ids: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """Return which of them the kernel still has after a while."""
    for _ in range(50):
        ids = {one for one in ids if exists(*one)}
        if not ids:
            break
        time.sleep(0.1)
    return ids


def test_a_killed_agent_leaves_no_program_link_or_map() -> None:
    child = subprocess.Popen(
        [*PROBE, 'stay'], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        assert 'switches' in child.stdout.readline()
        ids = kernel_ids(child.pid)
        kinds = [kind for kind, _ in ids]
        assert {'prog', 'map', 'link'} == set(kinds)
        assert kinds.count('link') == len(ebpf.PROGRAMS)
        assert all(exists(*one) for one in ids)
        child.kill()
    assert left(ids) == set()


def test_a_closed_collector_leaves_nothing_while_the_agent_lives() -> None:
    before = kernel_ids(os.getpid())
    collector = ebpf.Ebpf()
    ids = kernel_ids(os.getpid()) - before
    assert ids
    collector.close()
    collector.close()
    assert left(ids) == set()


@pytest.fixture(scope='module')
def burn(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    built = tmp_path_factory.mktemp('burn') / f'burn{os.getpid()}'
    words = ['cc', '-O2', '-Wall', '-Wextra', '-Werror', '-pthread']
    subprocess.run(
        [*words, str(HERE / 'burn.c'), '-o', str(built)], check=True
    )
    return built


class Burner:
    """One process with busy threads; waits for ``go``."""

    def __init__(self, burn: pathlib.Path, *words: int) -> None:
        self._child = subprocess.Popen(
            [burn, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._child.pid

    def go(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write('\n')
        self._child.stdin.flush()

    def run_delay_ns(self) -> int:
        """Wait for its end; return what all its threads waited."""
        told, _ = self._child.communicate()
        return int(told)

    def end(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture
def start(burn: pathlib.Path) -> Iterator[Callable[..., Burner]]:
    """A maker of burners; all end with the test."""
    made: list[Burner] = []

    def make(*words: int) -> Burner:
        made.append(Burner(burn, *words))
        return made[-1]

    yield make
    for burner in made:
        burner.end()


@pytest.mark.parametrize(
    ('threads', 'life_ms'), [(1_000, 0), (200, 20)], ids=['many', 'churn']
)
def test_no_thread_is_lost_among(
    collector: ebpf.Ebpf,
    start: Callable[..., Burner],
    burn: pathlib.Path,
    threads: int,
    life_ms: int,
) -> None:
    name = entity.domain(UUIDS[0])
    burner = start(threads, 300, 20_000, life_ms, 2)
    collector.watch([port.Member(name, (burner.pid,))])
    with sched_truth.Trace() as trace:
        burner.go()
        assert burner.run_delay_ns() > 10**9
    tids = trace.named(burn.name)
    assert len(tids) > threads
    truth = trace.replay(dict.fromkeys(tids, name))
    row = collector.totals()[name]
    charged = {runner: sum(pair) / 1e9 for runner, pair in row.items()}
    waited_s = sum(truth.wait_s[name].values())
    assert truth.lost_events == 0, 'no truth'
    assert sum(charged.values()) == pytest.approx(waited_s, rel=0.01)
    assert sched_truth.error({name: charged}, truth.wait_s) < 0.01
    assert collector.counts().untracked == 0


def test_a_new_domain_is_in_the_ledger_at_the_next_watch(
    collector: ebpf.Ebpf, start: Callable[..., Burner]
) -> None:
    one, two = (entity.domain(uuid) for uuid in UUIDS[:2])
    burners = [start(4, 1_000, 0, 0, 3) for _ in range(2)]
    for burner in burners:
        burner.go()
    first, second = burners
    collector.watch([port.Member(one, (first.pid,))])
    time.sleep(0.5)
    rows = {row.victim: row.charges for row in collector.collect({}).rows}
    assert rows.keys() == {UUIDS[0]}
    assert two not in rows[UUIDS[0]]
    collector.watch(
        [port.Member(one, (first.pid,)), port.Member(two, (second.pid,))]
    )
    # A wait counts when it ends, and others may be busy here as well.
    time.sleep(1)
    rows = {row.victim: row.charges for row in collector.collect({}).rows}
    assert rows[UUIDS[1]][one] > 100_000
    assert rows[UUIDS[0]][two] > 100_000


@pytest.fixture
def group() -> Iterator[pathlib.Path]:
    path = UNIFIED[0] / f'kvm-insight-test-{os.getpid()}'
    path.mkdir()
    yield path
    for folder in (path / 'inner', path):
        folder.rmdir()


def test_a_service_is_known_by_its_cgroup_and_what_lies_in_it(
    collector: ebpf.Ebpf, group: pathlib.Path, start: Callable[..., Burner]
) -> None:
    victim, service = entity.domain(UUIDS[0]), entity.service('backup')
    inner = group / 'inner'
    inner.mkdir()
    waiter = start(8, 1_000, 0, 0, 4)
    worker = start(8, 1_000, 0, 0, 4)
    collector.watch(
        [
            port.Member(victim, (waiter.pid,)),
            port.Member(service, (), cgroup=group.stat().st_ino),
        ]
    )
    waiter.go()
    worker.go()
    time.sleep(0.5)
    assert service not in collector.totals()[victim]
    # It comes in after the last watch, as processes of services do.
    (inner / 'cgroup.procs').write_text(str(worker.pid))
    time.sleep(1)
    charged_ns = collector.totals()[victim][service][0]
    assert charged_ns > 10**9
    collector.watch([port.Member(victim, (waiter.pid,))])
    time.sleep(0.2)
    told = collector.collect({})
    assert told.rows[0].charges[service] >= charged_ns // 1000
    time.sleep(0.5)
    assert service not in collector.collect({}).rows[0].charges
