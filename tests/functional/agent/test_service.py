# SPDX-License-Identifier: Apache-2.0
"""The agent as a service: rights, reload, the end, what it costs."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest
from lab import daemon, guest, tiny

from kvm_insight.model import sample


def by_name(one: sample.Sample) -> dict[str, sample.Domain]:
    return {domain.name: domain for domain in one.domains}


def named(*names: str) -> Any:
    return lambda one: set(names) <= set(by_name(one))


@pytest.fixture
def small(lab: daemon.Lab) -> Any:
    """A maker of tiny guests; all are gone afterwards."""
    made: list[str] = []

    def start(name: str, **options: Any) -> guest.Guest:
        new = guest.Guest(name, '0-1', '1:0', memory_mib=16, **options)
        tiny.start(lab, new)
        made.append(name)
        return new

    yield start
    lab.stop(*made)


def test_each_kind_of_metadata_says_what_it_is(
    lab: daemon.Lab, small: Any, watch: Any
) -> None:
    kinds = ('nova11', 'nova10', 'none', 'broken', 'foreign')
    guests = {kind: small(f'm-{kind}', metadata=kind) for kind in kinds}
    agent = watch(lab)
    names = [one.name for one in guests.values()]
    one = agent.wait(
        lambda s: (
            named(*names)(s)
            and all(by_name(s)[n].libvirt_age_us is not None for n in names)
        ),
        20,
    )
    found = {kind: by_name(one)[f'm-{kind}'].identity for kind in kinds}
    for kind in ('nova11', 'nova10'):
        assert (found[kind].source, found[kind].status) == ('nova', 'ok')
        assert found[kind].project_id == guests[kind].project_id
    assert found['none'] == sample.Identity(status='missing')
    assert found['foreign'] == sample.Identity(status='foreign')
    assert found['broken'].project_id == 'unassigned'
    assert found['broken'].status in ('partial', 'broken')
    failures = one.agent.identity_failures
    assert failures == {
        'missing': 1,
        'foreign': 1,
        found['broken'].status: 1,
    }


def test_a_reload_adopts_the_mapping_and_refuses_a_broken_one(
    lab: daemon.Lab, small: Any, watch: Any, tmp_path: pathlib.Path
) -> None:
    small('plain', metadata='none')
    owners = tmp_path / 'owners'
    owners.write_text('[plain]\nproject = first\n')
    agent = watch(lab, agent__mapping_file=str(owners))

    def project(one: sample.Sample) -> str | None:
        plain = by_name(one).get('plain')
        return plain.identity.project_id if plain else None

    agent.wait(lambda one: project(one) == 'first', 15)
    owners.write_text('[plain]\nproject = second\n')
    os.kill(agent.pid, signal.SIGHUP)
    agent.wait(lambda one: project(one) == 'second', 10)
    owners.write_text('[plain]\nprojekt = third\n')
    os.kill(agent.pid, signal.SIGHUP)
    assert {project(one) for one in agent.more(3)} == {'second'}
    refusals = [line for line in agent.log.splitlines() if 'refused' in line]
    assert len(refusals) == 1
    assert f'{owners}, line 2' in refusals[0]


def test_a_mistake_at_start_is_one_line_with_line_and_remedy(
    lab: daemon.Lab, watch: Any, tmp_path: pathlib.Path
) -> None:
    owners = tmp_path / 'owners'
    owners.write_text('[plain]\n')
    agent = watch(lab, agent__mapping_file=str(owners))
    assert agent.process.wait(20) == 2
    assert agent.log.splitlines() == [
        f'kvm-insight-agent: {owners}, line 1: [plain] has no project ='
    ]


def test_the_end_is_quick_while_the_broker_is_away(
    lab: daemon.Lab, watch: Any
) -> None:
    agent = watch(lab, bus__driver='kafka', bus__servers='127.0.0.1:1')
    spool = agent.folder / 'spool.db'
    deadline = time.monotonic() + 20
    while not spool.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)
    code, seconds = agent.stop()
    assert code == 0, agent.log
    assert seconds < 2
    # Said once, not once a second.
    away = [line for line in agent.log.splitlines() if '127.0.0.1:1' in line]
    assert len(away) <= 2, agent.log


def test_systemd_hears_of_start_life_reload_and_end(
    lab: daemon.Lab,
    watch: Any,
    tmp_path: pathlib.Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = str(tmp_path / 'notify')
    monkeypatch.setenv('NOTIFY_SOCKET', path)
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(path)
        end.settimeout(20)
        agent = watch(lab)
        while b'WATCHDOG=1' not in heard:
            heard.append(end.recv(1000))
        assert heard.index(b'READY=1') < heard.index(b'WATCHDOG=1')
        os.kill(agent.pid, signal.SIGHUP)
        while not heard[-1].startswith(b'RELOADING=1\nMONOTONIC_USEC='):
            heard.append(end.recv(1000))
        while heard[-1] != b'READY=1':
            heard.append(end.recv(1000))
        assert agent.stop()[0] == 0
        while heard[-1] != b'STOPPING=1':
            heard.append(end.recv(1000))
    assert any(word.startswith(b'STATUS=') for word in heard)


def test_without_rights_it_samples_and_says_so_once(
    lab: daemon.Lab, small: Any, watch: Any
) -> None:
    small('watched')
    agent = watch(lab, start=False)
    agent.start('setpriv', '--bounding-set=-all', '--inh-caps=-all')
    one = agent.wait(lambda s: s.ledger is not None and s.sequence > 1, 20)
    assert one.ledger is not None
    assert one.ledger.source == 'sampled'
    assert one.ledger.reason == 'CAP_BPF is missing'
    assert one.missing['ledger_ebpf'] == 'CAP_BPF is missing'
    watched = by_name(one)['watched']
    assert watched.vcpus[0].run_us is not None
    assert watched.identity.status == 'ok'
    lines = [line for line in agent.log.splitlines() if 'ledger' in line]
    assert len(lines) == 1, agent.log


def test_who_insists_on_the_exact_ledger_is_refused_without_rights(
    lab: daemon.Lab, watch: Any
) -> None:
    agent = watch(lab, start=False, agent__ledger='ebpf')
    agent.start('setpriv', '--bounding-set=-all', '--inh-caps=-all')
    assert agent.process.wait(20) == 2
    assert agent.log.count('\n') == 1
    assert '[agent] ledger = ebpf cannot run here' in agent.log


@pytest.mark.parametrize('ledger', ['ebpf', 'sampled'])
def test_it_stays_small_and_never_loads_numpy(
    lab: daemon.Lab, small: Any, watch: Any, ledger: str
) -> None:
    for number in range(5):
        small(f'size{number}')
    agent = watch(lab, agent__ledger=ledger)
    one = agent.more(5)[-1]
    assert one.ledger is not None
    assert one.ledger.source == ledger
    assert one.agent.rss_bytes is not None
    assert one.agent.rss_bytes < 64 * 1024**2
    maps = pathlib.Path(f'/proc/{agent.pid}/maps').read_text()
    assert not re.search(r'numpy|pandas', maps)


def _story(agent: Any) -> str:
    """Tell, sample by sample, who was there and what libvirt said."""
    lines = [
        f'{one.time_us / 1e6:.1f} {one.missing.get("libvirt", "")} '
        + ' '.join(
            f'{d.name}:{d.identity.status}:{d.libvirt_age_us}'
            for d in one.domains
        )
        for one in agent.samples
    ]
    return '\n'.join([agent.log, *lines])


def test_many_short_lives_are_all_told_with_their_projects(
    lab: daemon.Lab, watch: Any
) -> None:
    """Each that lived two intervals is there, and nothing grows."""
    # As shipped: a machine whose guests boot all the time is a slow one.
    agent = watch(lab, agent__libvirt_timeout_s='5')
    agent.more(2)
    first_fds = _descriptors(agent.pid)
    lives: dict[str, guest.Guest] = {}
    for number in range(20):
        new = guest.Guest(f'churn{number}', '0-1', '1:0', memory_mib=16)
        tiny.start(lab, new)
        lives[new.uuid] = new
        if number % 4 == 3:
            # Two intervals for the youngest, then all four go.
            agent.more(3)
            lab.stop(*(f'churn{n}' for n in range(number - 3, number + 1)))
    agent.more(3)
    seen: dict[str, set[tuple[str, str]]] = {}
    for one in agent.samples:
        assert len({d.uuid for d in one.domains}) == len(one.domains)
        for domain in one.domains:
            seen.setdefault(domain.uuid, set()).add(
                (domain.name, domain.identity.project_id)
            )
    for uuid, new in lives.items():
        assert (new.name, new.project_id) in seen[uuid], _story(agent)
        # Nobody is ever taken for somebody else.
        assert seen[uuid] <= {
            (new.name, new.project_id),
            (new.name, 'unassigned'),
        }
    assert agent.samples[-1].domains == []
    assert _descriptors(agent.pid) <= first_fds + 2


def test_standalone_ends_by_itself_and_leaves_nothing(
    lab: daemon.Lab, small: Any, tmp_path: pathlib.Path
) -> None:
    small('shown')
    findings = tmp_path / 'findings.json'
    done = subprocess.run(
        [
            sys.executable,
            '-c',
            'import sys; from kvm_insight.cmd import insight;'
            ' sys.exit(insight.main())',
            'standalone',
            '--uri',
            lab.uri,
            '--run-dir',
            str(lab.pid_folder),
            '--host',
            'node1',
            '--state',
            str(tmp_path / 'state'),
            '--interval',
            '2',
            '--for',
            '5',
            '--findings',
            str(findings),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages, first, *_ = done.stdout.splitlines()
    assert f'with the token in {tmp_path}/state/api-token' in pages
    assert 'node1: watching 1 domain: shown (project p-shown)' in first
    assert findings.read_text() == ''
    assert done.stderr == ''


def _descriptors(pid: int) -> int:
    return len(list(pathlib.Path(f'/proc/{pid}/fd').iterdir()))
