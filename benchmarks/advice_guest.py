# SPDX-License-Identifier: Apache-2.0
"""A guest whose disk is measured from inside and from the host at once."""

import contextlib
import dataclasses
import os
import pathlib
import random
import re
import socket
import subprocess
import time
from typing import Any

from lab import daemon, failure, guest, image

HERE = pathlib.Path(__file__).resolve().parent
DISK_MIB = 128
#: In the order in which they must be loaded: IDE, SCSI disks, virtio.
MODULES = (
    'crc64',
    'crct10dif_common',
    'crct10dif_generic',
    'crc-t10dif',
    'crc64-rocksoft',
    't10-pi',
    'scsi_common',
    'scsi_mod',
    'sd_mod',
    'libata',
    'ata_piix',
    *image.MODULES,
)
DEVICES = {'virtio': '/dev/vda', 'ide': '/dev/sda'}
#: What ``disk_init`` says when the disk is there.
UP = b'guest up'
#: CPUCLOCK_SCHED of the kernel: the clock of another process's CPU time.
_SCHED = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Kind:
    """How a domain is configured; pairs differ in one of these."""

    bus: str = 'virtio'
    cache: str = 'none'
    io: str = 'native'
    iothread: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """What the guest asks of its disk."""

    #: ``r`` or ``w``.
    kind: str
    #: Requests at once.
    depth: int
    #: Writes until a flush; 0: never.
    flush: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Measure:
    """What one load gave and cost."""

    requests_per_s: float
    #: CPU time of QEMU, the guest's own included.
    cpu_us: float
    #: That of its threads which are no vCPU.
    beside_us: float
    #: Of the image, in the host's page cache at the end.
    cached_mib: float


class Guest:
    """One guest with an image of its own, until ``end``."""

    def __init__(
        self, lab: daemon.Lab, name: str, kind: Kind, virt: str, seed: int
    ) -> None:
        self._lab, self.name, self.kind = lab, name, kind
        self.image = lab.place.image(name)
        self._path = lab.place.folder / f'{name}.sock'
        self._fill(seed)
        path = lab.place.folder / f'{name}.xml'
        path.write_text(self._xml(virt))
        lab.virsh('create', str(path))
        self.pid = lab.qemu_pids()[name]
        # At once, since what a guest says to nobody is lost.
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._path))
        self._line: Any = None

    def _fill(self, seed: int) -> None:
        # A hole would be read without the disk.
        chance = random.Random(seed)
        with self.image.open('wb') as sink:
            for _ in range(DISK_MIB):
                sink.write(chance.randbytes(1 << 20))
            sink.flush()
            os.fsync(sink.fileno())
            os.posix_fadvise(sink.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def _xml(self, virt: str) -> str:
        text = guest.xml(
            guest.Guest(
                self.name,
                '0-1',
                '',
                virt=virt,
                metadata='none',
                memory_mib=256,
            ),
            self._lab.place,
        )
        kind, target = self.kind, DEVICES[self.kind.bus].rpartition('/')[2]
        if kind.bus == 'ide':
            target = 'hda'
        thread = " iothread='1'" if kind.iothread else ''
        disk = (
            "<disk type='file' device='disk'><driver name='qemu' type='raw'"
            f" cache='{kind.cache}' io='{kind.io}'{thread}/>"
            f"<source file='{self.image}'/>"
            f"<target dev='{target}' bus='{kind.bus}'/></disk>"
        )
        line = (
            "<serial type='unix'>"
            f"<source mode='bind' path='{self._path}'/></serial>"
        )
        text, count = re.subn(
            r"(?s)<serial type='file'>.*?</console>\n?", line + disk, text
        )
        assert count == 1
        text = text.replace(' quiet ', ' quiet loglevel=0 ')
        if kind.iothread:
            text = text.replace('<os>', '<iothreads>1</iothreads><os>')
        return text

    def wait_booted(self, timeout_s: float = 120) -> None:
        """Return when it takes orders."""
        line, said = self._socket, b''
        line.settimeout(1)
        end = time.monotonic() + timeout_s
        # Nobody reads the line before: what is sent then stays in it.
        for wanted, word in ((UP, b''), (b'ready', b'hello\n')):
            line.sendall(word)
            while wanted not in said:
                if time.monotonic() > end:
                    raise failure.LabError(f'{self.name} does not come up')
                with contextlib.suppress(TimeoutError):
                    said += line.recv(4096)
        # The rest of that line.
        with contextlib.suppress(TimeoutError):
            line.recv(4096)
        line.settimeout(60)
        self._line = line.makefile('rw')

    def measure(self, load: Load, ms: int, seed: int) -> Measure:
        """Run a load for so many milliseconds."""
        device = DEVICES[self.kind.bus]
        self._line.write(
            f'{device} {load.kind} {load.depth} {load.flush} {ms} {seed}\n'
        )
        self._line.flush()
        self._hear('begin')
        before = self._cpu_ns()
        _, count, took_ns = self._hear('end').split()
        after = self._cpu_ns()
        requests = int(count)
        whole, vcpu = (b - a for a, b in zip(before, after, strict=True))
        return Measure(
            requests / int(took_ns) * 1e9,
            whole / requests / 1e3,
            (whole - vcpu) / requests / 1e3,
            self._cached_mib(),
        )

    def _hear(self, word: str) -> str:
        said = str(self._line.readline())
        if not said.startswith(word):
            raise failure.LabError(f'{self.name}: {said.strip()!r}')
        return said

    def _cpu_ns(self) -> tuple[int, int]:
        """Return what the process has run, and its vCPU."""
        vcpu = 0
        for task in pathlib.Path(f'/proc/{self.pid}/task').iterdir():
            with contextlib.suppress(OSError):
                if (task / 'comm').read_text().startswith('CPU '):
                    vcpu += int((task / 'schedstat').read_text().split()[0])
        # Of all threads, also of those that have ended.
        return time.clock_gettime_ns((~self.pid << 3) | _SCHED), vcpu

    def _cached_mib(self) -> float:
        done = subprocess.run(
            ['fincore', '-bnro', 'RES', str(self.image)],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout) / 2**20

    def end(self) -> None:
        """Destroy it, and its image."""
        if self._line is not None:
            self._line.close()
        self._socket.close()
        self._lab.stop(self.name)
        self.image.unlink(missing_ok=True)


def prepare(lab: daemon.Lab) -> None:
    """Start a private libvirtd whose guests run ``disk_rounds``."""
    built = lab.home / 'disk_rounds'
    source = HERE / 'disk_rounds.c'
    words = ['gcc', '-O2', '-static', '-o', str(built), str(source)]
    subprocess.run(words, check=True)
    recipe = image.Recipe(HERE / 'disk_init', MODULES, (built,))
    image.make(lab.place.kernel, lab.place.initrd, recipe)
    lab.up()
