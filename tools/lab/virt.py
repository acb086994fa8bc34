# SPDX-License-Identifier: Apache-2.0
"""Whether KVM works here, decided by booting a guest with it.

A /dev/kvm that opens and makes a vCPU proves nothing: on machines that run
under PVM it does, and a stock kernel never comes up.
"""

import os
import pathlib
import subprocess
import tempfile
import time

from lab import guest

KVM = pathlib.Path('/dev/kvm')
UP = b'guest up'


def decide(
    kernel: pathlib.Path, initrd: pathlib.Path, timeout_s: float = 12
) -> str:
    """Return ``kvm`` if a guest comes up with it, else ``qemu`` (TCG)."""
    if not os.access(KVM, os.R_OK | os.W_OK):
        return 'qemu'
    with tempfile.TemporaryDirectory() as folder:
        console = pathlib.Path(folder) / 'console'
        words = ['-kernel', str(kernel), '-initrd', str(initrd)]
        words += ['-serial', f'file:{console}']
        return 'kvm' if _boots(words, console, timeout_s) else 'qemu'


def _boots(more: list[str], console: pathlib.Path, timeout_s: float) -> bool:
    words = [guest.EMULATOR, '-accel', 'kvm', '-cpu', 'host', '-m', '128']
    words += ['-nodefaults', '-display', 'none', '-no-reboot']
    words += ['-append', 'console=ttyS0 quiet', *more]
    child = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end and child.poll() is None:
            if console.exists() and UP in console.read_bytes():
                return True
            time.sleep(0.1)
        return False
    finally:
        child.kill()
        child.wait()
