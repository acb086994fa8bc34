# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight status``: do samples come, from whom, how good are they."""

import argparse
import contextlib
import dataclasses
import json
import sys
import time
from collections.abc import Iterable

from kvm_insight import exception
from kvm_insight.bus import port, tail, topic
from kvm_insight.cmd import health, service, table, top
from kvm_insight.conf import bus as bus_options
from kvm_insight.model import (
    codec,
    host_report,
    inventory,
    sample,
    state,
)

_LOOK_BACK_S = 600


def add(verbs: 'argparse._SubParsersAction[argparse.ArgumentParser]') -> None:
    """Add this verb."""
    parser = verbs.add_parser(
        'status',
        help='agents by host: age, ledger, gaps, what they cannot measure',
        description='Looks at the last ten minutes on the bus. Ends with 3'
        ' when a host is silent or in trouble, or when there is none.',
    )
    parser.add_argument('--json', action='store_true', help='print as JSON')
    parser.add_argument(
        '--state',
        metavar='FOLDER',
        help='look at a standalone that keeps its bus there',
    )
    parser.set_defaults(func=run)


def run(args: argparse.Namespace) -> int:
    """Print the table; 3 when something is wrong."""
    loaded = service.configure(args, quiet=True)
    prefix = loaded[bus_options.GROUP].topic_prefix
    clinic = health.Clinic()
    with contextlib.ExitStack() as stack:
        bus = top.open_bus(loaded, args.state)
        stack.callback(bus.close)
        since_ms = int((time.time() - _LOOK_BACK_S) * 1000)
        looks = [(topic.SAMPLES, since_ms), (topic.STATE, 0)]
        if prefix + topic.HOSTS in bus.topics():
            looks.append((topic.HOSTS, 0))
        for name, start_ms in looks:
            reader = tail.Tail(bus, [prefix + name])
            stack.callback(reader.close)
            _take(clinic, reader.begin(start_ms))
        plans = _planner(bus, prefix + topic.INVENTORY)
    healths = clinic.healths(time.time())
    if args.json:
        print(json.dumps([dataclasses.asdict(one) for one in healths]))
    else:
        _print(healths)
        if plans is not None:
            print(health.planner(plans, time.time()))
    if not healths:
        print(
            'kvm-insight status: no sample in the last'
            f' {_LOOK_BACK_S // 60} minutes; does an agent run, and is [bus]'
            ' the same as there?',
            file=sys.stderr,
        )
    well = healths and not any(one.troubles for one in healths)
    if plans is not None and not health.plans_well(plans, time.time()):
        well = False
    return service.OK if well else service.UNHEALTHY


def _take(clinic: health.Clinic, records: Iterable[port.Record]) -> None:
    for record in records:
        if record.value is None:
            continue
        with contextlib.suppress(exception.CodecError):
            if codec.schema_of(record.value) == sample.SCHEMA:
                clinic.add_sample(codec.decode(record.value, sample.Sample))
            elif codec.schema_of(record.value) == state.SCHEMA:
                clinic.add_state(codec.decode(record.value, state.HostState))
            elif codec.schema_of(record.value) == host_report.SCHEMA:
                clinic.add_report(
                    codec.decode(record.value, host_report.HostReport)
                )


def _planner(bus: port.Bus, name: str) -> inventory.PlannerStatus | None:
    """Return what the active planner said last; None if there was none."""
    if name not in bus.topics():
        return None
    reader = tail.Tail(bus, [name])
    try:
        found = None
        for record in reader.begin(0):
            if record.key == 'planner' and record.value is not None:
                with contextlib.suppress(exception.CodecError):
                    found = codec.decode(record.value, inventory.PlannerStatus)
        return found
    finally:
        reader.close()


def _print(healths: list[health.Health]) -> None:
    rows = [health.cells(one) for one in healths]
    print('\n'.join(table.render(health.HEADER, rows, 10_000)))
    details = [line for one in healths for line in health.details(one)]
    if details:
        print('\n' + '\n'.join(details))
