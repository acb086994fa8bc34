# SPDX-License-Identifier: Apache-2.0
"""The plan for a cluster in a file, in words and as JSON."""

import json
import pathlib

import msgspec
import pytest

from kvm_insight.cmd import cluster_file, insight, planner, service
from kvm_insight.model import cluster, codec
from kvm_insight.recommend import overlay
from tests.scenario import small_cloud as cloud

GUESTS = cloud.guests()
BY_NAME = {one.name: one for one in GUESTS}
FOUND = cloud.found(BY_NAME['vic-0'], BY_NAME['agg-0'], cloud.NOW_US)
REPORTS = {one.host: one for one in cloud.reports(GUESTS, [FOUND])}
WHOLE = overlay.laid(cloud.described(GUESTS), REPORTS, cloud.NOW_US, {})


def plan(whole: cluster.Cluster, tmp_path: pathlib.Path, *words: str) -> int:
    path = tmp_path / 'cluster.json'
    path.write_bytes(codec.encode(whole))
    config = tmp_path / 'empty.conf'
    config.write_text('')
    return insight.main(
        ['--config-file', str(config), 'plan', '--cluster', str(path), *words]
    )


def test_a_plan_in_words_has_reasons_and_the_score(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(WHOLE, tmp_path) == service.OK
    said = capsys.readouterr().out
    assert '1. agg-0: r/0 -> r/' in said
    assert 'agg-0 makes others on r/0 lose 0.54 cores' in said
    (score,) = [x for x in said.splitlines() if x.strip().startswith('score')]
    before, after = map(float, score.split()[1:3])
    assert after < before


def test_the_same_as_json(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(WHOLE, tmp_path, '--json') == service.OK
    tree = json.loads(capsys.readouterr().out)
    (one,) = tree['recommendations']
    assert one['moves'][0]['name'] == 'agg-0'
    assert tree['error'] is None


def test_a_host_is_emptied(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--mode', 'evacuate', '--host', 'r/3']
    assert plan(WHOLE, tmp_path, *words) == service.OK
    said = capsys.readouterr().out
    assert 'cool-3-a: r/3 -> ' in said
    assert 'cool-3-b: r/3 -> ' in said


def test_where_all_is_well_nothing_moves(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    guests = cloud.guests(0)
    told = {one.host: one for one in cloud.reports(guests)}
    calm = overlay.laid(cloud.described(guests), told, cloud.NOW_US, {})
    assert plan(calm, tmp_path) == service.OK
    assert capsys.readouterr().out == 'nothing is to be moved\n'


def test_what_takes_no_part_is_told_with_the_reason(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost = msgspec.structs.replace(WHOLE.instances[-1], host='r/99')
    broken = msgspec.structs.replace(
        WHOLE, instances=[*WHOLE.instances[:-1], lost]
    )
    assert plan(broken, tmp_path) == service.OK
    assert 'takes no part: it is on an unknown host r/99' in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ('words', 'said'),
    [
        (['--mode', 'evacuate'], '--host NAME'),
        (['--host', 'r/1'], '--mode evacuate'),
        (['--mode', 'evacuate', '--host', 'x'], 'no such host'),
    ],
)
def test_what_does_not_fit_together_is_said_in_one_line(
    words: list[str],
    said: str,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert plan(WHOLE, tmp_path, *words) == service.MISUSED
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_no_cluster_no_plan(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = cluster.Cluster(time_us=1)
    assert plan(empty, tmp_path) == service.UNHEALTHY
    assert 'nothing can be planned' in capsys.readouterr().out
    path = tmp_path / 'nothing.json'
    assert insight.main(['plan', '--cluster', str(path)]) == service.FAILED
    path.write_text('{"schema":"kvm_insight.cluster/1"')
    assert insight.main(['plan', '--cluster', str(path)]) == service.FAILED


def test_a_file_is_read_again_when_it_is_another_one(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'cluster.json'
    path.write_bytes(codec.encode(WHOLE))
    file = cluster_file.ClusterFile(path)
    assert file.read() is file.read()
    fresh = tmp_path / 'fresh'
    later = msgspec.structs.replace(WHOLE, time_us=5)
    fresh.write_bytes(codec.encode(later))
    fresh.rename(path)
    assert file.read() == later


def test_a_planner_without_a_cluster_does_not_start(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / 'x.conf'
    config.write_text('[planner]\n')
    assert planner.main(['--config-file', str(config)]) == service.MISUSED
    assert 'cluster_file' in capsys.readouterr().err
    config.write_text('[planner]\ncluster_file = x\nmodes = relieve,fly\n')
    assert planner.main(['--config-file', str(config)]) == service.MISUSED
    assert 'modes = relieve,fly' in capsys.readouterr().err
