# SPDX-License-Identifier: Apache-2.0
"""Keeping: whose baselines stand still while incidents are open."""

from kvm_insight.detect import incident, memory, settings
from kvm_insight.model import state, window


def kept(
    one: state.Incident,
    now_us: int,
    known: memory.Memory,
    rules: settings.Settings,
) -> set[str]:
    """Return whose baselines an incident keeps as they were: the victim's,
    and those of whoever is named.

    Where the victim has no history, one who is named must be seen to do more
    than before. Else what it always does would never be known: held to its
    entitlement it would be named, and for that not be learned of.
    """
    if not incident.is_a_change(one, now_us):
        return set()
    found = incident.involved(one.finding)
    if one.finding.evidence.baseline_source != 'entitlement':
        return found
    victim = one.finding.victim.entity
    return {who for who in found if who == victim or _rose(who, known, rules)}


def frozen(
    now_us: int, known: memory.Memory, rules: settings.Settings
) -> set[str]:
    """Return whose baselines stand still now."""
    return {
        who
        for one in known.incidents
        if one.finding.cause != 'chronic'
        for who in kept(one, now_us, known, rules)
    }


def _rose(who: str, known: memory.Memory, rules: settings.Settings) -> bool:
    """Say whether one runs more in the last slot than it was seen to do."""
    base = known.baseline_of(who)
    column = known.series.column(who)
    if base is None or column is None:
        return False
    level = base.level_of_run()
    did = window.Values(*known.series.values[-1, column].tolist())
    slot = window.Slot(*known.series.slots[-1].tolist())
    if not level.known or did.run_us < 0:
        return False
    ran = (did.run_us - max(0, did.poll_us)) / slot.interval_us
    least = rules.least_beyond(level.median, level.deviation)
    return ran - level.median >= least
