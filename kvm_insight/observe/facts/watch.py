# SPDX-License-Identifier: Apache-2.0
"""Watch: facts of the host, read anew now and then beside all else.

The files are many on a large host, and some take long: whoever takes samples
must not wait for them.
"""

import logging
import pathlib
import threading
import time

from kvm_insight.model import facts
from kvm_insight.observe.facts import assembly

LOG = logging.getLogger(__name__)

EVERY_S = 300.0


class Watch:
    """What was read last; asked from one thread, read by another."""

    def __init__(self, root: pathlib.Path, every_s: float = EVERY_S) -> None:
        """Read below ``root``, at most once in so many seconds."""
        self._root = root
        self._every_s = every_s
        self._told: facts.HostFacts | None = None
        self._found: facts.HostFacts | None = None
        self._due_s = 0.0
        self._reading: threading.Thread | None = None

    def look(self, told: facts.HostFacts) -> facts.HostFacts | None:
        """Return what was read last, None before that; waits for nobody.

        ``told`` is libvirt's part; when it changes, all is read anew.
        """
        if self._reading is not None and self._reading.is_alive():
            return self._found
        if told != self._told or time.monotonic() >= self._due_s:
            self._told = told
            self._due_s = time.monotonic() + self._every_s
            self._reading = threading.Thread(
                target=self._read, args=(told,), name='facts', daemon=True
            )
            self._reading.start()
        return self._found

    def settle(self, timeout_s: float) -> None:
        """Wait until what is being read is there, and no longer than so."""
        if self._reading is not None:
            self._reading.join(timeout_s)

    def _read(self, told: facts.HostFacts) -> None:
        try:
            self._found = assembly.read(self._root, told)
        except Exception:
            LOG.exception('facts of the host; they are read again later')
