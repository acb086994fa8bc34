# SPDX-License-Identifier: Apache-2.0
r"""Where a domain's cgroups are: v1, v2 or both, with or without systemd.

libvirt makes, with systemd, ``machine.slice/machine-qemu\x2d1\x2dNAME.scope``
and in it ``libvirt/{emulator,vcpuN,iothreadN}`` (older: without ``libvirt``);
without systemd ``machine/qemu-1-NAME.libvirt-qemu/{emulator,…}``. What the
kernel says of the process's own group is followed; no path is guessed.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Mapping

from kvm_insight.observe import file

_LEAF = re.compile(r'/(?:emulator|vcpu\d+|iothread\d+)$')
_DOMAIN = re.compile(
    r'/(?:machine-qemu[^/]*\.scope|[^/]+\.libvirt-(?:qemu|kvm))$'
)


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """Where the hierarchies are mounted."""

    #: cgroup v2, if it is mounted, also beside v1.
    unified: pathlib.Path | None
    #: v1 controller -> mount point.
    controllers: Mapping[str, pathlib.Path]

    @property
    def version(self) -> str:
        """Return ``v2``, ``v1``, ``hybrid`` or ``none``."""
        if self.unified is None:
            return 'v1' if self.controllers else 'none'
        return 'hybrid' if self.controllers else 'v2'


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """One group's folder, and the file format that it has."""

    path: pathlib.Path
    v2: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Groups:
    """A domain's own groups.

    ``outer`` is the whole domain (systemd's scope); ``inner`` is libvirt's
    group in it, where it writes quotas, often the same.
    """

    layout: Layout
    outer: Mapping[str, str]
    inner: Mapping[str, str]

    def find(self, controller: str, *, inner: bool = False) -> Group | None:
        """Return the group that this controller counts in."""
        paths = self.inner if inner else self.outer
        mount = self.layout.controllers.get(controller)
        if mount is not None and controller in paths:
            return _group(mount, paths[controller], v2=False)
        return None if mount is not None else self.unified(inner=inner)

    def unified(self, *, inner: bool = False) -> Group | None:
        """Return the group in the v2 hierarchy, which has the pressure."""
        path = (self.inner if inner else self.outer).get('')
        if self.layout.unified is None or path is None:
            return None
        return _group(self.layout.unified, path, v2=True)

    def vcpu(self, controller: str, index: int) -> Group | None:
        """Return a vCPU's own group; it need not exist."""
        group = self.find(controller, inner=True)
        if group is None:
            return None
        return _group(group.path, f'vcpu{index}', v2=group.v2)


@functools.lru_cache(maxsize=8192)
def _group(mount: pathlib.Path, path: str, *, v2: bool) -> Group:
    """Return the group; joining paths anew would cost more than reading."""
    return Group(mount / path, v2)


@functools.lru_cache(maxsize=8)
def read_layout(root: pathlib.Path) -> Layout:
    """Return what is mounted under ``/sys/fs/cgroup``; kept per root."""
    if (root / 'cgroup.controllers').exists():
        return Layout(root, {})
    unified = None
    controllers: dict[str, pathlib.Path] = {}
    for name in sorted(file.names(root)):
        path = root / name
        if (path / 'cgroup.controllers').exists():
            unified = path
        elif (path / 'cgroup.procs').exists():
            for controller in name.split(','):
                controllers[controller] = path
    return Layout(unified, controllers)


def parse(text: str) -> dict[str, str]:
    """Return controller -> path of a ``/proc/<pid>/cgroup``; v2 is ``''``.

    Paths are without the leading slash; those outside of our own cgroup
    namespace (``/../…``) cannot be reached and are left out.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        _, _, rest = line.partition(':')
        controllers, _, path = rest.partition(':')
        if not path.startswith('/') or path.startswith('/..'):
            continue
        for controller in controllers.split(','):
            found[controller.removeprefix('name=')] = path
    return {name: path.lstrip('/') for name, path in found.items()}


def domain_paths(path: str) -> tuple[str, str] | None:
    """Return the domain's outer and inner path; None in nobody's own group.

    A QEMU process that lives in another's group (a session, the root) has
    no figures of its own there, and must not get the others'.
    """
    inner = _LEAF.sub('', '/' + path)
    outer = inner.removesuffix('/libvirt')
    if not _DOMAIN.search(outer):
        return None
    return outer.lstrip('/'), inner.lstrip('/')


@functools.lru_cache(maxsize=2048)
def _groups(root: pathlib.Path, text: str) -> Groups:
    """Return the groups; a domain says the same at each survey."""
    return groups(read_layout(root), text)


def groups(layout: Layout, text: str) -> Groups:
    """Return the domain's groups from its ``/proc/<pid>/cgroup``."""
    outer: dict[str, str] = {}
    inner: dict[str, str] = {}
    for controller, path in parse(text).items():
        found = domain_paths(path)
        if found is not None:
            outer[controller], inner[controller] = found
    return Groups(layout, outer, inner)


def read_groups(
    proc: pathlib.Path,
    root: pathlib.Path,
    pid: int,
    reader: file.Read = file.read,
) -> Groups | None:
    """Return the domain's groups, or None if the process is gone."""
    text = reader(f'{proc}/{pid}/cgroup')
    return None if text is None else _groups(root, text)
