# SPDX-License-Identifier: Apache-2.0
"""Planner and actuator on a bus: progress is heard, and taken over."""

import contextlib
import pathlib
from collections.abc import Callable

import pytest

from kvm_insight import planner
from kvm_insight.bus import publisher
from kvm_insight.cmd import cluster_file, insight
from kvm_insight.conf import planner as options
from kvm_insight.feed import actuator, crew
from kvm_insight.recommend import limits
from tests.functional.planner import conftest
from tests.unit.feed import nova


def states(bench: conftest.Bench) -> dict[str, str]:
    return {one.recommendation: one.state for one in bench.progress()}


def run(
    bench: conftest.Bench, there: nova.Nova, work: Callable[[], object]
) -> None:
    """Let a planner with an actuator run beside some work."""
    out = publisher.Publisher(bench.bus, bench.prefix)
    read = cluster_file.ClusterFile(bench.cluster_file).read
    whole = limits.Limits()
    feed = actuator.Actuator(
        {
            'actuator_only_approved': False,
            'actuator_at_once': 1,
            'actuator_limit_s': 600,
            'limits': whole,
            'confirm': lambda: contextlib.nullcontext(lambda _: read()),
        },
        out.publish,
        there,
    )
    feeds = crew.Crew({'actuator': feed})
    settings = options.Settings(prefix=bench.prefix, cycle_s=0.3, limits=whole)
    one = planner.Planner(bench.bus, settings, read, feeds=feeds)
    try:
        conftest.beside(one, work, 60)
    finally:
        feeds.close()
        out.close()


def cloud(bench: conftest.Bench) -> nova.Nova:
    return nova.Nova({one.uuid: one.host for one in bench.guests})


def test_a_successor_goes_on_and_the_recommendation_tells_it(
    bench: conftest.Bench, tmp_path: pathlib.Path
) -> None:
    there = cloud(bench)

    def first() -> None:
        bench.wait_for(lambda: 'moving' in states(bench).values())
        words = 'moving, 20% of the memory copied'
        bench.wait_for(
            lambda: [x for x in bench.told() if words in str(x.state_reason)]
        )

    run(bench, there, first)
    assert len(there.begun) == 1
    (name,) = (x for x, state in states(bench).items() if state == 'moving')

    def second() -> None:
        generation = bench.progress()[-1].generation
        there.end()
        bench.wait_for(lambda: states(bench)[name] == 'done')
        assert bench.progress()[-1].generation >= generation
        # The next one has its turn, and this one is not asked for again.
        bench.wait_for(lambda: len(there.begun) == 2)

    run(bench, there, second)
    assert there.begun[0] != there.begun[1]


def test_to_be_silent_begins_nothing_more_and_names_what_goes_on(
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = conftest.on_embedded(tmp_path)
    bench.describe()
    there = cloud(bench)
    config = tmp_path / 'kvm-insight.conf'
    config.write_text(
        f'[bus]\npath = {tmp_path}/bus.db\ntopic_prefix = t.\n'
        '[feed]\nactive = actuator\n'
    )
    words = ['--config-file', str(config)]

    def work() -> None:
        bench.wait_for(lambda: 'moving' in states(bench).values())
        assert insight.main(['feed', 'clear', 'actuator', *words]) == 0
        bench.wait_for(lambda: 'left' in states(bench).values())
        there.end()
        bench.wait_for(
            lambda: bench.statuses()[-1].feeds == {'actuator': 'off'}
        )

    run(bench, there, work)
    assert len(there.begun) == 1
    assert there.aborted == []
    out = capsys.readouterr().out
    assert 'is under way and is NOT aborted' in out
    assert 'openstack server migration abort 1' in caplog.text
    assert insight.main(['feed', 'show', *words]) in (0, 3)
    shown = capsys.readouterr().out
    assert 'move 1 of 1: left' in shown
