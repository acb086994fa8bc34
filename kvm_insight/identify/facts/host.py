# SPDX-License-Identifier: Apache-2.0
"""What libvirt's capabilities say of the host."""

import re
from xml.etree import ElementTree

import msgspec

from kvm_insight import exception
from kvm_insight.identify import text, tree
from kvm_insight.model import facts

#: What of the facts libvirt alone can tell.
FIELDS = (
    'domain_kinds',
    'host_model',
    'host_model_features',
    'libvirt_version',
    'machine_types',
    'qemu_gid',
    'qemu_uid',
    'qemu_version',
)
_MOST = 1024
#: As ``107:107``, or ``+107:+107``; a name would be nobody's number.
_LABEL = re.compile(r'\+?(\d+):\+?(\d+)')


def absent(why: str) -> facts.HostFacts:
    """Return facts of which nothing is known, for want of libvirt."""
    return facts.HostFacts(unknown=dict.fromkeys(FIELDS, why[:1024]))


def parse(
    capabilities: str,
    qemu_version: int | None = None,
    libvirt_version: int | None = None,
) -> facts.HostFacts:
    """Return what they say; what is unreadable is unknown, no error."""
    try:
        root = tree.parse(capabilities)
    except exception.CollectorError as why:
        return absent(f'not understood: capabilities: {why}')
    arch = text.clean(root.findtext('host/cpu/arch'))
    guest = None if arch is None else _guest(root, arch)
    uid, gid = _user(root)
    cpu = root.find('host/cpu')
    found = {
        'qemu_version': qemu_version,
        'libvirt_version': libvirt_version,
        'domain_kinds': None if guest is None else _kinds(guest),
        'machine_types': None if guest is None else _machines(guest),
        'host_model': text.clean(root.findtext('host/cpu/model')),
        'host_model_features': None if cpu is None else _features(cpu),
        'qemu_uid': uid,
        'qemu_gid': gid,
    }
    unknown = {
        name: 'libvirt does not tell it'
        for name, value in found.items()
        if value is None
    }
    return facts.HostFacts(unknown=unknown, **found)  # type: ignore[arg-type]


def versioned(
    one: facts.HostFacts,
    qemu_version: int | None,
    libvirt_version: int | None,
) -> facts.HostFacts:
    """Return it with versions, which capabilities do not have."""
    versions = {
        'qemu_version': qemu_version,
        'libvirt_version': libvirt_version,
    }
    known = {name: x for name, x in versions.items() if x is not None}
    unknown = {x: why for x, why in one.unknown.items() if x not in known}
    return msgspec.structs.replace(one, unknown=unknown, **known)


def _guest(
    root: ElementTree.Element, arch: str
) -> list[ElementTree.Element] | None:
    """Return what guests of this architecture can be; None where none."""
    found = [x for x in root.iterfind('guest/arch') if x.get('name') == arch]
    return found or None


def _kinds(guest: list[ElementTree.Element]) -> list[str]:
    names = {x.get('type', '') for one in guest for x in one.iter('domain')}
    return sorted(filter(None, (text.clean(name) for name in names)))


def _machines(guest: list[ElementTree.Element]) -> list[str]:
    names = {
        text.clean(each.get('canonical') or each.text)
        for one in guest
        for each in one.iter('machine')
    }
    return sorted(filter(None, names))[:_MOST]


def _features(cpu: ElementTree.Element) -> list[str]:
    names = (text.clean(x.get('name')) for x in cpu.iterfind('feature'))
    return sorted(filter(None, names))[:_MOST]


def _user(root: ElementTree.Element) -> tuple[int | None, int | None]:
    for model in root.iterfind('host/secmodel'):
        if text.clean(model.findtext('model')) != 'dac':
            continue
        label = model.find("baselabel[@type='kvm']")
        found = _LABEL.fullmatch('' if label is None else label.text or '')
        if found:
            return text.count(found[1]), text.count(found[2])
    return None, None
