# SPDX-License-Identifier: Apache-2.0
"""What libvirt's CPU models have of the features that checks ask for.

Facts from libvirt's ``src/cpu_map/x86_*.xml`` (9.0; SapphireRapids and
EPYC-Genoa of 10), in libvirt's names. A model that is not here is unknown,
not poor. ``tests/unit/advise/test_cpu_model.py`` compares with the files of
an installed libvirt.
"""

from collections.abc import Iterable

from kvm_insight.model import facts

SAME_AS_HOST = ('host-passthrough', 'maximum', 'host-model')
#: Policies of a feature.
THERE = ('require', 'force')
_GONE = ('disable', 'forbid')
#: libvirt's name -> the kernel's, of features that make programs fast.
FAST = {
    'sse4.2': 'sse4_2',
    'popcnt': 'popcnt',
    'aes': 'aes',
    'pclmuldq': 'pclmulqdq',
    'avx': 'avx',
    'avx2': 'avx2',
    'fma': 'fma',
    'bmi2': 'bmi2',
    'avx512f': 'avx512f',
    'erms': 'erms',
    'pcid': 'pcid',
    'invpcid': 'invpcid',
    'pdpe1gb': 'pdpe1gb',
}
#: The same of those by which a guest's kernel holds attacks off.
SAFE = {
    'spec-ctrl': 'ibrs',
    'ssbd': 'ssbd',
    'ibpb': 'ibpb',
    'amd-ssbd': 'ssbd',
}
#: Models that are there to start anywhere, with next to nothing in them.
BASIC = frozenset(
    (
        '486',
        'athlon',
        'core2duo',
        'coreduo',
        'cpu64-rhel5',
        'cpu64-rhel6',
        'kvm32',
        'kvm64',
        'n270',
        'pentium',
        'pentium2',
        'pentium3',
        'pentiumpro',
        'phenom',
        'qemu32',
        'qemu64',
    )
)

_NEHALEM = frozenset(('sse4.2', 'popcnt'))
_WESTMERE = _NEHALEM | {'aes'}
_SANDY = _WESTMERE | {'pclmuldq', 'avx'}
_IVY = _SANDY | {'erms'}
_HASWELL = _IVY | {'avx2', 'fma', 'bmi2', 'pcid', 'invpcid'}
_SKYLAKE = _HASWELL | {'avx512f', 'pdpe1gb'}
_CASCADE = _SKYLAKE | {'spec-ctrl', 'ssbd'}
_SPEC = frozenset(('spec-ctrl',))
_BULLDOZER = _SANDY | {'pdpe1gb'}
_EPYC = _BULLDOZER | {'avx2', 'fma', 'bmi2'}
_MILAN = _EPYC | {'erms', 'pcid', 'invpcid', 'ibpb', 'amd-ssbd'}

MODELS: dict[str, frozenset[str]] = {
    **dict.fromkeys(BASIC, frozenset()),
    'Conroe': frozenset(),
    'Penryn': frozenset(),
    'Nehalem': _NEHALEM,
    'Nehalem-IBRS': _NEHALEM | _SPEC,
    'Westmere': _WESTMERE,
    'Westmere-IBRS': _WESTMERE | _SPEC,
    'SandyBridge': _SANDY,
    'SandyBridge-IBRS': _SANDY | _SPEC,
    'IvyBridge': _IVY,
    'IvyBridge-IBRS': _IVY | _SPEC,
    'Haswell': _HASWELL,
    'Haswell-noTSX': _HASWELL,
    'Haswell-IBRS': _HASWELL | _SPEC,
    'Haswell-noTSX-IBRS': _HASWELL | _SPEC,
    'Broadwell': _HASWELL,
    'Broadwell-noTSX': _HASWELL,
    'Broadwell-IBRS': _HASWELL | _SPEC,
    'Broadwell-noTSX-IBRS': _HASWELL | _SPEC,
    'Skylake-Client': _HASWELL,
    'Skylake-Client-IBRS': _HASWELL | _SPEC,
    'Skylake-Client-noTSX-IBRS': _HASWELL | _SPEC,
    'Skylake-Server': _SKYLAKE,
    'Skylake-Server-IBRS': _SKYLAKE | _SPEC,
    'Skylake-Server-noTSX-IBRS': _SKYLAKE | _SPEC,
    'Cascadelake-Server': _CASCADE,
    'Cascadelake-Server-noTSX': _CASCADE,
    'Cooperlake': _CASCADE,
    'Icelake-Client': _HASWELL | _SPEC | {'ssbd'},
    'Icelake-Client-noTSX': _HASWELL | _SPEC | {'ssbd'},
    'Icelake-Server': _CASCADE,
    'Icelake-Server-noTSX': _CASCADE,
    'SapphireRapids': _CASCADE,
    'Snowridge': _WESTMERE
    | {'pclmuldq', 'erms', 'pdpe1gb', 'spec-ctrl', 'ssbd'},
    'Opteron_G1': frozenset(),
    'Opteron_G2': frozenset(),
    'Opteron_G3': frozenset(('popcnt',)),
    'Opteron_G4': _BULLDOZER,
    'Opteron_G5': _BULLDOZER | {'fma'},
    'Dhyana': (_EPYC | {'ibpb'}) - {'aes', 'pclmuldq'},
    'EPYC': _EPYC,
    'EPYC-IBPB': _EPYC | {'ibpb'},
    'EPYC-Rome': _EPYC | {'ibpb'},
    'EPYC-Milan': _MILAN,
    'EPYC-Genoa': _MILAN | {'avx512f'},
}


def features(domain: facts.DomainFacts) -> frozenset[str] | str | None:
    """Return what the guest has of the features that are known here.

    None is all that the host has but ``denied``; a text says why unknown.
    """
    if domain.cpu_model is None and domain.cpu_mode in SAME_AS_HOST:
        return None
    # More than the model: whatever the host has.
    if domain.cpu_match == 'minimum':
        return None
    model = domain.cpu_model or 'qemu64'
    if model not in MODELS:
        return f'cpu/model: what {model} has is not known here'
    has = {x for x, y in domain.cpu_features.items() if y in THERE}
    return (MODELS[model] | has) - denied(domain)


def denied(domain: facts.DomainFacts) -> frozenset[str]:
    """Return what is taken away from its model, or from the host's."""
    return frozenset(x for x, y in domain.cpu_features.items() if y in _GONE)


def words(names: Iterable[str]) -> str:
    """Return names in order, as evidence has them."""
    return ', '.join(sorted(names)) or 'none'


def policies(given: dict[str, str]) -> str:
    """Return what ``cpu/feature`` says, as evidence has it."""
    return words(f'{policy} {name}' for name, policy in given.items())
