# SPDX-License-Identifier: Apache-2.0
"""Kernel programs through the distribution's libbpf, without a compiler."""

import ctypes
import errno
import mmap
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Literal

from kvm_insight import exception

#: 1.x everywhere but in older distributions, which still have 0.x.
SONAMES = ('libbpf.so.1', 'libbpf.so.0')
_STRICT_ALL = 0xFFFFFFFF
_WARNING = 0
_PRINT = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p
)
_POINTER = ctypes.c_void_p
_NAME = ctypes.c_char_p
_INT = ctypes.c_int
_U32 = ctypes.c_uint32
#: Function -> what it returns, and its arguments.
_FUNCTIONS: dict[str, tuple[type | None, list[type]]] = {
    'libbpf_set_strict_mode': (_INT, [_U32]),
    'libbpf_set_print': (_POINTER, [_PRINT]),
    'libbpf_num_possible_cpus': (_INT, []),
    'bpf_object__open_mem': (_POINTER, [_NAME, ctypes.c_size_t, _POINTER]),
    'bpf_object__load': (_INT, [_POINTER]),
    'bpf_object__close': (None, [_POINTER]),
    'bpf_object__find_map_by_name': (_POINTER, [_POINTER, _NAME]),
    'bpf_object__find_program_by_name': (_POINTER, [_POINTER, _NAME]),
    'bpf_map__set_max_entries': (_INT, [_POINTER, _U32]),
    'bpf_map__max_entries': (_U32, [_POINTER]),
    'bpf_map__value_size': (_U32, [_POINTER]),
    'bpf_map__fd': (_INT, [_POINTER]),
    'bpf_map_update_elem': (
        _INT,
        [_INT, _POINTER, _POINTER, ctypes.c_uint64],
    ),
    'bpf_map_delete_elem': (_INT, [_INT, _POINTER]),
    'bpf_program__attach': (_POINTER, [_POINTER]),
    'bpf_program__fd': (_INT, [_POINTER]),
    'bpf_link__fd': (_INT, [_POINTER]),
    'bpf_link__destroy': (_INT, [_POINTER]),
    'bpf_iter_create': (_INT, [_INT]),
}


class Library:
    """libbpf, silent; what it would have printed is kept for an error."""

    def __init__(self) -> None:
        self._lib = _open_library()
        for name, (result, arguments) in _FUNCTIONS.items():
            try:
                function = getattr(self._lib, name)
            except AttributeError:
                raise exception.LedgerError(
                    f'libbpf is too old: it has no {name}'
                ) from None
            function.restype, function.argtypes = result, arguments
        self._said: list[str] = []
        format_ = ctypes.CDLL(None).vsnprintf
        format_.argtypes = [_NAME, ctypes.c_size_t, _NAME, _POINTER]

        def keep(level: int, words: bytes, arguments: int) -> int:
            if level == _WARNING:
                text = ctypes.create_string_buffer(1 << 16)
                format_(text, len(text), words, arguments)
                self._said += text.value.decode(errors='replace').splitlines()
            return 0

        # libbpf keeps the pointer, so the library must keep the callable.
        self._print = _PRINT(keep)
        self._lib.libbpf_set_strict_mode(_STRICT_ALL)
        self._lib.libbpf_set_print(self._print)

    def call(self, name: str, *arguments: object) -> int:
        """Call a function; its result, or OSError with what it meant."""
        ctypes.set_errno(0)
        result: int | None = getattr(self._lib, name)(*arguments)
        restype = _FUNCTIONS[name][0]
        if restype is None:
            return 0
        failed = result is None or (restype is _INT and result < 0)
        if failed:
            number = ctypes.get_errno() or -(result or -errno.EINVAL)
            raise OSError(number, os.strerror(number))
        return result or 0

    def reason(self, error: OSError) -> str:
        """Return the one line that says most of why something failed."""
        said, self._said = self._said, []
        return verdict(said) or str(error.strerror)


def _open_library() -> ctypes.CDLL:
    for name in SONAMES:
        try:
            return ctypes.CDLL(name, use_errno=True)
        except OSError:
            continue
    raise exception.LedgerError(
        f'no libbpf ({SONAMES[0]}); install libbpf1 or libbpf'
    )


def verdict(said: Sequence[str]) -> str:
    """The verifier's last word before its statistics, if it spoke."""
    for index, line in enumerate(said):
        if line.startswith('processed ') and index:
            return said[index - 1].strip()
    return ''


class Programs:
    """One object in the kernel; gone with ``close``, or with the process."""

    def __init__(
        self, library: Library, path: pathlib.Path, sizes: Mapping[str, int]
    ) -> None:
        self._library = library
        self._links: list[int] = []
        self._maps: dict[str, int] = {}
        self._views: list[tuple[mmap.mmap, memoryview[int]]] = []
        content = path.read_bytes()
        try:
            self._object = library.call(
                'bpf_object__open_mem', content, len(content), None
            )
        except OSError as why:
            raise exception.LedgerError(
                f'{path.name} is no BPF object: {library.reason(why)}'
            ) from why
        try:
            for name, entries in sizes.items():
                library.call(
                    'bpf_map__set_max_entries', self._map(name), entries
                )
            library.call('bpf_object__load', self._object)
        except OSError as why:
            self.close()
            raise exception.LedgerError(
                f'the kernel refuses {path.name}: {library.reason(why)}'
            ) from why

    def attach(self, *names: str) -> None:
        """Let these programs run from now on."""
        for name in names:
            try:
                self._links.append(self._attach(name))
            except OSError as why:
                raise exception.LedgerError(
                    f'cannot attach {name}: {self._library.reason(why)}'
                ) from why

    def iterate(self, name: str) -> None:
        """Run an iterator program once over everything."""
        try:
            link = self._attach(name)
            try:
                number = self._library.call('bpf_link__fd', link)
                fd = self._library.call('bpf_iter_create', number)
                with os.fdopen(fd, 'rb') as file:
                    file.read()
            finally:
                self._library.call('bpf_link__destroy', link)
        except OSError as why:
            raise exception.LedgerError(
                f'cannot run {name}: {self._library.reason(why)}'
            ) from why

    def _attach(self, name: str) -> int:
        program = self._library.call(
            'bpf_object__find_program_by_name', self._object, name.encode()
        )
        return self._library.call('bpf_program__attach', program)

    def program_fd(self, name: str) -> int:
        """Return a program's descriptor, to ask what it cost."""
        program = self._library.call(
            'bpf_object__find_program_by_name', self._object, name.encode()
        )
        return self._library.call('bpf_program__fd', program)

    def _map(self, name: str) -> int:
        if name not in self._maps:
            self._maps[name] = self._library.call(
                'bpf_object__find_map_by_name', self._object, name.encode()
            )
        return self._maps[name]

    def shape(self, name: str) -> tuple[int, int]:
        """Return how many entries a map has and how large each is."""
        found = self._map(name)
        return (
            self._library.call('bpf_map__max_entries', found),
            self._library.call('bpf_map__value_size', found),
        )

    def memory(
        self,
        name: str,
        kind: Literal['B', 'Q'] = 'B',
        *,
        writable: bool = False,
    ) -> memoryview:
        """Return a map's own memory; reading it costs no system call."""
        entries, size = self.shape(name)
        length = -(-entries * size // mmap.PAGESIZE) * mmap.PAGESIZE
        access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
        fd = self._library.call('bpf_map__fd', self._map(name))
        pages = mmap.mmap(fd, length, mmap.MAP_SHARED, access)
        self._views.append((pages, memoryview(pages).cast(kind)))
        return self._views[-1][1]

    def update(self, name: str, key: bytes, value: bytes) -> None:
        """Set one entry of a hash; OSError (E2BIG) when it is full."""
        fd = self._library.call('bpf_map__fd', self._map(name))
        self._library.call('bpf_map_update_elem', fd, key, value, 0)

    def delete(self, name: str, key: bytes) -> None:
        """Remove one entry of a hash; absent ones are no error."""
        fd = self._library.call('bpf_map__fd', self._map(name))
        try:
            self._library.call('bpf_map_delete_elem', fd, key)
        except FileNotFoundError:
            return

    def close(self) -> None:
        """Detach and unload everything; a second time does nothing."""
        views, self._views = self._views, []
        for pages, view in views:
            view.release()
            pages.close()
        links, self._links = self._links, []
        for link in links:
            self._library.call('bpf_link__destroy', link)
        loaded, self._object = self._object, 0
        self._maps.clear()
        if loaded:
            self._library.call('bpf_object__close', loaded)
