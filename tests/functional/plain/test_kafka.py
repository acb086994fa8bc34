# SPDX-License-Identifier: Apache-2.0
"""The cluster of plain hosts is read from a real broker, too."""

import time
import uuid

import pytest
from broker import node

from kvm_insight import exception
from kvm_insight.bus import driver, topic
from kvm_insight.cmd import host_source
from kvm_insight.model import cluster
from kvm_insight.plain import settings
from tests.unit.plain import hosts


def test_a_topic_that_nobody_made_is_named_and_then_read(
    broker: node.Broker,
) -> None:
    bus = driver.open_bus('kafka', {'servers': broker.servers})
    prefix = f'test-{uuid.uuid4().hex[:8]}.'
    made = topic.layout(prefix, partitions=4)
    name = prefix + topic.HOST_CONFIG
    bus.create_topics([one for one in made if one.name != name])
    with host_source.opened(bus, prefix, settings.Settings()) as source:
        began_s = time.monotonic()
        with pytest.raises(exception.BusError, match='host-config'):
            source.read()
        assert time.monotonic() - began_s < 12
        bus.create_topics([one for one in made if one.name == name])
        for host in ('a', 'b', 'c'):
            hosts.tell(bus, prefix, host, offers=['x'])
        until_s = time.monotonic() + 30
        found: list[cluster.Host] = []
        while len(found) < 3:
            assert time.monotonic() < until_s, found
            try:
                found = source.read().hosts
            except exception.KvmInsightError:
                time.sleep(0.5)
        assert all(one.up and one.offers == ['x'] for one in found)
    bus.close()
