# SPDX-License-Identifier: Apache-2.0
"""libvirt's event loop in a thread of its own, one for the process."""

import functools
import logging
import threading

import libvirt

LOG = logging.getLogger(__name__)


@functools.cache
def start() -> threading.Thread:
    """Run the loop from now on; connections opened later deliver events.

    libvirt knows one event loop for the whole process and cannot take it
    back, so the thread lives as long as the process and holds nothing up.
    """
    # libvirt would otherwise write each error to standard error, too.
    libvirt.registerErrorHandler(_ignore, None)
    libvirt.virEventRegisterDefaultImpl()
    thread = threading.Thread(target=_run, name='libvirt-events', daemon=True)
    thread.start()
    return thread


def _run() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError as why:
            LOG.warning('libvirt event loop: %s', why)


def _ignore(*_: object) -> None:
    """Errors are raised as exceptions; that is enough."""
