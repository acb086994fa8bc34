# SPDX-License-Identifier: Apache-2.0
"""``doctor`` on trees, with libvirt's own test driver and without libvirt."""

import json
import pathlib
import socket
import subprocess
import sys

import pytest

from kvm_insight.advise import check, registry
from kvm_insight.cmd import completion, doctor_text, insight
from kvm_insight.observe.facts import spread, survey
from tests.unit.observe import planting

TEST = 'test:///default'
NOWHERE = 'qemu:///system?socket=/nowhere'


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test must not find the configuration of this machine."""
    monkeypatch.setattr('logging.basicConfig', lambda **_: None)


@pytest.fixture
def intel(tmp_path: pathlib.Path) -> pathlib.Path:
    planting.unpack('configured/intel', tmp_path)
    return tmp_path


def run(root: pathlib.Path, *words: str, uri: str = NOWHERE) -> int:
    return insight.main(['doctor', '--root', str(root), '--uri', uri, *words])


def test_a_host_with_nothing_wrong_ends_with_zero_and_says_what_is_unread(
    intel: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(intel) == 0
    said = capsys.readouterr().out
    assert 'domains not read: libvirt: Failed to connect' in said
    assert 'system.libvirt, system.qemu: ' not in said
    assert ': 0 bad (0 high, 0 medium, 0 low)' in said


def test_what_is_wrong_is_told_with_evidence_and_remedies_worst_first(
    intel: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swappiness = intel / 'proc/sys/vm/swappiness'
    swappiness.write_text('60\n')
    (intel / 'sys/module/kvm_intel/parameters/ept').write_text('N\n')
    assert run(intel, '--host') == 1
    said = capsys.readouterr().out
    assert said.index('HIGH  extension.nested-paging') < said.index(
        'LOW  reclaim.swappiness'
    )
    assert 'seen     /proc/sys/vm/swappiness = 60' in said
    for label in ('why', 'libvirt', 'Nova', 'unless', 'read'):
        assert f'\n    {label.ljust(9)}' in said
    assert 'domains not read' not in said
    assert swappiness.read_text() == '60\n'


@pytest.mark.parametrize('width', [80, 100])
def test_what_is_said_fits_the_terminal_without_colours(
    intel: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    width: int,
) -> None:
    monkeypatch.setenv('COLUMNS', str(width))
    (intel / 'proc/sys/vm/swappiness').write_text('60\n')
    (intel / 'sys/module/kvm_intel/parameters/ept').write_text('N\n')
    run(intel, '--all')
    said = capsys.readouterr().out
    assert '\x1b' not in said
    # A path or an address is not broken in two.
    whole = [line for line in said.splitlines() if len(line.split()) > 2]
    assert max(map(len, whole)) <= width


def test_domains_of_libvirt_are_looked_at(
    intel: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(intel, '--json', '--all', uri=TEST)
    told = json.loads(capsys.readouterr().out)
    assert told['domains'] == 1
    assert told['unread'] is None
    about = {(one['about'], one['name']) for one in told['answers']}
    assert ('domain', 'test') in about
    ids = {one['id'] for one in told['answers']}
    known = {one.id for one in registry.HOST}
    assert ids == known | {one.id for one in registry.DOMAIN}
    assert sum(told['counts'].values()) == len(told['answers'])


def test_json_without_all_has_what_is_bad_or_unknown(
    intel: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (intel / 'proc/sys/vm/swappiness').write_text('60\n')
    assert run(intel, '--json', '--host') == 1
    told = json.loads(capsys.readouterr().out)
    assert {one['outcome'] for one in told['answers']} == {
        'bad',
        'cannot_tell',
    }
    first = told['answers'][0]
    assert first['id'] == 'reclaim.swappiness'
    assert first['evidence'] == [
        {'where': '/proc/sys/vm/swappiness', 'value': '60'}
    ]
    assert set(first['remedy']) == {'libvirt', 'nova'}


def test_one_domain_can_be_asked_for(
    intel: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(intel, '--domain', 'test', '--json', '--all', uri=TEST)
    told = json.loads(capsys.readouterr().out)
    assert {one['about'] for one in told['answers']} == {'domain'}


@pytest.mark.parametrize(
    ('words', 'uri', 'said'),
    [
        (['--domain', 'nobody'], TEST, 'no running domain'),
        (['--domain', 'tset'], TEST, 'near it: test'),
        (['--domain', 'nobody'], NOWHERE, 'Failed to connect'),
        (['--domain', 'test', '--host'], TEST, 'exclude each other'),
    ],
)
def test_what_cannot_be_done_ends_with_two_and_one_line(
    intel: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    uri: str,
    said: str,
) -> None:
    assert run(intel, *words, uri=uri) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_a_root_that_is_none_is_refused(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path) == 2
    assert 'no proc' in capsys.readouterr().err


def test_a_libvirt_that_does_not_answer_is_not_waited_for(
    tmp_path: pathlib.Path,
) -> None:
    path = tmp_path / 'sock'
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(path))
        silent.listen()
        found = survey.ask(f'qemu:///system?socket={path}', 0.3)
    assert found.why == 'libvirt has not answered for 0.3 s'


def test_the_shell_completes_its_switches() -> None:
    words = completion.verbs(insight.parser())['doctor']
    assert {'--host', '--domain', '--json', '--all'} <= set(words)


def test_it_starts_without_what_other_verbs_need() -> None:
    code = (
        'import sys; from kvm_insight.cmd import insight;'
        " insight.parser(['doctor']); print('numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == 'False'


def test_a_name_cannot_move_the_cursor() -> None:
    row = doctor_text.Row(
        registry.DOMAIN[0], check.Bad((('x', 'a\x1b[2Jb'),), 'bad'), '\x1b]0;'
    )
    answers = doctor_text.Answers('h\x07', (row,), 1)
    text = '\n'.join(doctor_text.lines(answers, everything=True, width=80))
    assert '\x1b' not in text
    assert '\x07' not in text


def test_a_finding_of_many_domains_is_told_once() -> None:
    bad = check.Bad((('x', 'y'),), 'bad')
    rows = tuple(
        doctor_text.Row(registry.DOMAIN[0], bad, f'd{number}')
        for number in range(20)
    )
    answers = doctor_text.Answers('h', rows, 20)
    text = '\n'.join(doctor_text.lines(answers, everything=False, width=80))
    assert text.count(registry.DOMAIN[0].reason[:20]) == 1
    assert 'and 12 more' in text
    assert 'h, 20 domains: 20 bad' in text


def test_where_memory_lies_is_read_of_each_process(
    tmp_path: pathlib.Path,
) -> None:
    planting.unpack('v2_systemd', tmp_path)
    uuid = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
    (tmp_path / 'proc/4000/cmdline').write_text(
        f'/usr/bin/qemu-system-x86_64\0-name\0guest=a\0-uuid\0{uuid}\0'
    )
    found = spread.read(tmp_path)
    assert set(found) == {uuid}
    assert isinstance(found[uuid], dict)
    planting.unpack('numa_hugepages', tmp_path)
    both = spread.read(tmp_path)[uuid]
    assert isinstance(both, dict)
    # 700 huge pages of 2 MiB, and small ones of the heap.
    assert both['0'] > 700 * 2 << 20
