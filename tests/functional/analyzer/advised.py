# SPDX-License-Identifier: Apache-2.0
"""An adviser as a process of its own, so that it can be killed."""

import json
import sys
import threading

from kvm_insight import adviser
from kvm_insight.bus import driver
from kvm_insight.conf import analyzer as options


def main() -> None:
    """Run until killed."""
    words = json.loads(sys.argv[1])
    bus = driver.open_bus(words['driver'], words['settings'])
    settings = options.Settings(prefix=words['prefix'])
    adviser.Adviser(bus, settings).run(threading.Event())


if __name__ == '__main__':
    main()
