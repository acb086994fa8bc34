# SPDX-License-Identifier: Apache-2.0
"""Single values of foreign XML: attributes, numbers, sizes, CPU lists."""

from xml.etree import ElementTree

from kvm_insight.identify import text
from kvm_insight.model import cpulist

_UNITS = {
    'b': 1,
    'bytes': 1,
    'KB': 1000,
    'k': 1024,
    'KiB': 1024,
    'MB': 1000**2,
    'M': 1024**2,
    'MiB': 1024**2,
    'GB': 1000**3,
    'G': 1024**3,
    'GiB': 1024**3,
    'TB': 1000**4,
    'T': 1024**4,
    'TiB': 1024**4,
}
_MOST = 256


def attribute(element: ElementTree.Element | None, name: str) -> str | None:
    """Return an attribute's text; None where there is none."""
    return None if element is None else text.clean(element.get(name))


def number(element: ElementTree.Element | None, name: str) -> int | None:
    """Return an attribute's number; None where there is none."""
    return text.count(attribute(element, name))


def numbers(element: ElementTree.Element) -> dict[str, int]:
    """Return those of its attributes that are numbers."""
    found = ((name, text.count(word)) for name, word in element.items())
    return {name: count for name, count in found if count is not None}


def size(word: str | None, unit: str) -> int | None:
    """Return bytes; None for no number, or a unit that libvirt has not."""
    count = text.count(word)
    factor = _UNITS.get(unit)
    if count is None or factor is None:
        return None
    return text.count(str(count * factor))


def size_of(element: ElementTree.Element | None) -> int | None:
    """Return the bytes that an element says, in KiB where it says no unit."""
    if element is None:
        return None
    return size(element.text, element.get('unit', 'KiB'))


def cpus(word: str | None) -> str | None:
    """Return a CPU list in order, ``^`` taken away; None for what is none."""
    if not word:
        return None
    allowed: set[int] = set()
    denied: set[int] = set()
    try:
        for one in word.replace(' ', '').split(','):
            into = denied if one.startswith('^') else allowed
            into |= cpulist.parse(one.removeprefix('^'))
    except ValueError:
        return None
    return cpulist.render(allowed - denied)


def states(parent: ElementTree.Element) -> dict[str, str]:
    """Return child -> its ``state``; a child without one is ``on``."""
    found = {}
    for child in list(parent)[:_MOST]:
        words = (child.get('state'), child.get('mode'), child.get('policy'))
        known = text.clean(next(filter(None, words), None))
        found[child.tag[:1024]] = known or 'on'
    return found
