# SPDX-License-Identifier: Apache-2.0
"""What ended long ago leaves the topic; nothing else does."""

import pathlib
import time

import msgspec
import pytest

from kvm_insight import planner
from kvm_insight.bus import tail, topic
from kvm_insight.cmd import cluster_file
from kvm_insight.conf import planner as options
from kvm_insight.model import codec, recommendation
from tests.functional.planner import conftest

DAY_US = 24 * 3600 * 1_000_000
GOLDEN = pathlib.Path('tests/unit/model/golden/recommendation-1.json')


@pytest.fixture
def bench(tmp_path: pathlib.Path) -> conftest.Bench:
    """A bench on the embedded bus: here it is the planner that counts."""
    made = conftest.on_embedded(tmp_path)
    made.describe()
    return made


def ended(
    name: str, days: float, measured_days: float | None = None, **more: object
) -> recommendation.Recommendation:
    """Return one that expired so many days ago."""
    now_us = time.time_ns() // 1000
    value = GOLDEN.read_bytes().strip()
    one = codec.decode(value, recommendation.Recommendation)
    assert one.outcome is not None
    outcome = None
    if measured_days is not None:
        at_us = int(now_us - measured_days * DAY_US)
        outcome = msgspec.structs.replace(
            one.outcome, executed_us=at_us - 60, measured_us=at_us
        )
    expires_us = int(now_us - days * DAY_US)
    return msgspec.structs.replace(
        one,
        id=name,
        generation=0,
        expires_us=expires_us,
        created_us=expires_us - 900_000_000,
        outcome=outcome,
        **more,
    )


def deleted(bench: conftest.Bench) -> list[str | None]:
    """Return the keys of all tombstones, in their order."""
    reader = tail.Tail(bench.bus, [bench.prefix + topic.RECOMMENDATIONS])
    try:
        return [one.key for one in reader.begin(0) if one.value is None]
    finally:
        reader.close()


def cycles(bench: conftest.Bench, count: int) -> None:
    """Let a planner run for so many cycles."""
    before = len(bench.statuses())
    reader = cluster_file.ClusterFile(bench.cluster_file)
    one = planner.Planner(
        bench.bus, options.Settings(prefix='t.', cycle_s=0.2), reader.read
    )
    conftest.beside(
        one,
        lambda: bench.wait_for(
            lambda: len(bench.statuses()) >= before + count
        ),
    )


def test_what_ended_a_week_ago_is_deleted_once(bench: conftest.Bench) -> None:
    known = [
        ended('withdrawn-old', 8, state='withdrawn'),
        ended('failed-old', 30, state='failed'),
        ended('executed-old', 9, 8, state='executed'),
        ended('executed-lately', 9, 6, state='executed'),
        ended('expired-lately', 6, state='expired'),
        # Nobody was there to say that it is over.
        ended('proposed-old', 8, state='proposed'),
    ]
    bench.publish(topic.RECOMMENDATIONS, {one.id: one for one in known})
    cycles(bench, 1)
    gone = ['executed-old', 'failed-old', 'withdrawn-old']
    assert [one for one in deleted(bench) if one != 'proposed-old'] == gone
    told = {one.id: one.state for one in bench.told()}
    assert told['proposed-old'] == 'withdrawn'
    # It goes once it was said; nothing goes twice, also by the next planner.
    cycles(bench, 2)
    assert deleted(bench) == [*gone, 'proposed-old']
