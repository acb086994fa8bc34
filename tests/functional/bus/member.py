# SPDX-License-Identifier: Apache-2.0
"""A member of a group in a process of its own, to be killed or stopped.

Says ``assigned`` when it has partitions. Reads commands on stdin: at ``hold``
it polls no more and answers ``held``; the next, ``commit``, commits the first
record of each partition that it owned then, and answers ``committed`` or
``refused``. In between it may be stopped, as if at work on what it had read.
"""

import json
import queue
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
    commands: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            commands.put(line)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        if not commands.empty():
            commands.get()
            mine = consumer.assignment()
            _say('held')
            commands.get()
            try:
                consumer.commit(dict.fromkeys(mine, 1))
                _say('committed')
            except exception.BusUnavailable:
                _say('refused')
        consumer.poll(0.1)


main()
