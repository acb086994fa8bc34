# SPDX-License-Identifier: Apache-2.0
"""KVM: its modules with their parameters, its devices, the IOMMU."""

import collections
import stat

from kvm_insight import exception
from kvm_insight.model import part
from kvm_insight.observe.facts import reader

MODULES = (
    'kvm',
    'kvm_amd',
    'kvm_intel',
    'kvm_pvm',
    'tun',
    'vfio_pci',
    'vhost',
    'vhost_net',
    'vhost_vsock',
)
PARAMETERS = (
    'kvm.halt_poll_ns',
    'kvm.nx_huge_pages',
    'kvm_amd.avic',
    'kvm_amd.nested',
    'kvm_amd.npt',
    'kvm_intel.enable_apicv',
    'kvm_intel.ept',
    'kvm_intel.nested',
    'kvm_intel.unrestricted_guest',
    'kvm_intel.vpid',
    'vhost_net.experimental_zcopytx',
)


def read(tree: reader.Reader) -> None:
    """Take all that there is of KVM."""
    tree.take('modules', lambda: _modules(tree))
    tree.take('kvm_parameters', lambda: _parameters(tree))
    tree.take('kvm_device', lambda: access(tree, 'dev/kvm'))
    tree.take('vhost_net_device', lambda: access(tree, 'dev/vhost-net'))
    tree.take('iommus', lambda: _iommus(tree))
    tree.take('iommu_groups', lambda: _groups(tree))


def access(tree: reader.Reader, path: str) -> part.Access:
    """Return who may open it; NoData where it is not there."""
    try:
        found = (tree.root / path).stat()
    except PermissionError as why:
        raise exception.NoData(f'no permission: /{path}') from why
    except OSError as why:
        raise exception.NoData(f'no such file: /{path}') from why
    return part.Access(
        mode=stat.S_IMODE(found.st_mode), uid=found.st_uid, gid=found.st_gid
    )


def _modules(tree: reader.Reader) -> list[str]:
    loaded = set(tree.names('sys/module'))
    return [name for name in MODULES if name in loaded]


def _parameters(tree: reader.Reader) -> dict[str, str]:
    tree.names('sys/module')
    found = {}
    for name in PARAMETERS:
        module, _, parameter = name.partition('.')
        text = tree.maybe(f'sys/module/{module}/parameters/{parameter}')
        if text is not None:
            found[name] = text
    return found


def _iommus(tree: reader.Reader) -> list[str]:
    # A kernel without any has no such folder.
    tree.names('sys/class')
    has_any = tree.has('sys/class/iommu')
    return tree.names('sys/class/iommu') if has_any else []


def _groups(tree: reader.Reader) -> dict[str, int]:
    tree.names('sys/kernel')
    folder = 'sys/kernel/iommu_groups'
    names = tree.names(folder) if tree.has(folder) else []
    kinds = (tree.maybe(f'{folder}/{one}/type') or 'unknown' for one in names)
    return dict(collections.Counter(kinds))
