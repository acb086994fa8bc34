# SPDX-License-Identifier: Apache-2.0
"""What libvirt and the kernel say of the host as a place for domains.

Raw text, and names; ``identify.machine`` says what follows. All of it is to
be had through libvirt's read-only socket.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kvm_insight import exception
from kvm_insight.observe import file

if TYPE_CHECKING:
    from collections.abc import Callable

#: What libvirt itself takes for shared, so that it migrates without copying.
SHARED_TYPES = frozenset(
    (
        'nfs',
        'nfs4',
        'ceph',
        'gfs2',
        'ocfs2',
        'afs',
        'cifs',
        'smb3',
        'gpfs',
        'fuse.glusterfs',
        'fuse.quobyte',
    )
)
_ACTIVE = 2
#: Where distributions put what a guest boots from.
_FIRMWARE = ('OVMF/*.fd', 'AAVMF/*.fd', 'edk2/*/*.fd', 'qemu/*.fd')
_MOST_FIRMWARE = 64
_SHARE = pathlib.Path('/usr/share')


@dataclasses.dataclass(frozen=True, slots=True)
class Machine:
    """The host in libvirt's words."""

    capabilities: str
    hypervisor_version: int | None
    libvirt_version: int | None
    #: Names of libvirt's networks that are up.
    networks: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system."""

    folder: str
    kind: str
    source: str

    @property
    def shared(self) -> bool:
        """Whether other hosts may have it mounted, too."""
        return self.kind in SHARED_TYPES


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """All that domains find on the host."""

    machine: Machine
    mounts: Sequence[Mount]
    devices: Sequence[str]
    firmware: Sequence[str]


def read(
    machine: Machine, proc: pathlib.Path, sysfs: pathlib.Path
) -> Surroundings:
    """Return what libvirt said, with what the kernel says now."""
    return Surroundings(
        machine,
        read_mounts(proc),
        read_devices(sysfs),
        read_firmware(_SHARE),
    )


def ask(link: Any) -> Machine:
    """Return what a connection to libvirt (``virConnect``) tells."""
    import libvirt

    def told(function: 'Callable[[], Any]') -> Any:
        # test:///default has no such thing as a version, or a network.
        with contextlib.suppress(libvirt.libvirtError):
            return function()
        return None

    return Machine(
        capabilities=str(told(link.getCapabilities) or ''),
        hypervisor_version=told(link.getVersion),
        libvirt_version=told(link.getLibVersion),
        networks=tuple(
            sorted(
                one.name()
                for one in told(lambda: link.listAllNetworks(_ACTIVE)) or ()
            )
        ),
    )


def parse_mounts(text: str) -> list[Mount]:
    """Return the file systems of a ``mountinfo``."""
    found = []
    for line in text.splitlines():
        left, _, right = line.partition(' - ')
        before, after = left.split(), right.split()
        if len(before) < 5 or len(after) < 2:
            continue
        found.append(Mount(_plain(before[4]), after[0], _plain(after[1])))
    return found


def read_mounts(proc: pathlib.Path) -> list[Mount]:
    """Return the host's file systems, also from inside a container that has
    the host's processes."""
    for who in ('1', 'self'):
        try:
            text = file.read(proc / who / 'mountinfo')
        except exception.KvmInsightError:
            continue
        if text:
            return parse_mounts(text)
    return []


def read_devices(sysfs: pathlib.Path) -> list[str]:
    """Return the network devices to which a guest may be joined: bridges,
    and what has hardware, a bond or a VLAN behind it; no guest's own end."""
    folder = sysfs / 'class/net'
    return sorted(
        name
        for name in file.names(folder)
        if not (folder / name / 'tun_flags').exists() and name != 'lo'
    )


def read_firmware(share: pathlib.Path) -> list[str]:
    """Return the firmware that is installed; empty from inside a container,
    where nobody sees what the host has."""
    found = [path for one in _FIRMWARE for path in share.glob(one)]
    return sorted(str(path) for path in found)[:_MOST_FIRMWARE]


def _plain(word: str) -> str:
    """Return a word of ``mountinfo`` with its spaces."""
    for code, text in (('\\040', ' '), ('\\011', '\t'), ('\\134', '\\')):
        word = word.replace(code, text)
    return word
