# SPDX-License-Identifier: Apache-2.0
"""Advice is given beside an analyzer, as soon as the bus has its topics."""

import pathlib
import time

import pytest

from kvm_insight.bus import driver, port, tail, topic
from kvm_insight.cmd import advising
from kvm_insight.conf import analyzer as options
from kvm_insight.model import codec, configuration
from tests.unit.advise import told


def findings(bus: port.Bus) -> list[configuration.Finding]:
    reader = tail.Tail(bus, [topic.PREFIX + topic.FINDINGS])
    try:
        values = [one.value or b'' for one in reader.begin(0)]
    finally:
        reader.close()
    return [codec.decode(one, configuration.Finding) for one in values]


def test_topics_that_are_made_later_are_read_then(
    tmp_path: pathlib.Path, caplog: pytest.LogCaptureFixture
) -> None:
    bus = driver.open_bus('embedded', {'path': str(tmp_path / 'bus.db')})
    with advising.beside(bus, options.Settings(), again_s=0.1):
        end = time.monotonic() + 20
        while 'no advice' not in caplog.text:
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(0.5)
        assert caplog.text.count('no advice') == 1
        bus.create_topics(topic.layout(partitions=1))
        producer = bus.producer()
        one = told.config(told.BEGIN_US, 'h', 100, 'ide')
        name = topic.PREFIX + topic.HOST_CONFIG
        producer.publish(name, 'h', codec.encode(one)).result(5)
        producer.close()
        while not findings(bus):
            assert time.monotonic() < end
            time.sleep(0.1)
    assert told.SWAPPINESS in {one.check for one in findings(bus)}
    bus.close()
