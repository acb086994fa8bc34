# SPDX-License-Identifier: Apache-2.0
"""Advising beside an analyzer: a thread that judges configurations."""

import contextlib
import logging
import threading
from collections.abc import Iterator

from kvm_insight import adviser, exception
from kvm_insight.bus import port
from kvm_insight.conf import analyzer as options

LOG = logging.getLogger(__name__)

_STOP_S = 3.0
_AGAIN_S = 60.0


@contextlib.contextmanager
def beside(
    bus: port.Bus, settings: options.Settings, again_s: float = _AGAIN_S
) -> Iterator[None]:
    """Judge what hosts tell of themselves until the block is left.

    Where the bus does not let us, say so and try again after so long;
    findings of samples go on.
    """
    stop = threading.Event()
    thread = threading.Thread(
        target=_work,
        args=(bus, settings, stop, again_s),
        name='adviser',
        daemon=True,
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_S)


def _work(
    bus: port.Bus,
    settings: options.Settings,
    stop: threading.Event,
    again_s: float,
) -> None:
    said = ''
    while not stop.is_set():
        try:
            adviser.Adviser(bus, settings).run(stop)
        except exception.KvmInsightError as why:
            if str(why) != said:
                LOG.error('no advice about configurations: %s', why)
            said = str(why)
        except Exception:
            LOG.exception('no advice about configurations for now')
        stop.wait(again_s)
