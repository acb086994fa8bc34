# SPDX-License-Identifier: Apache-2.0
"""Libvirt hosts: connections to the libvirtd's of plain hosts."""

import logging
from collections.abc import Callable

import libvirt

from kvm_insight import exception

LOG = logging.getLogger(__name__)

_KEEP_ALIVE_S = 5
_KEEP_ALIVE_TIMES = 3


class Hosts:
    """One connection to each host that was asked for; used by one thread."""

    def __init__(
        self, uri: str, start_events: Callable[[], object] | None
    ) -> None:
        """Connect to nobody yet; ConfigError for what cannot work.

        ``start_events`` lets libvirt notice that the other side is gone.
        """
        if uri.count('{host}') != 1 or '{' in uri.replace('{host}', ''):
            raise exception.ConfigError(
                f'[feed] actuator_uri = {uri}: must have {{host}} once,'
                ' such as qemu+tls://{host}/system'
            )
        self._uri = uri
        self._start_events = start_events
        self._ways: dict[str, libvirt.virConnect] = {}

    def uri(self, host: str) -> str:
        """Return the address of a host, whose name may have a region."""
        return self._uri.replace('{host}', host.rpartition('/')[2])

    def way(self, host: str) -> libvirt.virConnect:
        """Return the connection to a host; FeedError when it is away."""
        found = self._ways.get(host)
        try:
            if found is not None and found.isAlive():
                return found
        except libvirt.libvirtError as why:
            raise error(host, why) from why
        self._ways[host] = found = self.opened(host)
        return found

    def opened(self, host: str) -> libvirt.virConnect:
        """Return a connection for another thread, which lets go of it.

        Two threads on one are not safe: in libvirt's client one of them may
        never be woken for its answer (seen with 9.0.0 over TLS).
        """
        try:
            if self._start_events is not None:
                self._start_events()
            found = libvirt.open(self.uri(host))
            if self._start_events is not None:
                found.setKeepAlive(_KEEP_ALIVE_S, _KEEP_ALIVE_TIMES)
        except libvirt.libvirtError as why:
            raise error(host, why) from why
        return found

    def close(self) -> None:
        """Let go of all connections but those of other threads."""
        for one in self._ways.values():
            let_go(one)
        self._ways.clear()


def let_go(way: libvirt.virConnect) -> None:
    """Close a connection; never raises."""
    try:
        way.close()
    except libvirt.libvirtError as why:
        LOG.debug('closing: %s', why)


def error(host: str, why: libvirt.libvirtError) -> exception.FeedError:
    """Return what is raised where a host cannot be asked."""
    return exception.FeedError(f'libvirt on {host}: {words(why)}')


def words(why: libvirt.libvirtError) -> str:
    """Return what libvirt said, on one line."""
    return ' '.join(str(why).split())[:300]
