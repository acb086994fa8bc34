# SPDX-License-Identifier: Apache-2.0
"""libvirt asked once: the host, and each domain's XML; nothing is changed."""

import dataclasses
import importlib.util
import threading
from collections.abc import Iterator
from typing import Any

from kvm_insight.observe import machine


@dataclasses.dataclass(frozen=True, slots=True)
class Described:
    """One running domain."""

    uuid: str
    name: str
    #: None where libvirt refused, for ``why``.
    xml: str | None = None
    why: str = ''


@dataclasses.dataclass(frozen=True, slots=True)
class Survey:
    """What libvirt said; nothing, with the reason, where it said nothing."""

    told: machine.Machine | None = None
    domains: tuple[Described, ...] = ()
    why: str = ''


def ask(uri: str, timeout_s: float) -> Survey:
    """Return what libvirt says through its read-only socket.

    Never raises, and never waits for longer than that: without libvirt, or
    with one that hangs, the survey says why it is empty.
    """
    if importlib.util.find_spec('libvirt') is None:
        return Survey(why='libvirt-python is not installed')
    found: list[Survey] = []
    # A call that hangs cannot be taken back; the thread is left behind.
    thread = threading.Thread(
        target=lambda: found.append(_ask(uri)), daemon=True
    )
    thread.start()
    thread.join(timeout_s)
    if not found:
        return Survey(why=f'libvirt has not answered for {timeout_s:g} s')
    return found[0]


def _ask(uri: str) -> Survey:
    import libvirt

    # It would otherwise write each error to standard error, too.
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        link = libvirt.openReadOnly(uri)
    except libvirt.libvirtError as why:
        return Survey(why=f'libvirt: {_words(why)}')
    try:
        active = libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
        return Survey(
            machine.ask(link), tuple(_described(link.listAllDomains(active)))
        )
    except libvirt.libvirtError as why:
        return Survey(why=f'libvirt: {_words(why)}')
    finally:
        link.close()


def _described(domains: list[Any]) -> Iterator[Described]:
    import libvirt

    for one in domains:
        uuid, name = str(one.UUIDString()), str(one.name())
        try:
            yield Described(uuid, name, str(one.XMLDesc()))
        except libvirt.libvirtError as why:
            if why.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                yield Described(uuid, name, why=f'libvirt: {_words(why)}')


def _words(why: Exception) -> str:
    return str(why).strip() or 'unknown error'
