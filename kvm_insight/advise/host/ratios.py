# SPDX-License-Identifier: Apache-2.0
"""Nova's allocation ratios, as the host's own configuration has them.

On a host without Nova its defaults are the measure: no memory promised twice,
and four vCPUs a CPU.
"""

from kvm_insight.model import facts

#: Where nova.conf says nothing: Nova 34's defaults.
_DEFAULTS = {'cpu': '4.0', 'ram': '1.0'}
RESERVED = 'DEFAULT.reserved_host_memory_mb'
#: In MiB, where nova.conf says nothing.
_RESERVED = '512'


def cpu(host: facts.HostFacts) -> float | str:
    """Return how often a CPU may be promised; why, where nobody can tell."""
    return _ratio(host, 'cpu')


def memory(host: facts.HostFacts) -> float | str:
    """Return the same of memory."""
    return _ratio(host, 'ram')


def reserved_bytes(host: facts.HostFacts) -> int | str:
    """Return what Nova keeps back for the host; why, as above."""
    options = _options(host)
    if options is None:
        return _unread(host)
    word = options.get(RESERVED, _RESERVED)
    if not word.isdecimal():
        return f'nova.conf: {RESERVED}: {word!r} is no number'
    return int(word) << 20


def _ratio(host: facts.HostFacts, what: str) -> float | str:
    options = _options(host)
    if options is None:
        return _unread(host)
    name = f'{what}_allocation_ratio'
    word = options.get(f'DEFAULT.{name}')
    # 0.0 stands for the initial one, as in Nova itself.
    if word is None or word.strip('0.') == '':
        initial = f'DEFAULT.initial_{name}'
        word = options.get(initial, _DEFAULTS[what])
    try:
        ratio = float(word)
    except ValueError:
        return f'nova.conf: {name}: {word!r} is no number'
    # Written so that what is not a number at all is refused, too.
    if not 0 < ratio < 1e6:
        return f'nova.conf: {name}: {word!r} is no ratio'
    return ratio


def shown(host: facts.HostFacts, number: float) -> str:
    """Return a ratio as evidence, with where it comes from if not read."""
    has_nova = host.nova_options is not None
    return f'{number:g}' if has_nova else f'{number:g} (there is no Nova)'


def _options(host: facts.HostFacts) -> dict[str, str] | None:
    """Return what nova.conf says; None where it cannot be read."""
    why = host.unknown.get('nova_options', '')
    if host.nova_options is None and why.startswith('no such file'):
        return {}
    return host.nova_options


def _unread(host: facts.HostFacts) -> str:
    return f'nova_options: {host.unknown.get("nova_options", "not read")}'
