# SPDX-License-Identifier: Apache-2.0
"""A planner as a process of its own, so that it can be killed."""

import dataclasses
import json
import os
import pathlib
import signal
import sys
import threading

from kvm_insight import planner
from kvm_insight.bus import driver, port
from kvm_insight.cmd import cluster_file
from kvm_insight.conf import planner as options
from kvm_insight.recommend import limits
from kvm_insight.recommend import settings as recommend_settings


class Fused:
    """A bus whose producers kill the process after so many records."""

    def __init__(self, inner: port.Bus, records: int) -> None:
        self._inner = inner
        self._left = records

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name not in ('producer', 'publish'):
            return found

        def call(*args: object, **more: object) -> object:
            if name == 'producer':
                return Fused(found(), self._left)
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1
            return found(*args, **more)

        return call


def main() -> None:
    """Run until killed."""
    words = json.loads(sys.argv[1])
    bus = driver.open_bus(words['driver'], words['settings'])
    if words['fuse'] is not None:
        bus = Fused(bus, words['fuse'])  # type: ignore[assignment]
    rules = dataclasses.replace(recommend_settings.Settings(), rounds=60)
    settings = options.Settings(
        prefix=words['prefix'],
        cycle_s=words.get('cycle_s', 0.5),
        limits=limits.Limits(rules=rules, outcome_s=60),
    )
    reader = cluster_file.ClusterFile(pathlib.Path(words['cluster_file']))
    planner.Planner(bus, settings, reader.read).run(threading.Event())


if __name__ == '__main__':
    main()
