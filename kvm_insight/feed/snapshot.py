# SPDX-License-Identifier: Apache-2.0
"""Snapshot: what Nova's weigher and filter read of each host.

::

    {"schema": "kvm_insight.snapshot/1", "written_us": 1790000000000000,
     "hosts": {"compute7": {"heat": 0.62, "marked": true}}}

Hosts that are cool are not in it. ``nova_weigher`` reads it; a field is never
renamed or reused, and another major is another number.
"""

from collections.abc import Iterator
from typing import Any

from kvm_insight.feed import file, port

SCHEMA = 'kvm_insight.snapshot/1'
#: Less is as good as nothing: Nova's own weighers shall decide.
_LEAST = 0.05


class Snapshot:
    """The feed ``nova``."""

    newest_only = True
    runs_in = 'feeder'

    def __init__(self, settings: port.Settings, publish: port.Publish) -> None:
        """Write where the settings say."""
        self._file = file.File(
            settings['snapshot_path'], SCHEMA, settings.get('region')
        )

    def would(self, told: port.Told) -> Iterator[str]:
        """Yield each host that would be weighed less."""
        yield f'write {self._file.path}:'
        hosts = self._hosts(told)
        for name, one in sorted(hosts.items()):
            marked = ', marked' if one['marked'] else ''
            yield f'  {name}: heat {one["heat"]:.2f}{marked}'
        if not hosts:
            yield '  no host is hot'

    def write(self, told: port.Told, may: port.May) -> None:
        """Replace the file."""
        self._file.write(hosts=self._hosts(told))

    def clear(self, may: port.May) -> list[str]:
        """Delete the file; then Nova schedules as without us."""
        return self._file.clear()

    def close(self) -> None:
        """Nothing is held."""

    def _hosts(self, told: port.Told) -> dict[str, dict[str, Any]]:
        marked = {one.host for one in told.marks.hosts} if told.marks else ()
        found: dict[str, dict[str, Any]] = {}
        for key, one in told.heats.items():
            name = self._file.name_of(key)
            is_marked = key in marked
            if name is not None and (is_marked or one.value >= _LEAST):
                found[name] = {'heat': one.value, 'marked': is_marked}
        return found
