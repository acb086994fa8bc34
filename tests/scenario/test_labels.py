# SPDX-License-Identifier: Apache-2.0
"""What an analyzer tells of hours and of hosts has the cloud's names."""

import pathlib
import threading
import time

import msgspec

from kvm_insight import analyzer
from kvm_insight.bus import compacted, embedded, port, topic
from kvm_insight.conf import analyzer as options
from kvm_insight.model import codec, host_report, inventory, usage
from tests.scenario import fair

replace = msgspec.structs.replace

HOST = 'lab/one'
GUEST = fair.Guest('one', ((1, 0.5),), (0,), project='blue', flavor='small')
OTHER = fair.Guest('two', ((1, 0.5),), (1,), project='red')
#: An hour ends on the way.
SHIFT_US = 2_500_000_000
FACTS: list[inventory.Facts] = [
    inventory.HostFacts(
        host=HOST,
        availability_zone='north',
        aggregates=['fast disks'],
        instances={GUEST.uuid: 'shop'},
    ),
    inventory.ProjectFacts(project_id='blue', name='Blue Ltd'),
    inventory.GroupFacts(group='g1', name='pair', members=[GUEST.uuid]),
]
#: The samples say 2023; the bus would drop them as too old.
LAYOUT = [
    port.Topic(topic.PREFIX + name, 1)
    for name in (
        topic.SAMPLES,
        topic.FINDINGS,
        topic.HOSTS,
        topic.USAGE,
        topic.STATE,
        topic.DEAD_LETTER,
        topic.INVENTORY,
    )
]


def publish(bus: port.Bus, name: str, values: dict[bytes, str]) -> None:
    """Publish values, each under its key."""
    producer = bus.producer()
    for value, key in values.items():
        producer.publish(topic.PREFIX + name, key, value)
    producer.flush(20)
    producer.close()


def newest(bus: port.Bus, name: str) -> bytes | None:
    """Return what was told last of the host."""
    place = port.Partition(topic.PREFIX + name, 0)
    told = compacted.newest(bus, place, 20).get(HOST)
    return told.value if told is not None else None


def analyzed(
    path: pathlib.Path, facts: list[inventory.Facts]
) -> tuple[bytes, bytes]:
    """Return the hour and the report that an analyzer tells of a host."""
    bus = embedded.connect({'path': str(path)})
    bus.create_topics(LAYOUT)
    known = {codec.encode(one): inventory.key(one) for one in facts}
    publish(bus, topic.INVENTORY, known)
    moved = (
        replace(one, host=HOST, time_us=one.time_us + SHIFT_US)
        for one in fair.Host([GUEST, OTHER]).samples(480)
    )
    publish(bus, topic.SAMPLES, {codec.encode(one): HOST for one in moved})
    stop = threading.Event()
    runner = analyzer.Analyzer(bus, options.Settings())
    thread = threading.Thread(target=runner.run, args=(stop,))
    thread.start()
    try:
        until = time.monotonic() + 30
        while not (hour := newest(bus, topic.USAGE)):
            assert time.monotonic() < until
            time.sleep(0.1)
    finally:
        stop.set()
        thread.join(30)
    report = newest(bus, topic.HOSTS)
    bus.close()
    assert report is not None
    return hour, report


def named(record: usage.HostUsage | host_report.HostReport) -> None:
    """Assert that a record has all names, and each where it belongs."""
    assert record.availability_zone == 'north'
    assert record.aggregates == ['fast disks']
    one, two = record.instances
    assert (one.name, one.instance_name) == ('one', 'shop')
    assert (one.project_id, one.project_name) == ('blue', 'Blue Ltd')
    assert (one.flavor, one.server_group) == ('small', 'pair')
    assert (two.name, two.project_id) == ('two', 'red')
    # Of this one the cloud tells nothing; its metadata does.
    assert (two.instance_name, two.project_name) == ('two', 'red')
    assert two.server_group is None


def without_cloud(hour: usage.HostUsage) -> usage.HostUsage:
    """Return the hour with what metadata says, and nobody else."""
    instances = [
        replace(
            one,
            instance_name=one.name,
            project_name=one.project_id,
            server_group=None,
        )
        for one in hour.instances
    ]
    return replace(
        hour, availability_zone=None, aggregates=[], instances=instances
    )


def test_hours_and_reports_are_told_with_the_names_of_the_cloud(
    tmp_path: pathlib.Path,
) -> None:
    told_hour, told_report = analyzed(tmp_path / 'bus.db', FACTS)
    hour = codec.decode(told_hour, usage.HostUsage)
    named(hour)
    named(codec.decode(told_report, host_report.HostReport))
    unnamed, _ = analyzed(tmp_path / 'other.db', [])
    assert unnamed == codec.encode(without_cloud(hour))
