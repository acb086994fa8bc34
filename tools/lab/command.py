# SPDX-License-Identifier: Apache-2.0
"""``tools/lab/lab``: the lab from a shell."""

import argparse
import json
import os
import pathlib
import sys

from lab import daemon, failure, guest, virt

ABOUT = """Real guests with known loads under a private libvirtd.

State is in --home (or LAB_HOME). As root, guests may have quotas; otherwise
libvirt's session mode is used. Needs libvirtd, virsh, qemu-system-x86_64,
busybox-static, cpio and Debian's or Ubuntu's kernel (from /boot, else fetched
with apt-get download; nothing is installed)."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    top = argparse.ArgumentParser(
        prog='lab',
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    home = os.environ.get('LAB_HOME', '/var/tmp/kvm-insight-lab')
    top.add_argument('--home', type=pathlib.Path, default=home)
    verbs = top.add_subparsers(dest='verb', required=True)
    verbs.add_parser('up', help='start the private libvirtd')
    verbs.add_parser('down', help='end guests and libvirtd')
    verbs.add_parser('uri', help='print the libvirt URI')
    verbs.add_parser('list', help='names and QEMU pids as JSON')
    verbs.add_parser('virt', help='kvm or qemu, by booting a guest')
    verbs.add_parser('kill-libvirtd', help='end libvirtd, not the guests')
    _add_start(verbs.add_parser('start', help='start one; print its UUID'))
    stop = verbs.add_parser('stop', help='destroy guests')
    stop.add_argument('names', nargs='+')
    console = verbs.add_parser('console', help='what the guest printed')
    console.add_argument('name')
    return top


def _add_start(start: argparse.ArgumentParser) -> None:
    start.add_argument('name')
    start.add_argument('cpus', help='CPUs that it may use, as 0 or 0-1')
    start.add_argument('sched', help='SECONDS:DUTY,... repeats')
    start.add_argument('--uuid')
    start.add_argument('--project', help='32 hex digits')
    start.add_argument('--project-name')
    start.add_argument('--vcpus', type=int)
    start.add_argument('--max-vcpus', type=int)
    start.add_argument('--loops', type=int, help='loads side by side')
    start.add_argument('--period', type=int, help='centiseconds')
    start.add_argument(
        '--memory', dest='memory_mib', type=int, help='MiB (128)'
    )
    start.add_argument('--quota', type=int, help='%% of a core, each vCPU')
    start.add_argument('--global-quota', type=int, help='%% of a core')
    start.add_argument('--shares', type=int, help='CPU weight')
    start.add_argument('--disk', action='store_true', default=None)
    start.add_argument('--net', action='store_true', default=None)
    start.add_argument('--virt', choices=('qemu', 'kvm'))
    start.add_argument('--metadata', choices=guest.METADATA)


def main(words: list[str] | None = None) -> int:
    """Run one verb; 1 when the lab cannot."""
    args = parser().parse_args(words)
    lab = daemon.Lab(pathlib.Path(args.home).absolute())
    try:
        said = _run(lab, args)
    except (failure.LabError, FileNotFoundError) as why:
        print(f'lab: {why}', file=sys.stderr)
        return 1
    if said:
        print(said)
    return 0


def _run(lab: daemon.Lab, args: argparse.Namespace) -> str:
    given = {
        name: value
        for name, value in vars(args).items()
        if value is not None and name not in ('home', 'verb', 'names')
    }
    match args.verb:
        case 'up':
            lab.up()
            return lab.uri
        case 'down':
            lab.down()
        case 'uri':
            return lab.uri
        case 'list':
            return json.dumps(lab.qemu_pids())
        case 'virt':
            lab.up()
            return virt.decide(lab.place.kernel, lab.place.initrd)
        case 'kill-libvirtd':
            lab.kill_libvirtd()
        case 'start':
            return lab.start(guest.Guest(**given)).uuid
        case 'stop':
            lab.stop(*args.names)
        case 'console':
            return lab.console(args.name).rstrip()
    return ''
