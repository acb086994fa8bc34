# SPDX-License-Identifier: Apache-2.0
"""The exact ledger: the kernel accounts, this reads its memory."""

import pathlib
import struct
import time
from collections.abc import Callable, Sequence

from kvm_insight import exception
from kvm_insight.model import contention, entity, sample
from kvm_insight.observe.ledger import book, health, libbpf, port

OBJECT = pathlib.Path(__file__).with_name('ledger.bpf.o')
BTF = pathlib.Path('/sys/kernel/btf/vmlinux')
STATUS = pathlib.Path('/proc/self/status')
NAMESPACE = pathlib.Path('/proc/self/ns/pid')
PROGRAMS = ('created', 'switched', 'woken', 'started', 'migrated')
#: Either is enough for each right: its own capability, or the old one.
_RIGHTS = {'CAP_BPF': (1 << 39), 'CAP_PERFMON': (1 << 38)}
_CAP_SYS_ADMIN = 1 << 21
#: PROC_PID_INIT_INO of the kernel: a part of its interface, the same always.
_HOST_NAMESPACE = 0xEFFFFFFC
#: ``struct ledger_cpu``: head, at, pid, entity, switches, missed, overruns,
#: untracked.
_CPU = struct.Struct('=QQIIQQQQ')
_U32 = struct.Struct('=I')
_U64 = struct.Struct('=Q')


def missing_right(status: str) -> str | None:
    """Return the capability that /proc/self/status does not show."""
    lines = [line for line in status.splitlines() if line[:6] == 'CapEff']
    effective = int(lines[0].split()[1], 16) if lines else 0
    for name, bit in _RIGHTS.items():
        if not effective & (bit | _CAP_SYS_ADMIN):
            return name
    return None


def sees_the_hosts_pids(namespace: pathlib.Path) -> bool:
    """Say whether pids here are those that the kernel's programs see."""
    return namespace.stat().st_ino == _HOST_NAMESPACE


def _require(btf: pathlib.Path) -> None:
    missing = missing_right(STATUS.read_text())
    if missing is not None:
        raise exception.LedgerError(f'{missing} is missing')
    if not btf.exists():
        raise exception.LedgerError(f'no BTF: the kernel has no {btf}')
    if not sees_the_hosts_pids(NAMESPACE):
        raise exception.LedgerError(
            "pids here are not the host's: run the container with pid: host"
        )


class Ebpf:
    """A ``port.Collector`` that is exact; it runs until ``close``."""

    source = 'ebpf'
    ticks = False

    def __init__(
        self,
        path: pathlib.Path = OBJECT,
        *,
        btf: pathlib.Path = BTF,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Load and attach; LedgerError says in one line why not."""
        _require(btf)
        library = libbpf.Library()
        self._cpus = library.call('libbpf_num_possible_cpus')
        self.programs = libbpf.Programs(library, path, {'cpus': self._cpus})
        try:
            self._open(clock_ns)
        except exception.LedgerError:
            self.close()
            raise

    def _open(self, clock_ns: Callable[[], int]) -> None:
        programs = self.programs
        self._clock_ns = clock_ns
        self._control = programs.memory('control', writable=True)
        self._control[:4] = _U32.pack(1)
        self._generation = 1
        self._headers = programs.memory('cpus')
        self._header_size = programs.shape('cpus')[1]
        rows, size = programs.shape('ledger')
        self._book = book.Book(
            programs.memory('ledger', 'Q'),
            programs.memory('quota', 'Q'),
            rows,
            size // 8,
            clock_ns,
        )
        self._keys: dict[tuple[str, bytes], bytes] = {}
        self._check = health.SelfCheck()
        self._counts = health.Counts()
        self._collected_ns = clock_ns()
        # First new threads, then those that are there: none is left out.
        programs.attach('created')
        programs.iterate('existing')
        programs.attach(*PROGRAMS[1:])

    def watch(self, members: Sequence[port.Member]) -> None:
        """Make these the entities; all others fall to ``host``."""
        wanted = {member.entity for member in members}
        known = self._book.numbers
        leaving = [name for name in known if name not in wanted]
        joining = [name for name in sorted(wanted) if name not in known]
        if leaving or joining:
            self._book.gather()
            self._book.stir([cpu[3] for cpu in self._read_cpus()])
        for name in leaving:
            self._book.dismiss(name)
        for name in joining:
            self._book.admit(name)
        self._tell(members)

    def _tell(self, members: Sequence[port.Member]) -> None:
        """Let the kernel know which process and cgroup is whose."""
        keys: dict[tuple[str, bytes], bytes] = {}
        # A domain's process stays the domain's if a service claims it too.
        for member in sorted(
            members, key=lambda one: entity.uuid_of(one.entity) is not None
        ):
            number = _U32.pack(self._book.numbers[member.entity])
            for pid in member.pids:
                keys['entities', _U32.pack(pid)] = number
            if member.cgroup is not None:
                keys['services', _U64.pack(member.cgroup)] = number
        if keys == self._keys:
            return
        for name, key in self._keys.keys() - keys.keys():
            self.programs.delete(name, key)
        for (name, key), number in keys.items() - self._keys.items():
            try:
                self.programs.update(name, key, number)
            except OSError as why:
                raise exception.LedgerError(
                    f'the map {name} is full: {why.strerror}'
                ) from why
        self._keys = keys
        self._generation += 1
        self._control[:4] = _U32.pack(self._generation & 0xFFFFFFFF)

    def tick(self, reading: contention.Reading) -> None:
        """Do nothing: the kernel counts all the time."""

    def collect(self, run_delay_us: dict[str, int]) -> sample.Ledger:
        """Return what was waited since the last call, exactly."""
        now_ns = self._clock_ns()
        counts = self.counts()
        happened = counts.since(self._counts)
        charges = {
            uuid: row
            for name, row in self._book.take().items()
            if (uuid := entity.uuid_of(name)) is not None
        }
        rows = [
            sample.Row(
                victim=uuid,
                charges=row,
                confidence=health.confidence(
                    row, run_delay_us.get(uuid), happened.missed_share
                ),
            )
            for uuid, row in sorted(charges.items())
        ]
        checked = charges.keys() & run_delay_us.keys()
        completeness = self._check.judge(
            sum(sum(charges[uuid].values()) for uuid in checked),
            sum(run_delay_us[uuid] for uuid in checked),
            happened,
        )
        interval_us = (now_ns - self._collected_ns) // 1000
        self._counts, self._collected_ns = counts, now_ns
        return sample.Ledger(
            source='ebpf',
            interval_us=interval_us,
            rows=rows,
            missed_switches=counts.missed,
            overruns=counts.overruns,
            untracked_threads=counts.untracked,
            completeness=completeness,
        )

    def counts(self) -> health.Counts:
        """Return the programs' own account of themselves."""
        cpus = self._read_cpus()
        return health.Counts(
            *[sum(column) for column in zip(*cpus, strict=True)][4:]
        )

    def totals(self) -> dict[str, dict[str, tuple[int, int]]]:
        """Return victim -> runner -> (charged, quota) in ns, ever since."""
        return self._book.totals()

    def _read_cpus(self) -> list[tuple[int, ...]]:
        return [
            _CPU.unpack_from(self._headers, number * self._header_size)
            for number in range(self._cpus)
        ]

    def close(self) -> None:
        """Take everything out of the kernel."""
        self.programs.close()
