# SPDX-License-Identifier: Apache-2.0
"""Reads facts below one root, and keeps why a fact is not known."""

import pathlib
import stat
from collections.abc import Callable

import msgspec

from kvm_insight import exception
from kvm_insight.model import facts
from kvm_insight.observe import file

_TYPES = {
    one.name: one.type for one in msgspec.structs.fields(facts.HostFacts)
}
_LONGEST = 1024


class Reader:
    """One root; what was found, and what was not, field by field."""

    def __init__(self, root: pathlib.Path) -> None:
        """``root`` is ``/``, or a folder with ``proc``, ``sys``, ... in it."""
        self.root = root
        self.found: dict[str, object] = {}
        self.unknown: dict[str, str] = {}

    def take(self, name: str, read: Callable[[], object]) -> None:
        """Keep a field's value, or the reason why there is none."""
        try:
            value = msgspec.to_builtins(read())
            self.found[name] = msgspec.convert(value, _TYPES[name])
        except exception.NoData as why:
            self.unknown[name] = str(why)[:_LONGEST]
        except (
            exception.CollectorError,
            ValueError,
            msgspec.ValidationError,
        ) as why:
            self.unknown[name] = f'not understood: {why}'[:_LONGEST]
        except LookupError:
            # A word that stands in each such file is not there.
            self.unknown[name] = 'not understood: it is cut short'

    def text(self, path: str) -> str:
        """Return a file's text without its margins; NoData says why not.

        CollectorError for what is no plain file, such as a pipe or a device:
        to open one may already do something.
        """
        try:
            if self._is_other(path):
                raise exception.CollectorError(f'/{path} is no plain file')
            text = file.read(self.root / path)
        except exception.NoData as why:
            if isinstance(why.__cause__, PermissionError):
                raise exception.NoData(f'no permission: /{path}') from why
            raise
        if text is None:
            raise exception.NoData(f'no such file: /{path}')
        return text.strip()

    def word(self, path: str) -> str:
        """Return a short text, as a fact may carry it."""
        return self.text(path)[:_LONGEST]

    def number(self, path: str) -> int:
        """Return the number in a file."""
        return file.number(self.text(path), f'/{path}')

    def flag(self, path: str) -> bool:
        """Return what ``0``, ``1``, ``N`` or ``Y`` say."""
        text = self.text(path)
        if text not in ('0', '1', 'N', 'Y'):
            raise exception.CollectorError(f'/{path}: {text[:40]!r}')
        return text in ('1', 'Y')

    def maybe(self, path: str) -> str | None:
        """Return a short text; None where it cannot be had."""
        try:
            return self.word(path)
        except exception.KvmInsightError:
            return None

    def maybe_number(self, path: str) -> int | None:
        """Return a number that is not negative; None where there is none."""
        text = self.maybe(path)
        return int(text) if text is not None and text.isdecimal() else None

    def names(self, path: str) -> list[str]:
        """Return a folder's names in order; NoData says why not."""
        folder = self.root / path
        try:
            found = sorted(file.names(folder))
        except exception.NoData as why:
            raise exception.NoData(f'no permission: /{path}') from why
        if not found and not folder.is_dir():
            raise exception.NoData(f'no such file: /{path}')
        return found

    def has(self, path: str) -> bool:
        """Say whether something is there; NoData where nobody may look."""
        try:
            return (self.root / path).exists()
        except OSError as why:
            raise exception.NoData(f'no permission: /{path}') from why

    def _is_other(self, path: str) -> bool:
        """Say whether it is something else than a file; not if unseen."""
        try:
            return not stat.S_ISREG((self.root / path).stat().st_mode)
        except OSError:
            return False


def chosen(text: str) -> str:
    """Return the word in brackets, as ``madvise`` of ``always [madvise]``."""
    _, bracket, rest = text.partition('[')
    word, closed, _ = rest.partition(']')
    if bracket and closed:
        return word
    raise exception.CollectorError(f'no word in brackets: {text[:40]!r}')
