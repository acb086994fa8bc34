# SPDX-License-Identifier: Apache-2.0
"""The connection over which dirty rates are calculated: it may write."""

import contextlib
import time

import libvirt

from kvm_insight import exception
from kvm_insight.observe import bulk, connection, eventloop

#: QEMU looks twice, so far apart.
CALCULATE_S = 1
_PATIENCE_S = 5.0
_LOOK_S = 0.25
_MEASURED = getattr(libvirt, 'VIR_DOMAIN_DIRTYRATE_MEASURED', 2)


class Link:
    """An open connection; whatever libvirt refuses is a HypervisorError."""

    def __init__(self, uri: str) -> None:
        """Connect."""
        if not connection.DIRTY_RATE:
            raise exception.HypervisorError(
                'libvirt-python is older than 7.2 and knows no dirty rates'
            )
        eventloop.start()
        try:
            self._libvirt = libvirt.open(uri)
            with contextlib.suppress(libvirt.libvirtError):
                self._libvirt.setKeepAlive(
                    connection.KEEPALIVE_S, connection.KEEPALIVE_COUNT
                )
        except libvirt.libvirtError as why:
            raise exception.HypervisorError(str(why)) from why

    def measure(self, uuid: str) -> int | None:
        """Return bytes a second; None for one who is not here, or of whom
        nothing was told in time."""
        try:
            domain = self._libvirt.lookupByUUIDString(uuid)
            domain.startDirtyRateCalc(CALCULATE_S, 0)
            until_s = time.monotonic() + CALCULATE_S + _PATIENCE_S
            while time.monotonic() < until_s:
                time.sleep(_LOOK_S)
                stats = self._libvirt.domainListGetStats(
                    [domain], connection.DIRTY_RATE, 0
                )
                found = _parse(stats[0][1] if stats else {})
                if found is not None:
                    return found
        except libvirt.libvirtError as why:
            if why.get_error_code() in _GONE:
                return None
            raise exception.HypervisorError(str(why)) from why
        return None

    def close(self) -> None:
        """Let go; never raises."""
        with contextlib.suppress(libvirt.libvirtError):
            self._libvirt.close()


#: Not here, or not running (any more).
_GONE = (libvirt.VIR_ERR_NO_DOMAIN, libvirt.VIR_ERR_OPERATION_INVALID)


def _parse(stats: bulk.Stats) -> int | None:
    """Return the rate, once it is there."""
    if stats.get('dirtyrate.calc_status') != _MEASURED:
        return None
    return bulk.dirty_rate(stats)
