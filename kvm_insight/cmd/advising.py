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


@contextlib.contextmanager
def beside(bus: port.Bus, settings: options.Settings) -> Iterator[None]:
    """Judge what hosts tell of themselves until the block is left.

    Where the bus does not let us, say so; findings of samples go on.
    """
    judge = adviser.Adviser(bus, settings)
    stop = threading.Event()
    thread = threading.Thread(
        target=_guard, args=(judge, stop), name='adviser', daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_STOP_S)


def _guard(judge: adviser.Adviser, stop: threading.Event) -> None:
    try:
        judge.run(stop)
    except exception.KvmInsightError as why:
        LOG.error('no advice about configurations: %s', why)
    except Exception:
        LOG.exception('no advice about configurations any more')
