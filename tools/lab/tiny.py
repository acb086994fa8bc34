# SPDX-License-Identifier: Apache-2.0
"""Guests without a kernel that never run: cheap, for when many are needed.

QEMU, libvirt, threads and cgroups are real; only the guest stands still.
"""

import pathlib

from lab import daemon, guest

MEMORY_MIB = 16


def start(lab: daemon.Lab, new: guest.Guest, *, disk: bool = False) -> None:
    """Start one, paused before its first instruction."""
    path = lab.place.folder / f'{new.name}.xml'
    image = lab.place.image(new.name)
    if disk:
        with image.open('wb') as sink:
            sink.truncate(1 << 20)
    path.write_text(xml(new, lab.place, image if disk else None))
    lab.virsh('create', str(path), '--paused')


def xml(
    new: guest.Guest, place: guest.Place, image: pathlib.Path | None
) -> str:
    """Return the domain's XML; owner and flavor are as a real one's."""
    text = guest.xml(new, place)
    head, _, rest = text.partition('<kernel>')
    text = head + rest.partition('</cmdline>')[2]
    start, _, rest = text.partition('<devices>')
    drive = (
        "<disk type='file' device='disk'><driver name='qemu' type='raw'/>"
        f"<source file='{image}'/><target dev='vda' bus='virtio'/></disk>"
        if image
        else ''
    )
    return (
        f'{start}<devices><emulator>{guest.EMULATOR}</emulator>{drive}'
        "<controller type='usb' model='none'/><memballoon model='virtio'/>"
        '</devices></domain>'
    )
