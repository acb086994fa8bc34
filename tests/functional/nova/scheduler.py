# SPDX-License-Identifier: Apache-2.0
"""Runs in Nova's own environment: its host manager weighs and filters.

A request is a line of JSON on stdin (host -> free MiB and the metadata of its
aggregates), the answer a line on stdout. Nothing but the database behind
aggregates is left out.
"""

import json
import logging
import sys
import threading
import time
from typing import Any

import nova.conf
from nova import objects
from nova.scheduler import host_manager

OURS = 'kvm_insight.feed.nova_weigher'
CONF = nova.conf.CONF


class Manager(host_manager.HostManager):
    """Knows no cells, aggregates and instances from a database."""

    def refresh_cells_caches(self) -> None:
        self.cells: dict[str, Any] = {}

    def _init_aggregates(self) -> None:
        self.aggs_by_id: dict[int, Any] = {}
        self.host_aggregates_map: dict[str, Any] = {}


class Lines(logging.Handler):
    """Keeps what our part of Nova's log says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def state(name: str, about: dict[str, Any]) -> host_manager.HostState:
    """Return a host as the scheduler knows it."""
    made = host_manager.HostState(name, name, None)
    made.free_ram_mb = about.get('ram', 1024)
    made.total_usable_ram_mb = 2 * made.free_ram_mb
    made.aggregates = [
        objects.Aggregate(id=1, name='a', hosts=[name], metadata=metadata)
        for metadata in about.get('aggregates', [])
    ]
    return made


def answered(manager: Manager, request: dict[str, Any]) -> dict[str, Any]:
    """Return who passes, and who is first."""
    hosts = [state(name, about) for name, about in request['hosts'].items()]
    spec = objects.RequestSpec(
        instance_uuid='1cfa3f84-0b1b-4e3f-9a51-4a9e6b1d2c11',
        ignore_hosts=None,
        force_hosts=None,
        force_nodes=None,
        requested_destination=None,
        scheduler_hints={},
        instance_group=None,
    )
    passed = manager.get_filtered_hosts(list(hosts), spec)
    begin = time.perf_counter()
    weighed = manager.get_weighed_hosts(list(hosts), spec)
    return {
        'passed': [one.host for one in passed or []],
        'weighed': [[one.obj.host, one.weight] for one in weighed],
        'took_s': time.perf_counter() - begin,
    }


def main() -> None:
    """Answer until stdin ends."""
    CONF([], default_config_files=[sys.argv[1]])
    CONF.set_override('track_instance_changes', False, 'filter_scheduler')
    objects.register_all()
    lines = Lines()
    logging.getLogger(OURS).addHandler(lines)
    manager = Manager()
    for line in sys.stdin:
        answer = answered(manager, json.loads(line))
        answer['log'], lines.said = lines.said, []
        answer['loaded'] = sorted(
            name
            for name in sys.modules
            if name.split('.')[0] in ('kvm_insight', 'msgspec')
        )
        answer['threads'] = threading.active_count()
        sys.stdout.write(json.dumps(answer) + '\n')
        sys.stdout.flush()


if __name__ == '__main__':
    main()
