# SPDX-License-Identifier: Apache-2.0
"""A member of a group in a process of its own, to be killed or stopped.

Reads commands on stdin: ``commit`` commits the first record of each partition
it owns and answers ``committed`` or ``refused``. Says ``assigned`` when it
has partitions.
"""

import json
import sys
import threading
from collections.abc import Sequence

from kvm_insight import exception
from kvm_insight.bus import driver, port


def _say(word: str) -> None:
    sys.stdout.write(word + '\n')
    sys.stdout.flush()


class _Listener:
    def assigned(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        _say('assigned')

    def revoked(
        self, partitions: Sequence[port.Partition], generation: int
    ) -> None:
        _say('revoked')


def main() -> None:
    """Poll until stdin ends."""
    name, settings, topic, group = sys.argv[1:]
    bus = driver.open_bus(name, json.loads(settings))
    consumer = bus.consumer([topic], group=group, listener=_Listener())
    commands: list[str] = []
    threading.Thread(
        target=lambda: commands.extend(sys.stdin), daemon=True
    ).start()
    while True:
        mine = consumer.assignment()
        if commands:
            commands.pop()
            try:
                consumer.commit(dict.fromkeys(mine, 1))
                _say('committed')
            except exception.BusUnavailable:
                _say('refused')
        consumer.poll(0.1)


main()
