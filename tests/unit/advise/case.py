# SPDX-License-Identifier: Apache-2.0
"""Cases for checks: a tree or an XML, something changed, what must come.

A row's ``check`` is the id. Trees are those of ``tests/trees/configured``;
``files`` changes them by path: text, or None for a file that is not there.
A plain file cannot be a device with an owner and a mode, so that ``known``
sets fields afterwards; elsewhere it is for what no file can say.
"""

import dataclasses
import functools
import pathlib
import tempfile
from collections.abc import Mapping

import msgspec

from kvm_insight.advise import check
from kvm_insight.identify.facts import domain as domain_xml
from kvm_insight.identify.facts import host as host_xml
from kvm_insight.model import facts, part
from kvm_insight.observe.facts import assembly
from tests.unit.observe import planting

TREES = planting.TREES / 'configured'
NAMES = tuple(sorted(path.parent.name for path in TREES.glob('*/tree.txt')))
XML = pathlib.Path(__file__).with_name('xml')

GOOD = check.Good
BAD = check.Bad
CANNOT_TELL = check.CannotTell
NOT_CONCERNED = check.NotConcerned

#: /dev/kvm and /dev/vhost-net as udev makes them: root and the group kvm.
DEVICES = {
    'kvm_device': part.Access(mode=0o660, uid=0, gid=106),
    'vhost_net_device': part.Access(mode=0o660, uid=0, gid=106),
}
_WITHOUT_KVM = ('tcg',)

Outcome = type[check.Outcome]


@dataclasses.dataclass(frozen=True, slots=True)
class HostRow:
    """One question to one host."""

    check: str
    outcome: Outcome
    tree: str = 'intel'
    files: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    #: Old text -> new text in the capabilities; None is: no libvirt at all.
    capabilities: Mapping[str, str] | None = dataclasses.field(
        default_factory=dict
    )
    known: Mapping[str, object] = dataclasses.field(default_factory=dict)
    #: XML of the domains on it, as DomainRow has them: (file, changes).
    domains: tuple[tuple[str, Mapping[str, str]], ...] = ()
    #: Words that the answer must have.
    says: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class DomainRow:
    """One question to one domain on a host."""

    check: str
    outcome: Outcome
    xml: str = 'nova'
    #: Old text -> new text; the old one must be there.
    changes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    known: Mapping[str, object] = dataclasses.field(default_factory=dict)
    host: HostRow = HostRow('', GOOD)
    #: The others on the host.
    others: tuple[tuple[str, Mapping[str, str]], ...] = ()
    #: Other hosts, as trees.
    peers: tuple[str, ...] = ()
    use: facts.Use | None = None
    says: str = ''


def host_case(row: HostRow) -> check.HostCase:
    """Return what the row's check is asked with."""
    return check.HostCase(host(row), tuple(map(_domain, row.domains)))


def domain_case(row: DomainRow) -> check.DomainCase:
    """Return what the row's check is asked with."""
    one = msgspec.structs.replace(_domain((row.xml, row.changes)), **row.known)
    return check.DomainCase(
        domain=one,
        host=host(row.host),
        domains=(one, *map(_domain, row.others)),
        peers=tuple(host(HostRow('', GOOD, tree)) for tree in row.peers),
        use=row.use,
    )


def host(row: HostRow) -> facts.HostFacts:
    """Return the facts that are read of the row's tree."""
    files = tuple(sorted(row.files.items()))
    if row.capabilities is None:
        told = host_xml.absent('libvirt is not there')
    else:
        text = (TREES / row.tree / 'capabilities.xml').read_text()
        told = host_xml.parse(
            replaced(text, row.capabilities), 10_000_000, 11_003_000
        )
    found = _read(row.tree, files, told.qemu_uid)
    own = {
        name: getattr(found, name)
        for name in found.__struct_fields__
        if name not in host_xml.FIELDS
    }
    whole = msgspec.structs.replace(
        told, **{**own, 'unknown': {**told.unknown, **found.unknown}}
    )
    devices = {} if row.tree in _WITHOUT_KVM else DEVICES
    return msgspec.structs.replace(whole, **{**devices, **row.known})


@functools.lru_cache(maxsize=256)
def _read(
    tree: str, files: tuple[tuple[str, str | None], ...], uid: int | None
) -> facts.HostFacts:
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        planting.unpack(f'configured/{tree}', root)
        for name, text in files:
            path = root / name.removeprefix('/')
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f'{text}\n')
        return assembly.read(root, facts.HostFacts(qemu_uid=uid))


def _domain(one: tuple[str, Mapping[str, str]]) -> facts.DomainFacts:
    name, changes = one
    text = replaced((XML / f'{name}.xml').read_text(), changes)
    uuid = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
    return domain_xml.parse_alone(text) or domain_xml.parse(uuid, name, text)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return the text with each old part exchanged, wherever it stands."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text
