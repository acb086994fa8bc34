# SPDX-License-Identifier: Apache-2.0
"""A recorder as a process of its own, so that it can be killed."""

import json
import logging
import sys
import threading

from kvm_insight import recorder
from kvm_insight.bus import driver
from kvm_insight.conf import recorder as options
from kvm_insight.store import engine, settings
from kvm_insight.store.write import book


def main() -> None:
    """Run until killed."""
    words = json.loads(sys.argv[1])
    logging.basicConfig(level='WARNING')
    bus = driver.open_bus(words['driver'], words['settings'])
    where = settings.Settings(connection=words['url'], connect_timeout_s=2)
    recorder.Recorder(
        bus,
        book.Book(engine.connect(where)),
        options.Settings(
            prefix=words['prefix'],
            batch=words['batch'],
            keep_hours_days=3650,
            keep_days_days=3650,
            keep_findings_days=3650,
        ),
    ).run(threading.Event())


if __name__ == '__main__':
    main()
