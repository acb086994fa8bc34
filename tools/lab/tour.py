# SPDX-License-Identifier: Apache-2.0
"""``./quickstart`` after its installation: real guests, watched for a while.

Where libvirt has running domains these are watched, and nothing of theirs is
touched. Else four guests are booted in a private libvirtd, and all of that
ends with the tour.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from lab import daemon, failure, guest, process, virt

SYSTEM_RUN = pathlib.Path('/run/libvirt/qemu')
PROGRAM = pathlib.Path(sys.executable).with_name('kvm-insight')
SHOP = ('5d41402abc4b2a76b9719d911017c592', 'shop')
SCIENCE = ('7d793037a0760186574b0282f2f435e7', 'science')


def system_domains() -> list[str]:
    """Return the names of the running domains of the machine's libvirt."""
    names = []
    for path in SYSTEM_RUN.glob('*.pid'):
        with contextlib.suppress(OSError, ValueError):
            if b'qemu' in process.command_line(int(path.read_text())):
                names.append(path.stem)
    return sorted(names)


def four_guests(virt_type: str) -> list[guest.Guest]:
    """Return a small cloud: batch-1 is noisy for 75 s of every 180."""
    cpus = sorted(os.sched_getaffinity(0))
    first, second = str(cpus[-1]), str(cpus[0])

    def one(
        name: str, cpu: str, sched: str, project: tuple[str, str]
    ) -> guest.Guest:
        return guest.Guest(
            name,
            cpu,
            sched,
            project=project[0],
            project_name=project[1],
            virt=virt_type,
        )

    return [
        one('web-1', first, '60:35', SHOP),
        one('batch-1', first, '30:3,75:100,75:3', SCIENCE),
        one('db-1', second, '60:12', SHOP),
        one('mail-1', second, '60:4', SCIENCE),
    ]


@contextlib.contextmanager
def small_lab() -> Iterator[list[str]]:
    """Boot the four guests; yield the words that point standalone there."""
    home = tempfile.mkdtemp(prefix='kvm-insight-quickstart-', dir='/var/tmp')
    lab = daemon.Lab(pathlib.Path(home))
    try:
        lab.up()
        how = virt.decide(lab.place.kernel, lab.place.initrd)
        print(
            'No running domains here, so four small guests are booted in a'
            f' private libvirtd, with {"KVM" if how == "kvm" else "TCG"}.'
        )
        for new in four_guests(how):
            lab.start(new)
            print(f'  {new.name:8} CPU {new.cpus}  {new.uuid}', end='')
            print(f'  project {new.project_name:8} {_load(new)}', flush=True)
        _wait_booted(lab)
        yield ['--uri', lab.uri, '--run-dir', str(lab.pid_folder)]
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        lab.down()
        shutil.rmtree(home, ignore_errors=True)


def _load(new: guest.Guest) -> str:
    parts = [part.split(':') for part in new.sched.split(',')]
    if len(parts) == 1:
        return f'{parts[0][1]} % of a core'
    return ', '.join(f'{duty} % for {span} s' for span, duty in parts)


def _wait_booted(lab: daemon.Lab, timeout_s: float = 90) -> None:
    end = time.monotonic() + timeout_s
    for name in lab.names():
        while '\nphase' not in lab.console(name):
            if time.monotonic() > end:
                raise failure.LabError(f'the guest {name} does not come up')
            time.sleep(0.2)


def watch(words: list[str]) -> int:
    """Run ``kvm-insight standalone`` until it or we are told to end."""
    with tempfile.TemporaryDirectory(prefix='kvm-insight-') as state:
        command = [str(PROGRAM), 'standalone', '--state', state, *words]
        if '--state' not in words:
            print(
                f'From another shell: {PROGRAM} top --state {state}',
                flush=True,
            )
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True
        )

        def forward(number: int, _frame: object) -> None:
            child.send_signal(number)

        before = {
            number: signal.signal(number, forward)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            return child.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _simulate(words: list[str]) -> int:
    # Only this part of the lab imports kvm_insight.
    from lab import simulated

    return simulated.show(words)


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main(words: list[str]) -> int:
    """Watch domains, guests of the lab, or as a last resort simulated ones."""
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        if '--simulated' in words:
            return _simulate([word for word in words if word != '--simulated'])
        if any(word.split('=')[0] == '--uri' for word in words):
            return watch(words)
        names = system_domains()
        if names:
            print(f'Watching the running domains: {", ".join(names)}.')
            return watch(words)
        with small_lab() as where:
            return watch([*where, *words])
    except failure.LabError as why:
        print(f'quickstart: {why}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
