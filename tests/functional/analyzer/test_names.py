# SPDX-License-Identifier: Apache-2.0
"""Who is renamed while a finding stands is told in it, and only once."""

import contextlib
import pathlib
import threading
import time
from collections.abc import Callable

import msgspec

from kvm_insight import analyzer
from kvm_insight.bus import driver, topic
from kvm_insight.conf import analyzer as options
from kvm_insight.detect import host
from kvm_insight.detect import settings as detect_settings
from kvm_insight.model import codec, finding, inventory, sample
from tests.functional.analyzer import conftest
from tests.scenario import fair

HOST = 'rack/0'
AFTER = 3


def stream() -> list[sample.Sample]:
    """Five minutes of a host on which one makes another one wait."""
    guests = [
        fair.Guest('victim', ((1, 0.5),), (0,)),
        fair.Guest('noisy', ((90, 0), (300, 1.0)), (0,)),
    ]
    told = fair.Host(guests, seed=1).samples(300)
    return [msgspec.structs.replace(one, host=HOST) for one in told]


def calm_after(samples: list[sample.Sample]) -> int:
    """Return after how many samples a finding stands of which the next ones
    tell nothing by themselves."""
    detector = host.Detector(HOST, detect_settings.Settings())
    told = [detector.consume(one) for one in samples]
    first = next(at for at, found in enumerate(told) if found)
    return next(
        at
        for at in range(first + 1, len(samples) - AFTER)
        if not any(told[at : at + AFTER])
    )


def facts(name: str) -> inventory.HostFacts:
    victim = fair.Guest('victim', (), ())
    return inventory.HostFacts(host=HOST, instances={victim.uuid: name})


class Told:
    """What an analyzer tells of the victim, in the order of its findings."""

    def __init__(self, bench: conftest.Bench) -> None:
        self._bench = bench

    def names(self) -> dict[str, list[str | None]]:
        """Return open finding -> the victim's name in each record."""
        found = {
            key: [codec.decode(one, finding.Finding) for one in records]
            for key, records in self._bench.findings().items()
        }
        return {
            key: [one.victim.instance_name for one in records]
            for key, records in found.items()
            if records[-1].state != 'closed'
            and records[-1].victim.name == 'victim'
        }

    def wait(self, done: Callable[[], object]) -> None:
        until = time.monotonic() + 60
        while not done():
            assert time.monotonic() < until, self.names()
            time.sleep(0.2)


def test_who_is_renamed_is_told_again_with_the_next_sample_and_only_once(
    tmp_path: pathlib.Path,
) -> None:
    settings: dict[str, object] = {'path': str(tmp_path / 'bus.db')}
    bus = driver.open_bus('embedded', settings)
    layout = topic.layout('t.', partitions=conftest.PARTITIONS)
    bus.create_topics([conftest.kept_whole(one) for one in layout])
    bench = conftest.Bench('embedded', settings, bus, 't.')
    told, stop = Told(bench), threading.Event()
    samples = stream()
    calm = calm_after(samples)
    one = analyzer.Analyzer(bus, options.Settings(prefix='t.'))
    thread = threading.Thread(target=one.run, args=(stop,))
    thread.start()
    with contextlib.ExitStack() as ends:
        ends.callback(bus.close)
        ends.callback(thread.join, 30)
        ends.callback(stop.set)
        bench.publish({HOST: samples[:calm]}, 0)
        told.wait(told.names)
        before = told.names()
        assert {x for each in before.values() for x in each} == {'victim'}
        producer = bus.producer()
        name = f't.{topic.INVENTORY}'
        told_facts = codec.encode(facts('shop'))
        producer.publish(name, f'host/{HOST}', told_facts)
        producer.flush(20)
        producer.close()
        # The analyzer looks at the inventory each five seconds.
        time.sleep(6)
        assert told.names() == before
        bench.publish({HOST: samples[calm : calm + 1]}, 0)
        told.wait(lambda: all(x[-1] == 'shop' for x in told.names().values()))
        bench.publish({HOST: samples[calm + 1 : calm + AFTER]}, 0)
        told.wait(lambda: one.status().accepted == calm + AFTER)
        time.sleep(1)
        after = told.names()
        assert set(before) <= set(after)
        for key, names in before.items():
            assert after[key] == [*names, 'shop']
