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
            if not one.sustained(at) or _is_open(known, one.uuid, at):
                continue
            if one.lasts(at) or not _is_narrow(seen, one.uuid, scale, rules):
                yield one.uuid, at
        if at + 1 < len(rules.scales):
            yield from _early(seen, known, rules, at)


def _early(
    seen: scene.Scene, known: memory.Memory, rules: settings.Settings, at: int
) -> Iterator[tuple[str, int]]:
    """Return what the next window will show, as soon as this one does, where
    it is plain who rose just then, or since a history was known."""
    early = len(rules.scales) + at
    next_ = rules.scales[at + 1]
    look = rules.scales[at]._replace(floor=next_.floor)
    for one, above in seen.evaluated(look, early):
        one.saw(early, above)
        if not one.sustained(early) or _is_open(known, one.uuid, at + 1):
            continue
        found = seen.closest(one.uuid, next_)
        if found is None:
            continue
        case = found[1].case
        known_before = case.history or (case.rose and at == 0)
        if not known_before:
            continue
        judged = verdict.judge(case, rules)
        if judged.named and (one.lasts(early) or not judged.is_narrow(rules)):
            yield one.uuid, at + 1


def _is_narrow(
    seen: scene.Scene,
    uuid: str,
    scale: settings.Scale,
    rules: settings.Settings,
) -> bool:
    """Say whether somebody would be named for so little that it must last."""
    found = seen.closest(uuid, scale)
    if found is None:
        return False
    return verdict.judge(found[1].case, rules).is_narrow(rules)


def _is_open(known: memory.Memory, uuid: str, at: int) -> bool:
    """Say whether a finding is open that is as sharp or sharper."""
    return any(
        one.finding.victim.uuid == uuid and one.scale <= at
        for one in known.incidents
    )
