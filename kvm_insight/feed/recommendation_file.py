# SPDX-License-Identifier: Apache-2.0
"""Recommendation file: what Watcher's strategy reads.

::

    {"schema": "kvm_insight.recommendations/1", "written_us": ...,
     "generation": 7, "recommendations": [
       {"id": "...", "expires_us": ..., "mode": "relieve", "state": "proposed",
        "gain_core_s": 120.0, "cost_core_s": 30.0, "summary": "...",
        "moves": [{"instance": "...", "source": "c1", "destination": "c2",
                   "reason": "..."}]}]}

Those that Nova or Placement would refuse are not in it.
"""

from collections.abc import Iterator
from typing import Any

from kvm_insight.feed import file, port, trigger
from kvm_insight.model import recommendation

SCHEMA = 'kvm_insight.recommendations/1'
_READY = ('proposed', 'approved')


class RecommendationFile:
    """The feed ``watcher``."""

    newest_only = True
    runs_in = 'feeder'

    def __init__(self, settings: port.Settings, publish: port.Publish) -> None:
        """Write where the settings say."""
        self._file = file.File(
            settings['recommendations_path'], SCHEMA, settings.get('region')
        )
        self._audit = settings.get('watcher_audit')
        self._trigger = _trigger(settings) if self._audit else None

    def would(self, told: port.Told) -> Iterator[str]:
        """Yield each move that Watcher could carry out."""
        yield f'write {self._file.path}:'
        ready = self._ready(told)
        for one in ready:
            for move in one['moves']:
                yield (
                    f'  {move["instance"]}: {move["source"]} ->'
                    f' {move["destination"]} ({one["id"]})'
                )
        if not ready:
            yield '  nothing is to be moved'
        elif self._audit:
            yield f'trigger the audit {self._audit}, if that is new'

    def write(self, told: port.Told, may: port.May) -> None:
        """Replace the file."""
        ready = self._ready(told)
        self._file.write(generation=told.generation, recommendations=ready)
        if self._trigger is not None:
            self._trigger.tell(frozenset(one['id'] for one in ready))

    def clear(self, may: port.May) -> list[str]:
        """Delete the file; then Watcher's strategy finds nothing to do."""
        if self._trigger is not None:
            self._trigger.tell(frozenset())
        return self._file.clear()

    def close(self) -> None:
        """Trigger nothing any more."""
        if self._trigger is not None:
            self._trigger.close()

    def _ready(self, told: port.Told) -> list[dict[str, Any]]:
        found = [
            self._plain(one)
            for one in told.standing
            if one.state in _READY
            and one.expires_us > told.time_us
            and one.validity.verdict != 'invalid'
        ]
        return [one for one in found if one is not None]

    def _plain(
        self, one: recommendation.Recommendation
    ) -> dict[str, Any] | None:
        """Return it as it is in the file; None if a host is elsewhere."""
        moves = []
        for move in one.moves:
            source = self._file.name_of(move.source)
            destination = self._file.name_of(move.destination)
            if source is None or destination is None:
                return None
            moves.append(
                {
                    'instance': move.instance,
                    'source': source,
                    'destination': destination,
                    'reason': move.reason,
                }
            )
        return {
            'id': one.id,
            'expires_us': one.expires_us,
            'mode': one.mode,
            'state': one.state,
            'gain_core_s': one.gain_core_s,
            'cost_core_s': one.cost_core_s,
            'summary': one.summary,
            'moves': moves,
        }


def _trigger(settings: port.Settings) -> trigger.Trigger:
    """Return what triggers the audit; ConfigError if nothing can."""
    cloud = port.cloud_of(settings, 'watcher_audit')
    from kvm_insight.cloud import audits

    way, audit = audits.Audits(cloud), str(settings['watcher_audit'])
    return trigger.Trigger(lambda: way.trigger(audit), way.close)
