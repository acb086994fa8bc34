# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight simulate``: a recording that replays, labels, plain errors."""

import json
import pathlib
from collections.abc import Sequence

import pytest

from kvm_insight.cmd import insight, service
from kvm_insight.model import cluster, codec, recording, sample
from kvm_insight.recommend import sanity
from kvm_insight.simulate import label, scenario

TRACES = pathlib.Path(__file__).parents[2] / 'traces'
SHORT = ['simulate', '--scenario', 'antagonist', '--hours', '0.1']


def simulate(*words: object) -> int:
    return insight.main([*SHORT, *map(str, words)])


def samples(path: pathlib.Path) -> list[sample.Sample]:
    return [
        codec.decode(recording.read(line).content() or b'', sample.Sample)
        for line in path.read_bytes().splitlines(keepends=True)
    ]


def test_a_recording_has_all_hosts_and_replays(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'out.jsonl'
    assert simulate(path, '--hosts', 3, '--json') == service.OK
    made = json.loads(capsys.readouterr().out)
    found = samples(path)
    assert made['samples'] == len(found) == 3 * 37
    assert len({one.host for one in found}) == made['hosts'] == 3
    assert insight.main(['replay', str(path)]) == service.OK
    assert '0 of no use' in capsys.readouterr().err


def test_the_same_seed_makes_the_same_file(tmp_path: pathlib.Path) -> None:
    first, second = tmp_path / '1', tmp_path / '2'
    for path in (first, second):
        assert simulate(path, '--seed', 1007, '--dirty') == service.OK
    assert first.read_bytes() == second.read_bytes()


def test_labels_are_a_line_a_host(tmp_path: pathlib.Path) -> None:
    path = tmp_path / 'labels'
    words = ['--labels', path, '--hosts', 2]
    assert simulate(tmp_path / 'out.zst', *words) == service.OK
    found = [
        codec.decode(line, label.Labels)
        for line in path.read_bytes().splitlines()
    ]
    assert [one.seed for one in found] == [1, 2]


def test_the_cluster_contradicts_itself_nowhere(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'cluster'
    words = ['--cluster', path, '--hosts', 10, '--cpus', 8]
    assert simulate(tmp_path / 'out', *words) == service.OK
    found = cluster.read(path.read_bytes())
    assert len(found.hosts) == 10
    assert {one.availability_zone for one in found.hosts} == {
        'zone-0',
        'zone-1',
    }
    assert sanity.check(found).left_out == []
    there = {(one.server_group, one.host) for one in found.instances}
    grouped = [one for one in found.instances if one.server_group]
    assert len(grouped) == len({pair for pair in there if pair[0]})


def test_the_list_has_each_scenario_with_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert insight.main(['simulate', '--list', '--json']) == service.OK
    listed = json.loads(capsys.readouterr().out)
    assert listed.keys() == scenario.KINDS.keys()
    assert all(listed.values())


def test_without_a_file_the_bus_gets_it(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / 'kvm-insight.conf'
    conf.write_text(f'[bus]\ndriver = embedded\npath = {tmp_path}/bus.db\n')
    config = ['--config-file', str(conf)]
    assert insight.main([*SHORT, *config]) == service.FAILED
    assert 'topics create' in capsys.readouterr().err
    create = ['topics', 'create', '--hosts', '1', '--yes', *config]
    assert insight.main(create) == service.OK
    assert insight.main([*SHORT, *config]) == service.OK
    out = tmp_path / 'kept.jsonl'
    keep = ['record', str(out), '--for', '2', '--from-start', *config]
    assert insight.main(keep) == service.OK
    assert len(samples(out)) == 37


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['--scenario', 'nonsense'], 'antagonist'),
        (['--hosts', '0'], '--hosts 0'),
        (['--hours', '-1'], 'hours'),
        (['--cpus', '0'], 'CPUs'),
        (['--ledger', 'ebpf'], 'slices'),
        (['--traces', '/nowhere'], '/nowhere'),
        (['--labels', '/nowhere/at/all'], '/nowhere/at/all'),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    words: Sequence[str],
    told: str,
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert simulate(tmp_path / 'out', *words) == service.MISUSED
    said = capsys.readouterr().err
    assert told in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize('kind', ['nab', 'opendc'])
def test_traces_drive_the_guests(kind: str, tmp_path: pathlib.Path) -> None:
    plain, driven = tmp_path / 'plain', tmp_path / 'driven'
    assert simulate(plain) == service.OK
    assert simulate(driven, '--traces', TRACES / kind) == service.OK
    assert samples(plain) != samples(driven)
