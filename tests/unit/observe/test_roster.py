# SPDX-License-Identifier: Apache-2.0
"""Finding QEMU processes without libvirt."""

import os
import pathlib

import pytest

from kvm_insight.observe import roster

UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
OTHER = 'a87a72dd-a5e3-402c-aef4-3be00d906b62'


def qemu(uuid: str, name: str = 'web') -> list[str]:
    return [
        '/usr/bin/qemu-system-x86_64',
        '-name',
        f'guest={name},debug-threads=on',
        '-S',
        '-uuid',
        uuid,
    ]


class Host:
    """A ``/proc`` and a run folder to write into."""

    def __init__(self, root: pathlib.Path) -> None:
        self.proc = root / 'proc'
        self.run = root / 'run'
        self.proc.mkdir()
        self.run.mkdir()

    def process(self, pid: int, words: list[str], start: int = 7) -> None:
        folder = self.proc / str(pid)
        folder.mkdir(exist_ok=True)
        (folder / 'cmdline').write_bytes(
            b'\0'.join(w.encode() for w in words) + b'\0'
        )
        rest = ['S', *['0'] * 18, str(start), *['0'] * 30]
        (folder / 'stat').write_text(f'{pid} (qemu) {" ".join(rest)}')

    def end(self, pid: int) -> None:
        for path in (self.proc / str(pid)).iterdir():
            path.unlink()
        (self.proc / str(pid)).rmdir()

    def pid_file(self, name: str, text: str) -> None:
        (self.run / f'{name}.pid').write_text(text)

    def roster(self, *, scan: bool = False) -> roster.Roster:
        return roster.Roster(self.proc, None if scan else self.run)


@pytest.fixture
def host(tmp_path: pathlib.Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize('scan', [False, True])
def test_a_domain_is_found_with_uuid_name_and_start(
    host: Host, scan: bool
) -> None:
    host.process(100, qemu(UUID.upper(), 'web,,1'))
    host.process(1, ['/sbin/init'])
    host.pid_file('web', '100')
    host.pid_file('driver', '1')
    found = host.roster(scan=scan).look(thoroughly=True)
    assert found == [roster.Entry(UUID, 'web,1', 100, 7)]


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        (['qemu', '-uuid', UUID, '-name', 'old'], (UUID, 'old')),
        (['qemu', '-uuid', UUID], (UUID, UUID)),
        (['qemu', '-name', 'guest=a', '-uuid', 'none'], None),
        (['qemu', '-uuid'], None),
        (['bash', '-c', f'qemu -uuid {UUID}'], None),
        ([], None),
    ],
)
def test_a_command_line_is_qemu_by_its_uuid(
    words: list[str], expected: tuple[str, str] | None
) -> None:
    cmdline = b'\0'.join(word.encode() for word in words)
    assert roster.parse_command(cmdline) == expected


def test_an_unchanged_run_folder_is_not_read_again(host: Host) -> None:
    host.process(100, qemu(UUID))
    host.pid_file('web', '100')
    known = host.roster()
    assert known.look(thoroughly=False)
    # Behind the folder's back: only a thorough look may notice.
    host.end(100)
    assert known.look(thoroughly=False)
    assert known.look(thoroughly=True) == []


def test_a_new_pid_file_is_noticed_at_once(host: Host) -> None:
    known = host.roster()
    assert known.look(thoroughly=True) == []
    for _ in range(5):
        known.look(thoroughly=False)
    host.process(100, qemu(UUID))
    host.pid_file('web', '100')
    assert [e.uuid for e in known.look(thoroughly=False)] == [UUID]


@pytest.mark.parametrize('scan', [False, True])
def test_a_reused_pid_is_another_domain(host: Host, scan: bool) -> None:
    host.process(100, qemu(UUID))
    host.pid_file('web', '100')
    known = host.roster(scan=scan)
    known.look(thoroughly=True)
    host.process(100, qemu(OTHER), start=9)
    assert known.look(thoroughly=True) == [roster.Entry(OTHER, 'web', 100, 9)]


def test_a_child_of_libvirtd_that_becomes_qemu_is_not_missed(
    host: Host,
) -> None:
    """libvirt forks first and executes QEMU a moment later."""
    host.process(100, ['/usr/sbin/libvirtd'])
    host.pid_file('web', '100')
    known = host.roster()
    assert known.look(thoroughly=False) == []
    host.process(100, qemu(UUID))
    assert len(known.look(thoroughly=False)) == 1


def test_a_pid_file_of_a_dead_process_is_nobody(host: Host) -> None:
    host.pid_file('web', '4711')
    host.pid_file('empty', '')
    host.pid_file('odd', 'x1')
    assert host.roster().look(thoroughly=True) == []


def test_without_a_run_folder_all_processes_are_looked_through(
    host: Host,
) -> None:
    host.process(100, qemu(UUID))
    host.run.rmdir()
    assert len(host.roster().look(thoroughly=True)) == 1


def test_a_zombie_is_no_domain(host: Host) -> None:
    host.process(100, qemu(UUID))
    stat = host.proc / '100/stat'
    stat.write_text(stat.read_text().replace(' S ', ' Z ', 1))
    host.pid_file('web', '100')
    assert host.roster().look(thoroughly=True) == []


def test_a_pid_file_that_was_written_anew_is_read_anew(host: Host) -> None:
    host.process(10, qemu(UUID))
    host.process(11, qemu(OTHER))
    path = host.run / 'web.pid'
    path.write_text('10')
    found = roster.Roster(host.proc, host.run)
    assert [e.pid for e in found.look(thoroughly=True)] == [10]
    stamp = host.run.stat()
    path.write_text('11 ')
    os.utime(host.run, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert [e.uuid for e in found.look(thoroughly=True)] == [OTHER]
