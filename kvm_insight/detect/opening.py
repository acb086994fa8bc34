# SPDX-License-Identifier: Apache-2.0
"""Opening: which domains have been above often enough, in which window."""

from collections.abc import Iterator

from kvm_insight.detect import memory, scene, settings, verdict


def due(
    seen: scene.Scene, known: memory.Memory, rules: settings.Settings
) -> Iterator[tuple[str, int]]:
    """Evaluate all windows; return victim and window, the sharpest first.

    A victim of whom a finding as sharp is open already is left out.
    """
    for at, scale in enumerate(rules.scales):
        for one, above in seen.evaluated(scale, at):
            one.saw(at, above)
            if one.sustained(at) and not _is_open(known, one.uuid, at):
                yield one.uuid, at
        if at == 0:
            yield from _early(seen, known, rules)


def _early(
    seen: scene.Scene, known: memory.Memory, rules: settings.Settings
) -> Iterator[tuple[str, int]]:
    """Return what the second window will show, as soon as the first does,
    where it is plain who rose just then."""
    first, second = rules.scales[:2]
    early = len(rules.scales)
    look = settings.Scale(first.seconds, second.floor)
    for one, above in seen.evaluated(look, early):
        one.saw(early, above)
        if not one.sustained(early) or _is_open(known, one.uuid, 1):
            continue
        found = seen.closest(one.uuid, second)
        if found is None or not found[1].case.rose:
            continue
        if verdict.judge(found[1].case, rules).named:
            yield one.uuid, 1


def _is_open(known: memory.Memory, uuid: str, at: int) -> bool:
    """Say whether a finding is open that is as sharp or sharper."""
    return any(
        one.finding.victim.uuid == uuid and one.scale <= at
        for one in known.incidents
    )
