# SPDX-License-Identifier: Apache-2.0
"""The processor: what it can, how fast it may run, what it must avoid."""

import collections
import functools
import re
from collections.abc import Callable

from kvm_insight import exception
from kvm_insight.model import cpulist, part
from kvm_insight.observe.facts import reader

_CPUS = 'sys/devices/system/cpu'
_CLOCK = 'sys/devices/system/clocksource/clocksource0'
_CPU = re.compile(r'cpu\d+')
_SIBLINGS = 'thread_siblings_list'
_STATE = re.compile(r'state(\d+)')


def read(tree: reader.Reader) -> None:
    """Take all that there is of the processor."""
    _read_info(tree)
    tree.take('cpus_online', lambda: tree.word(f'{_CPUS}/online'))
    tree.take('cpus_isolated', lambda: tree.word(f'{_CPUS}/isolated'))
    tree.take('smt_control', lambda: tree.word(f'{_CPUS}/smt/control'))
    tree.take('smt_active', lambda: tree.flag(f'{_CPUS}/smt/active'))
    tree.take('cores', lambda: _cores(tree))
    tree.take('vulnerabilities', lambda: _vulnerabilities(tree))
    for field, name in (
        ('frequency_governors', 'scaling_governor'),
        ('frequency_drivers', 'scaling_driver'),
        ('energy_preferences', 'energy_performance_preference'),
    ):
        _take_counts(tree, field, name)
    tree.take('turbo', lambda: _turbo(tree))
    tree.take(
        'idle_driver', lambda: tree.word(f'{_CPUS}/cpuidle/current_driver')
    )
    tree.take('idle_governor', lambda: _idle_governor(tree))
    tree.take('idle_states', lambda: _idle_states(tree))
    tree.take(
        'clocksource', lambda: tree.word(f'{_CLOCK}/current_clocksource')
    )
    tree.take(
        'clocksources',
        lambda: tree.text(f'{_CLOCK}/available_clocksource').split(),
    )


def _cores(tree: reader.Reader) -> list[str]:
    """Return the CPUs of each core that has more than one."""
    if not tree.flag(f'{_CPUS}/smt/active'):
        return []
    folders = [x for x in tree.names(_CPUS) if _CPU.fullmatch(x)]
    found = {
        # A CPU that is offline has no topology.
        cpulist.parse(text)
        for name in folders
        for text in [tree.maybe(f'{_CPUS}/{name}/topology/{_SIBLINGS}')]
        if text
    }
    if not found:
        where = f'/{_CPUS}/cpu*/topology/{_SIBLINGS}'
        raise exception.NoData(f'no such file: {where}')
    several = sorted(sorted(cpus) for cpus in found if len(cpus) > 1)
    return [cpulist.render(cpus) for cpus in several]


def parse_info(text: str) -> dict[str, str]:
    """Return what ``cpuinfo`` says of the first CPU."""
    found: dict[str, str] = {}
    first, _, _ = text.strip().partition('\n\n')
    for line in first.splitlines():
        name, colon, value = line.partition(':')
        if colon:
            found[name.strip()] = value.strip()
    return found


def _read_info(tree: reader.Reader) -> None:
    # Once: the kernel asks each CPU for its clock to write this file.
    @functools.cache
    def info() -> dict[str, str]:
        return parse_info(tree.text('proc/cpuinfo'))

    def one(*names: str) -> str:
        found = info()
        for name in names:
            if found.get(name):
                return found[name][:1024]
        raise exception.NoData(f'/proc/cpuinfo has no {names[0]}')

    tree.take('architecture', lambda: _architecture(tree, info))
    tree.take('cpu_vendor', lambda: one('vendor_id', 'CPU implementer'))
    tree.take('cpu_model', lambda: one('model name', 'CPU part'))
    tree.take('microcode', lambda: one('microcode'))
    tree.take('cpu_flags', lambda: _flags(info()))


def _architecture(
    tree: reader.Reader, info: Callable[[], dict[str, str]]
) -> str:
    told = tree.maybe('proc/sys/kernel/arch')
    if told:
        return told
    # Before Linux 6.1 no file says it, but the form of this one does.
    found = info()
    if 'CPU implementer' in found:
        return 'aarch64'
    if 'lm' in found.get('flags', '').split():
        return 'x86_64'
    raise exception.NoData('/proc/cpuinfo has a form that is not known')


def _flags(info: dict[str, str]) -> list[str]:
    names = ('flags', 'vmx flags', 'Features')
    if not any(name in info for name in names):
        raise exception.NoData('/proc/cpuinfo has no flags')
    words = [word for name in names for word in info.get(name, '').split()]
    return sorted(set(words))


def _vulnerabilities(tree: reader.Reader) -> dict[str, str]:
    folder = f'{_CPUS}/vulnerabilities'
    found = {n: tree.maybe(f'{folder}/{n}') for n in tree.names(folder)}
    return {name: text for name, text in found.items() if text}


def _take_counts(tree: reader.Reader, field: str, name: str) -> None:
    def count() -> dict[str, int]:
        paths = (
            f'{_CPUS}/{cpu}/cpufreq/{name}'
            for cpu in tree.names(_CPUS)
            if _CPU.fullmatch(cpu)
        )
        found = collections.Counter(filter(None, map(tree.maybe, paths)))
        if not found:
            raise exception.NoData(
                f'no such file: /{_CPUS}/cpu*/cpufreq/{name}'
            )
        return dict(found)

    tree.take(field, count)


def _turbo(tree: reader.Reader) -> bool:
    off = f'{_CPUS}/intel_pstate/no_turbo'
    if tree.has(off):
        return not tree.flag(off)
    return tree.flag(f'{_CPUS}/cpufreq/boost')


def _idle_governor(tree: reader.Reader) -> str:
    writable = tree.maybe(f'{_CPUS}/cpuidle/current_governor')
    return writable or tree.word(f'{_CPUS}/cpuidle/current_governor_ro')


def _idle_states(tree: reader.Reader) -> list[part.IdleState]:
    folder = f'{_CPUS}/cpu0/cpuidle'
    numbers = sorted(
        int(found[1])
        for found in map(_STATE.fullmatch, tree.names(folder))
        if found
    )
    return [
        part.IdleState(
            name=tree.word(f'{folder}/state{n}/name'),
            latency_us=tree.maybe_number(f'{folder}/state{n}/latency'),
            disabled=tree.maybe(f'{folder}/state{n}/disable') == '1',
        )
        for n in numbers
    ]
