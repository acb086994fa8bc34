# SPDX-License-Identifier: Apache-2.0
"""Notices: what of all that a planner tells is an event, each told once."""

import hashlib
from collections.abc import Iterator

import msgspec

from kvm_insight.feed import port
from kvm_insight.model import codec, mark, notice, recommendation


class Notices:
    """Remembers what was told, and what is left of the last telling."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._told: port.Told | None = None
        self._left: list[notice.Notice] = []
        self._known: object = None

    def of(self, told: port.Told) -> Iterator[notice.Notice]:
        """Yield what there is to say; one that the caller broke off at comes
        first when it is asked with the same again."""
        if told is not self._told:
            self._told = told
            self._left = self._new(told)
        while self._left:
            yield self._left[0]
            # Taken: only now it is known there.
            said = self._left.pop(0)
            if said.marks is not None:
                self._known = _gist(said.marks)

    def _new(self, told: port.Told) -> list[notice.Notice]:
        found = [_of_recommendation(one, told) for one in told.changed]
        if told.marks is not None:
            now = _gist(told.marks)
            if now != self._known and (now != _NOTHING or self._known):
                found.append(_of_marks(told.marks, told))
        return found


def _gist(marks: mark.Marks) -> object:
    """Return what must change for others to be told."""
    return (
        frozenset((one.host, one.since_us) for one in marks.hosts),
        frozenset(
            (one.group, tuple(sorted(one.held))) for one in marks.alarms
        ),
    )


_NOTHING = _gist(mark.Marks(time_us=0))


def _of_recommendation(
    one: recommendation.Recommendation, told: port.Told
) -> notice.Notice:
    # Who takes over says it again in a generation of its own.
    bare = codec.encode(msgspec.structs.replace(one, generation=0))
    digest = hashlib.blake2b(bare, digest_size=8).hexdigest()
    return notice.Notice(
        id=f'recommendation/{one.id}/{digest}',
        kind='recommendation',
        generation=told.generation,
        time_us=told.time_us,
        recommendation=msgspec.structs.replace(
            one, generation=told.generation
        ),
    )


def _of_marks(marks: mark.Marks, told: port.Told) -> notice.Notice:
    return notice.Notice(
        id=f'marks/{told.generation}/{told.time_us}',
        kind='marks',
        generation=told.generation,
        time_us=told.time_us,
        marks=marks,
    )
