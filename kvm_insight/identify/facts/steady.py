# SPDX-License-Identifier: Apache-2.0
"""Facts without what moves by itself: whether something was changed.

Free memory, counters and who takes an interrupt now are told with the rest;
that they moved is no reason to tell anything.
"""

import msgspec

from kvm_insight.model import facts

_HOST = (
    'uptime_us',
    'memory_available_bytes',
    'free_bytes',
    'free_in_blocks_bytes',
    'hugepages_reserved',
    'ksm_pages_shared',
    'ksm_pages_sharing',
    'ksm_cpu_us',
    'swap_free_bytes',
    'swap_in_pages',
    'swap_out_pages',
)
_DOMAIN = ('current_memory_bytes', 'node_bytes')
_NOTHING = dict.fromkeys(_HOST)
_NO_MEMORY = dict.fromkeys(_DOMAIN)


def host(one: facts.HostFacts) -> facts.HostFacts:
    """Return what of a host's facts stays until somebody changes it."""
    replaced = msgspec.structs.replace
    return replaced(
        one,
        **_NOTHING,
        unknown=_known(one.unknown, _HOST),
        nodes=one.nodes and [replaced(x, free_bytes=None) for x in one.nodes],
        hugepages=one.hugepages
        and [replaced(x, free=0, surplus=None) for x in one.hugepages],
        # irqbalance moves them.
        nics=one.nics and [replaced(x, irq_cpus=None) for x in one.nics],
    )


def domain(one: facts.DomainFacts) -> facts.DomainFacts:
    """Return the same of a domain's."""
    return msgspec.structs.replace(
        one, **_NO_MEMORY, unknown=_known(one.unknown, _DOMAIN)
    )


def _known(unknown: dict[str, str], moving: tuple[str, ...]) -> dict[str, str]:
    return {name: why for name, why in unknown.items() if name not in moving}
