# SPDX-License-Identifier: Apache-2.0
"""Which QEMU processes run here, found without asking libvirt.

libvirt leaves a pid file for each domain in its run folder, readable for
everybody; where that folder is not to be seen, all processes are looked
through for QEMU's ``-uuid``. So a libvirtd that is away blinds nobody.
"""

import contextlib
import dataclasses
import itertools
import os
import pathlib
import re
from collections.abc import Iterable

from kvm_insight import exception
from kvm_insight.observe import file, task

_UUID = re.compile(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_LONGEST = 1024
#: A process that was looked at so often and is no QEMU will not become one:
#: libvirt forks, and only some time later the child executes QEMU.
_LOOKS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One domain's QEMU process."""

    uuid: str
    name: str
    pid: int
    #: Clock ticks after boot at which it started.
    start: int


def parse_command(cmdline: bytes) -> tuple[str, str] | None:
    """Return UUID and name; None for what is no QEMU of libvirt's."""
    words = [word.decode(errors='replace') for word in cmdline.split(b'\0')]
    uuid = _after(words, '-uuid').lower()
    if not _UUID.fullmatch(uuid):
        return None
    name = _guest_name(_after(words, '-name')) or uuid
    return uuid, name[:_LONGEST]


class Roster:
    """Keeps the list of QEMU processes; asking again costs little."""

    def __init__(
        self, proc: pathlib.Path, run_dir: pathlib.Path | None
    ) -> None:
        self._proc = proc
        self._run_dir = run_dir
        self._entries: dict[int, Entry] = {}
        #: pid -> how often it was looked at and was no QEMU.
        self._others: dict[int, int] = {}
        self._pid_files = PidFiles()
        self._stamp: tuple[int, int] | None = None
        self._unsettled = True

    def look(self, *, thoroughly: bool) -> list[Entry]:
        """Return who is there; thoroughly also notices reused pids.

        Without ``thoroughly`` an unchanged run folder costs one system call.
        """
        pids = self._candidates(thoroughly=thoroughly)
        if pids is not None:
            self._meet(pids, thoroughly=thoroughly)
        return list(self._entries.values())

    def _candidates(self, *, thoroughly: bool) -> set[int] | None:
        """Return the pids to look at; None if nothing can have changed."""
        if self._run_dir is None:
            return _numbers(file.names(self._proc))
        try:
            status = self._run_dir.stat()
        except OSError:
            return _numbers(file.names(self._proc))
        stamp = (status.st_ino, status.st_mtime_ns)
        if stamp == self._stamp and not (thoroughly or self._unsettled):
            return None
        self._stamp = stamp
        return self._pid_files.look(self._run_dir)

    def _meet(self, pids: set[int], *, thoroughly: bool) -> None:
        for pid in self._entries.keys() - pids:
            del self._entries[pid]
        for pid in self._others.keys() - pids:
            del self._others[pid]
        self._unsettled = False
        for pid in pids:
            if pid in self._entries and not thoroughly:
                continue
            if not thoroughly and self._others.get(pid, 0) >= _LOOKS:
                continue
            self._look_at(pid)

    def _look_at(self, pid: int) -> None:
        entry = self._entries.get(pid)
        stat = _read_stat(self._proc, pid)
        if stat is None or stat.state in 'ZX':
            self._entries.pop(pid, None)
            # The file may be there before the process is what it will be.
            self._dismiss(pid)
            return
        if entry is not None and entry.start == stat.start:
            return
        command = parse_command(_read_command(self._proc, pid))
        if command is None:
            self._entries.pop(pid, None)
            self._dismiss(pid)
            return
        uuid, name = command
        self._others.pop(pid, None)
        self._entries[pid] = Entry(uuid, name, pid, stat.start)

    def _dismiss(self, pid: int) -> None:
        looks = self._others.get(pid, 0) + 1
        self._others[pid] = min(looks, _LOOKS)
        self._unsettled = self._unsettled or looks < _LOOKS


class PidFiles:
    """libvirt's pid files; one is read again only if it was written."""

    def __init__(self) -> None:
        #: Name -> what tells a file from a later one, and its text.
        self._known: dict[str, tuple[tuple[int, int, int], str]] = {}

    def look(self, folder: pathlib.Path) -> set[int]:
        """Return the pids in the folder's files."""
        known = {}
        with contextlib.suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith('.pid'):
                    found = self._read(entry)
                    if found is not None:
                        known[entry.name] = found
        self._known = known
        return _numbers(text.strip() for _, text in known.values())

    def _read(
        self, entry: os.DirEntry[str]
    ) -> tuple[tuple[int, int, int], str] | None:
        try:
            status = entry.stat()
        except OSError:
            return None
        stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
        known = self._known.get(entry.name)
        if known is not None and known[0] == stamp:
            return known
        return stamp, _read_quietly(entry.path)


def _numbers(words: Iterable[str]) -> set[int]:
    return {int(word) for word in words if word.isdecimal()}


def _read_quietly(path: pathlib.Path | str) -> str:
    """Return the file's text; a file that went away or is closed is empty."""
    try:
        return file.read(path) or ''
    except exception.KvmInsightError:
        return ''


def _read_command(proc: pathlib.Path, pid: int) -> bytes:
    return _read_quietly(proc / str(pid) / 'cmdline').encode()


def _read_stat(proc: pathlib.Path, pid: int) -> task.Stat | None:
    try:
        return task.read_process(proc, pid)
    except exception.KvmInsightError:
        return None


def _after(words: list[str], switch: str) -> str:
    """Return the word that follows the switch, or nothing."""
    for word, following in itertools.pairwise(words):
        if word == switch:
            return following
    return ''


def _guest_name(value: str) -> str:
    """Return ``NAME`` of ``guest=NAME,debug-threads=on``; commas doubled."""
    for part in re.split(r'(?<!,),(?!,)', value):
        key, equals, name = part.partition('=')
        if key == 'guest' and equals:
            return name.replace(',,', ',')
        if not equals:
            return part.replace(',,', ',')
    return ''
