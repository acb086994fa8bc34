# SPDX-License-Identifier: Apache-2.0
"""A planner whose facts are missing or broken says so, and goes on."""

import pathlib
import time
from collections.abc import Callable

import pytest

from kvm_insight import planner
from kvm_insight.bus import topic
from kvm_insight.cmd import cluster_file
from kvm_insight.conf import planner as options
from kvm_insight.model import cluster, codec
from tests.functional.planner import conftest
from tests.scenario import small_cloud as cloud


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> conftest.Bench:
    """A bench on the embedded bus: here it is the planner that counts."""
    return conftest.on_embedded(tmp_path)


def run(
    bench: conftest.Bench,
    read: Callable[[], cluster.Cluster],
    work: Callable[[], None],
) -> None:
    """Let a planner run beside some work."""
    one = planner.Planner(
        bench.bus, options.Settings(prefix='t.', cycle_s=0.2), read
    )
    conftest.beside(one, work)


def reasons(bench: conftest.Bench) -> list[str]:
    return bench.statuses()[-1].reasons if bench.statuses() else ['none yet']


def test_it_waits_for_a_cluster_and_then_plans(
    bench: conftest.Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.describe()
    whole = bench.cluster_file.read_bytes()
    bench.cluster_file.unlink()

    def work() -> None:
        bench.wait_for(lambda: 'No such file' in ''.join(reasons(bench)))
        time.sleep(0.6)
        assert bench.told() == []
        bench.cluster_file.write_bytes(b'{"schema":"kvm_insight.cluster/1"')
        bench.wait_for(lambda: 'truncated' in ''.join(reasons(bench)))
        bench.cluster_file.write_bytes(whole)
        bench.wait_for(bench.told)

    run(bench, cluster_file.ClusterFile(bench.cluster_file).read, work)
    said = [x.message for x in caplog.records if 'no plan: ' in x.message]
    # Once for each reason, however many cycles it lasts.
    assert len(said) == len(set(said)) == 2
    assert any('planning again' in x.message for x in caplog.records)


def test_hosts_that_are_silent_are_not_planned_with(
    bench: conftest.Bench,
) -> None:
    now_us = time.time_ns() // 1000
    whole = cloud.described(bench.guests, conftest.HOSTS, now_us)
    old_us = now_us - 3600 * 1_000_000
    told = cloud.reports(bench.guests, [], conftest.HOSTS, old_us)
    bench.publish(topic.HOSTS, {one.host: one for one in told})
    run(
        bench,
        lambda: whole,
        lambda: bench.wait_for(
            lambda: 'there is a report' in ''.join(reasons(bench))
        ),
    )
    assert bench.told() == []


def test_what_breaks_in_planning_breaks_nothing_else(
    bench: conftest.Bench,
) -> None:
    bench.describe()
    good = cluster_file.ClusterFile(bench.cluster_file).read()
    calls = []

    def read() -> cluster.Cluster:
        calls.append(1)
        # What no reader returns: planning falls over it.
        return good if len(calls) > 2 else 17  # type: ignore[return-value]

    run(bench, read, lambda: bench.wait_for(bench.told))
    first = bench.statuses()[0]
    assert first.state == 'waiting'
    assert 'planning broke: AttributeError' in first.reasons[0]


def test_garbage_on_the_topics_is_passed_over(bench: conftest.Bench) -> None:
    producer = bench.bus.producer()
    for name in (
        topic.HOSTS,
        topic.USAGE,
        topic.CONTROL,
        topic.FINDINGS,
        topic.RECOMMENDATIONS,
        topic.INVENTORY,
    ):
        for value in (b'', b'{"schema":"other/1"}', b'\xff'):
            producer.publish('t.' + name, 'x', value)
    producer.flush(5)
    producer.close()
    bench.describe()
    found = []

    def work() -> None:
        bench.wait_for(
            lambda: [
                one
                for one in bench.records(topic.RECOMMENDATIONS)
                if one.startswith(b'{"schema":"kvm_insight.recommendation')
            ]
        )
        found.extend(bench.records(topic.RECOMMENDATIONS)[3:])

    run(bench, cluster_file.ClusterFile(bench.cluster_file).read, work)
    assert all(codec.schema_of(one) for one in found)
