# SPDX-License-Identifier: Apache-2.0
"""The description of a cluster in a file, read anew when that changes."""

import pathlib

from kvm_insight import exception
from kvm_insight.model import cluster


class ClusterFile:
    """Keeps what was read, until the file is another one."""

    def __init__(self, path: pathlib.Path) -> None:
        """Read from there when asked."""
        self._path = path
        self._known: cluster.Cluster | None = None
        self._mark: tuple[int, int, int] | None = None

    def read(self) -> cluster.Cluster:
        """Return the description; ClusterError says what is wrong with it.

        A file that is written in place may be seen half written: then this
        fails, and the next time it is whole.
        """
        try:
            status = self._path.stat()
            mark = (status.st_mtime_ns, status.st_size, status.st_ino)
            if self._known is None or mark != self._mark:
                self._known = cluster.read(self._path.read_bytes())
                self._mark = mark
        except OSError as why:
            raise exception.ClusterError(
                f'{self._path}: {why.strerror}'
            ) from why
        except exception.CodecError as why:
            raise exception.ClusterError(f'{self._path}: {why}') from why
        return self._known
