# SPDX-License-Identifier: Apache-2.0
"""All facts of a host: its files below one root, and what libvirt said."""

import pathlib

import msgspec

from kvm_insight.model import facts
from kvm_insight.observe.facts import (
    cpu,
    device,
    kernel,
    kvm,
    memory,
    reader,
    service,
)


def read(root: pathlib.Path, told: facts.HostFacts) -> facts.HostFacts:
    """Return ``told`` with all that the files say.

    Needs no root, changes nothing, raises nothing: what cannot be read is in
    ``unknown``. ``told`` is libvirt's part (``identify.capabilities``).
    """
    tree = reader.Reader(root)
    cpu.read(tree)
    kvm.read(tree)
    kernel.read(tree)
    memory.read(tree)
    device.read(tree)
    service.read(tree, told.qemu_uid)
    unknown = {**told.unknown, **tree.unknown}
    whole = {**tree.found, 'unknown': unknown}
    return msgspec.structs.replace(told, **whole)
