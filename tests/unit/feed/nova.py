# SPDX-License-Identifier: Apache-2.0
"""Stands where Nova is for the actuator: instances that migrate when told."""

import dataclasses

from kvm_insight import exception
from kvm_insight.model import recommendation, sight


@dataclasses.dataclass
class Nova:
    """Takes requests, and carries them out when the test says so."""

    places: dict[str, str]
    #: What it does with the next requests: ``takes``, ``loses`` (takes it
    #: and does not answer), ``drops`` (neither), ``declines``, ``forbids``.
    ways: list[str] = dataclasses.field(default_factory=list)
    begun: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    aborted: list[str] = dataclasses.field(default_factory=list)
    migrations: dict[str, sight.Migration] = dataclasses.field(
        default_factory=dict
    )
    tasks: dict[str, str] = dataclasses.field(default_factory=dict)
    states: dict[str, str] = dataclasses.field(default_factory=dict)
    can_abort: bool = True
    away: bool = False

    def look(self, move: recommendation.Move) -> sight.Sight:
        if self.away:
            raise exception.CloudUnavailable('Nova: away')
        uuid = move.instance
        return sight.Sight(
            self.places.get(uuid),
            self.states.get(uuid, 'active'),
            self.tasks.get(uuid),
            self.migrations.get(uuid),
        )

    def begin(self, move: recommendation.Move) -> None:
        way = self.ways.pop(0) if self.ways else 'takes'
        if way == 'forbids':
            raise exception.CloudRefused('Nova answers 403')
        if way == 'declines' or move.instance in self.tasks:
            raise exception.MoveDeclined('Nova answers 409')
        self.begun.append((move.instance, move.destination))
        if way != 'drops':
            self.tasks[move.instance] = 'migrating'
            self.migrations[move.instance] = sight.Migration(
                str(len(self.begun)), 'running', move.destination, 0.25
            )
        if way != 'takes':
            raise exception.CloudUnavailable('Nova: no answer')

    def abort(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> None:
        if not self.can_abort:
            raise exception.MoveDeclined('Nova answers 400')
        self.aborted.append(under_way.id)

    def stop_words(
        self, move: recommendation.Move, under_way: sight.Migration
    ) -> str:
        return f'openstack server migration abort {under_way.id}'

    def mend_words(self, move: recommendation.Move) -> str:
        return f'openstack server set --state active {move.instance}'

    def close(self) -> None:
        """Nothing is held."""

    def end(self, state: str = 'done') -> None:
        """Let all that is under way come to its end."""
        for uuid, one in self.migrations.items():
            if one.state == 'running':
                self.tasks.pop(uuid, None)
                if state == 'done':
                    self.places[uuid] = str(one.destination)
                self.migrations[uuid] = dataclasses.replace(
                    one,
                    state=state,  # type: ignore[arg-type]
                    words={'done': 'completed'}.get(state, 'error'),
                )
