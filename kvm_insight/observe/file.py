# SPDX-License-Identifier: Apache-2.0
"""Small files of the kernel: read whole, told apart when they are not there.

Three things can be wrong with such a file, and each has its own answer:
it is gone (``None``: a process ended, a group was removed, or the kernel is
without it; only the caller knows which), the kernel has it but says nothing
here (``NoData``), or it is broken (``CollectorError``).
"""

import errno
import os
import pathlib
from collections.abc import Callable

from kvm_insight import exception

CHUNK = 65536
#: A shorter read was the last: the kernel hands out whole records and fills
#: a page before it stops, so what is between this and a page may go on.
SHORT = 1024
#: No file that is read here is longer, and a device may never end.
LONGEST = 16 << 20
#: Nobody writes into the kernel's files; a pipe in their place must not hold
#: whoever reads it.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
#: What reads a file: ``read``, or the same with descriptors kept open.
Read = Callable[[pathlib.Path | str], str | None]

_GONE = {errno.ENOENT, errno.ESRCH, errno.ENOTDIR, errno.ENODEV}
_SILENT = {
    errno.EOPNOTSUPP: 'the kernel has it switched off',
    errno.EACCES: 'the agent may not read it',
    errno.EPERM: 'the agent may not read it',
}


def read(path: pathlib.Path | str) -> str | None:
    """Return what the file says; None when it is not there (any more)."""
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            return _whole(descriptor, path)
        finally:
            os.close(descriptor)
    except OSError as why:
        if is_gone(why):
            return None
        raise explain(path, why) from why


def read_number(path: pathlib.Path | str, reader: Read = read) -> int | None:
    """Return the number in the file; None as with ``read``."""
    text = reader(path)
    return None if text is None else number(text, str(path))


def number(text: str, where: str) -> int:
    """Return the number that the text is; CollectorError when it is none."""
    try:
        return int(text)
    except ValueError as why:
        raise exception.CollectorError(
            f'{where}: {text.strip()[:40]!r} is no number'
        ) from why


def pairs(text: str) -> dict[str, int]:
    """Return the lines ``name number`` of a flat keyed file.

    Lines of another form, and units after the number, are left out.
    """
    found: dict[str, int] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[1].isdecimal():
            found[words[0].rstrip(':')] = int(words[1])
    return found


def names(path: pathlib.Path | str) -> list[str]:
    """Return the names in a folder; empty when it is not there."""
    try:
        return os.listdir(path)  # noqa: PTH208 (three times as fast)
    except OSError as why:
        if is_gone(why):
            return []
        raise explain(path, why) from why


def inode(path: pathlib.Path | str) -> int | None:
    """Return the inode's number; None when it is not there (any more)."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 (as the rest of this room)
    except OSError as why:
        if is_gone(why):
            return None
        raise explain(path, why) from why


def is_gone(why: OSError) -> bool:
    """Say whether the error means that the file is not there (any more)."""
    return why.errno in _GONE


def explain(
    path: pathlib.Path | str, why: OSError
) -> exception.KvmInsightError:
    """Return the error that an OSError on this path stands for."""
    if why.errno in _SILENT:
        # Without the folder: it is one reason for all processes.
        name = pathlib.Path(path).name
        return exception.NoData(f'{name}: {_SILENT[why.errno]}')
    return exception.CollectorError(f'{path}: {why.strerror}')


def _whole(descriptor: int, path: pathlib.Path | str) -> str:
    chunks = []
    size = 0
    while chunk := os.read(descriptor, CHUNK):
        chunks.append(chunk)
        if len(chunk) < SHORT:
            break
        # Of large files, too, the kernel hands out no more than a page.
        size += len(chunk)
        if size > LONGEST:
            raise exception.CollectorError(
                f'{path}: longer than {LONGEST >> 20} MiB'
            )
    return b''.join(chunks).decode(errors='replace')
