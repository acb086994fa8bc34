# SPDX-License-Identifier: Apache-2.0
"""What is inside a domain, as far as its XML says."""

import re

from kvm_insight.advise import check
from kvm_insight.model import facts

#: Those of Microsoft's server editions in libosinfo: win/2k22, win/2k3r2.
_SERVER = re.compile(r'microsoft\.com/(win/2k\d+|.*server)')
_X86 = ('x86_64', 'i686')


def is_x86(domain: facts.DomainFacts) -> bool | None:
    """Say whether it is one; None where no architecture is said."""
    if domain.architecture is None:
        return None
    return domain.architecture in _X86


def is_windows(domain: facts.DomainFacts) -> bool | None:
    """Say whether Windows is in it; None where nothing says what is."""
    if domain.system is not None:
        return 'microsoft.com' in domain.system
    words = _image_words(domain)
    if words:
        return any(one.lower().startswith('win') for one in words.values())
    # Enlightenments are for nothing else.
    return True if domain.hyperv else None


def is_server(domain: facts.DomainFacts) -> bool | None:
    """Say whether it is a server edition of Windows; None: not said."""
    if domain.system is None:
        return None
    return bool(_SERVER.search(domain.system))


def told(domain: facts.DomainFacts) -> check.Evidence:
    """Return by what it is known which system is in it."""
    if domain.system is not None:
        return (('metadata//libosinfo:os/@id', domain.system),)
    words = tuple(
        (f"metadata//nova:property[@name='{name}']", word)
        for name, word in _image_words(domain).items()
    )
    if words or not domain.hyperv:
        return words
    return (('features/hyperv', ', '.join(sorted(domain.hyperv))),)


def _image_words(domain: facts.DomainFacts) -> dict[str, str]:
    properties = domain.image_properties or {}
    return {
        name: properties[name]
        for name in ('os_type', 'os_distro')
        if properties.get(name)
    }
