# SPDX-License-Identifier: Apache-2.0
"""Request: what an instance asks of its host, from flavor and image.

As Nova reads them: extra specs ``trait:*``, ``hw:*``,
``aggregate_instance_extra_specs:*`` and those without a scope, image
properties likewise. What we cannot judge is named, and whoever asks for it is
not moved.
"""

import dataclasses
import re

from kvm_insight.model import cluster

#: Extra specs whose fulfilment depends on what no cluster tells.
_BEYOND = (
    ('capabilities:', 'host capabilities (ComputeCapabilitiesFilter)'),
    ('accel:', 'accelerators'),
    ('hw:mem_encryption', 'encrypted memory'),
    ('hw_mem_encryption', 'encrypted memory'),
    ('hw:tpm', 'an emulated TPM'),
    ('hw_tpm', 'an emulated TPM'),
    ('hw:pmem', 'persistent memory'),
    ('hw:maxphysaddr', 'physical address bits'),
    ('hw_maxphysaddr', 'physical address bits'),
    ('hw:emulator_threads_policy', 'CPUs for emulator threads'),
    ('hw_emulator_threads_policy', 'CPUs for emulator threads'),
    ('hw:cpu_dedicated_mask', 'mixed CPUs'),
)
#: Groups of resources on providers below the root (``resources1:VGPU``).
_GRANULAR = re.compile(r'^(resources|trait|in_tree|member_of)[^:]+:|^group_')
_SCOPE = 'aggregate_instance_extra_specs'
_SMALL_KIB = 4
_SIZES = {'small': _SMALL_KIB, 'KB': 1, 'MB': 1024, 'GB': 1024 * 1024}


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What one flavor and image ask for."""

    required: frozenset[str]
    forbidden: frozenset[str]
    #: Key -> demand on the metadata of the host's aggregates.
    aggregate_specs: tuple[tuple[str, str], ...]
    image: tuple[tuple[str, str], ...]
    #: Pinned vCPUs; otherwise they float.
    dedicated: bool
    #: Of its pages; None where any will do.
    page_kib: int | None
    #: Whether it has a NUMA topology at all.
    numa: bool
    #: What cannot be judged, in words.
    beyond: tuple[str, ...]


def parse(one: cluster.Instance) -> Request:
    """Return what an instance asks for."""
    specs = dict(one.flavor.extra_specs) if one.flavor is not None else {}
    wanted = {**_traits(specs), **_traits(one.image)}
    policy = _both(specs, one.image, 'cpu_policy')
    pages = _both(specs, one.image, 'mem_page_size')
    return Request(
        required=frozenset(k for k, v in wanted.items() if v == 'required'),
        forbidden=frozenset(k for k, v in wanted.items() if v == 'forbidden'),
        aggregate_specs=tuple(_aggregate_specs(specs)),
        image=tuple(sorted(one.image.items())),
        dedicated=policy == 'dedicated',
        page_kib=_page_kib(pages),
        numa=_has_numa(one, policy, pages, specs),
        beyond=tuple(_beyond(specs, one.image, policy, pages)),
    )


def _traits(specs: dict[str, str]) -> dict[str, str]:
    return {
        key.partition(':')[2]: value
        for key, value in specs.items()
        if key.startswith('trait:')
    }


def _both(
    specs: dict[str, str], image: dict[str, str], name: str
) -> str | None:
    """Return a property of flavor or image; the flavor's goes first."""
    return specs.get(f'hw:{name}') or image.get(f'hw_{name}')


def _aggregate_specs(specs: dict[str, str]) -> list[tuple[str, str]]:
    found = []
    for key, value in sorted(specs.items()):
        scope, colon, rest = key.partition(':')
        if not colon:
            found.append((key, value))
        elif scope == _SCOPE:
            found.append((rest, value))
    return found


def _page_kib(pages: str | None) -> int | None:
    """Return the page size that was asked for; 0 is one we cannot read."""
    if pages is None or pages == 'any':
        return None
    if pages in _SIZES:
        return _SIZES[pages]
    digits = pages.rstrip('KMGBkib')
    unit = pages[len(digits) :].upper().replace('I', '')
    if not digits.isdigit() or unit not in ('', 'KB', 'MB', 'GB'):
        return 0
    return int(digits) * _SIZES.get(unit, 1)


def _has_numa(
    one: cluster.Instance,
    policy: str | None,
    pages: str | None,
    specs: dict[str, str],
) -> bool:
    return bool(
        one.numa
        or policy in ('dedicated', 'mixed')
        or pages is not None
        or _both(specs, one.image, 'numa_nodes')
    )


def _beyond(
    specs: dict[str, str],
    image: dict[str, str],
    policy: str | None,
    pages: str | None,
) -> list[str]:
    found = []
    for key in [*specs, *image]:
        if _GRANULAR.match(key):
            found.append(f'a group of resources of its own ({key})')
        found += [words for start, words in _BEYOND if key.startswith(start)]
    if policy == 'mixed':
        found.append('mixed CPUs')
    threads = _both(specs, image, 'cpu_thread_policy')
    if threads in ('isolate', 'require'):
        found.append(f'hardware threads by policy {threads}')
    affinity = _both(specs, image, 'pci_numa_affinity_policy')
    if affinity not in (None, 'legacy'):
        found.append(f'PCI devices by affinity policy {affinity}')
    if pages in ('large', 'any') or _page_kib(pages) == 0:
        found.append(f'pages of size {pages}')
    return found
