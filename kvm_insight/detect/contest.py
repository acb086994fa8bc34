# SPDX-License-Identifier: Apache-2.0
"""Contest: whose excess made a victim wait, and who is to blame.

Excess is what one ran beyond what it usually runs. As long as that is not
known, it is what one wanted while the victim waited, over the greater of what
it is entitled to and what it did in the last minutes.
"""

import dataclasses
from collections.abc import Sequence

from kvm_insight.detect import crowd, ledger_row, settings, suspect
from kvm_insight.model import entity


@dataclasses.dataclass(frozen=True, slots=True)
class Blame:
    """One who is to blame, or was considered."""

    entity: str
    blame: float
    excess: float


@dataclasses.dataclass(frozen=True, slots=True)
class Contest:
    """Who used more than is theirs, and how much of all that is whose."""

    total: float
    own: float
    host: float
    blames: tuple[Blame, ...]
    named: tuple[Blame, ...]


def weigh(
    case: suspect.Case,
    shares: ledger_row.Shares | None,
    rules: settings.Settings,
) -> Contest:
    """Weigh everybody's excess; first only of those who rose."""
    present = [
        one for one in case.others if _was_there(one, case, shares, rules)
    ]
    if case.is_known:
        if shares is not None:
            present = _met(case, present, rules)
        return _by_history(case, present, rules)
    excess, needed = _excesses(case, present, rules)
    blames = _blames(case, excess)
    total = sum(excess.values())
    busy = {
        one.entity
        for one in present
        # Where nobody was seen to rise, nothing but the speed speaks.
        if case.rose or case.chronic or one.cores >= rules.surely_full
    }
    named = {
        blame.entity
        for blame in blames
        if blame.entity in busy | case.incumbents
        and excess[blame.entity]
        >= _least_named(case, rules, plain=blame.blame >= rules.blame)
        and _is_enough(
            blame, excess[blame.entity] / total, needed, case, rules
        )
    }
    return _sorted_out(case, excess, blames, named)


def _met(
    case: suspect.Case,
    present: Sequence[suspect.Suspect],
    rules: settings.Settings,
) -> list[suspect.Suspect]:
    """Take of who was on the victim's queues far less than its use would let
    expect only what it was there: else it ran on those of its CPUs where the
    victim does not wait.
    Where all may run anywhere that says nothing: the largest may hold most
    CPUs, and the victim waits behind whoever is on the others."""
    charged = sum(one.charged_us for one in present)
    ran = sum(one.ran * one.overlap for one in present)

    def met(one: suspect.Suspect) -> suspect.Suspect:
        expected = one.ran * one.overlap * charged
        part = one.charged_us * ran / expected if expected > 0 else 1.0
        if one.overlap >= 1 or part >= rules.least_met:
            return one
        return dataclasses.replace(one, overlap=one.overlap * part)

    return [met(one) for one in present]


def _tide(case: suspect.Case, rules: settings.Settings) -> float:
    """Return by what factor the one in the middle runs more than usual: with
    the time of day all rise, and nobody of them is to blame."""
    factors = sorted(
        one.ran / one.usually_ran
        for one in (case.victim, *case.others)
        if one.usually_ran is not None
        and one.usually_ran >= rules.least_excess
        and not entity.is_host(one.entity)
    )
    if len(factors) < rules.tide_of:
        return 1.0
    return max(1.0, factors[(len(factors) - 1) // 2])


def _by_history(
    case: suspect.Case,
    present: Sequence[suspect.Suspect],
    rules: settings.Settings,
) -> Contest:
    """Share what the wait grew by among all who ran more than they use to,
    each by how much of that fell on the victim's CPUs."""
    tide = _tide(case, rules)
    excess = {
        one.entity: one.beyond(rules, tide) for one in (case.victim, *present)
    }
    total = sum(excess.values())
    blames = tuple(
        sorted(
            (
                Blame(
                    one.entity, case.grown * excess[one.entity] / total, cores
                )
                for one in present
                if (cores := excess[one.entity]) > 0
            ),
            key=lambda one: (-one.blame, one.entity),
        )
    )
    named = {
        one.entity
        for one in present
        if _is_to_blame(one, case, excess[one.entity], total, rules)
    }
    return _sorted_out(case, excess, blames, named)


def _is_to_blame(
    one: suspect.Suspect,
    case: suspect.Case,
    excess: float,
    total: float,
    rules: settings.Settings,
) -> bool:
    """Say whether one is named: for its part of all excess, if that is
    something on the victim's CPUs, and to the victim."""
    is_known = one.entity in case.incumbents
    ease = rules.incumbent if is_known else 1.0
    blame = case.grown * excess / total if total else 0.0
    plain = blame >= rules.blame or excess >= rules.alone * total
    least = ease * max(
        rules.share * total, _least_named(case, rules, plain=plain)
    )
    if excess < least or blame < rules.least_blame:
        return False
    return is_known or one.is_news(rules)


def _least_named(
    case: suspect.Case, rules: settings.Settings, *, plain: bool
) -> float:
    """Return the excess with which one is named, in cores; less is asked of
    one who plainly made the wait."""
    least = rules.least_named_unseen
    if case.baseline == 'entitlement':
        least = rules.least_named_new
    elif case.source == 'ebpf':
        least = rules.least_named_plain if plain else rules.least_named
    return max(least, rules.least_named_part * case.cpus)


def _sorted_out(
    case: suspect.Case,
    excess: dict[str, float],
    blames: tuple[Blame, ...],
    named: set[str],
) -> Contest:
    """Tell the victim and the host from the others."""
    return Contest(
        sum(excess.values()),
        excess.get(case.victim.entity, 0.0),
        sum(cores for who, cores in excess.items() if entity.is_host(who)),
        blames,
        tuple(
            one
            for one in blames
            if one.entity in named and not entity.is_host(one.entity)
        ),
    )


def _is_enough(
    blame: Blame,
    share: float,
    needed: float,
    case: suspect.Case,
    rules: settings.Settings,
) -> bool:
    """Say whether one is named; it is easier to stay so, and for one who has
    most of the excess where many others wait for one another, too."""
    ease = rules.incumbent if blame.entity in case.incumbents else 1.0
    if share >= rules.dominant:
        needed = min(needed, rules.blame_dominant)
    return blame.blame >= needed * ease and share >= rules.share * ease


def _excesses(
    case: suspect.Case,
    present: Sequence[suspect.Suspect],
    rules: settings.Settings,
) -> tuple[dict[str, float], float]:
    """Return everybody's excess, and the blame that it takes to be named.

    First of those who rose. Nobody did: if the victim always waited, of
    those at full speed over their entitlement; if it did not, of those who
    went to full speed meanwhile, unless it asks too much itself.
    """
    everybody = [case.victim, *present]
    found = {one.entity: one.over(rules, rose=True) for one in everybody}
    needed = rules.blame
    if max(found.values()) < rules.least_excess:
        needed = rules.blame_by_entitlement
        if not case.rose:
            found = {it.entity: it.over(rules, rose=False) for it in everybody}
        elif case.victim.cores <= case.victim.entitled + rules.least_excess:
            found = {one.entity: one.risen(rules) for one in present}
            found[case.victim.entity] = 0.0
    return {
        name: cores if cores >= rules.least_excess else 0.0
        for name, cores in found.items()
    }, needed


def _was_there(
    one: suspect.Suspect,
    case: suspect.Case,
    shares: ledger_row.Shares | None,
    rules: settings.Settings,
) -> bool:
    """Say whether it may be blamed at all: it ran while the victim waited.

    On the victim's own queue, where that can go nowhere else. One that can
    waits elsewhere than on CPUs that are busy all the time: who took them is
    on none of its queues, and left it fewer.
    """
    if one.overlap <= 0:
        return False
    if shares is None:
        return True
    if case.roams and one.overlap >= 1 and not entity.is_host(one.entity):
        return True
    return one.charged_us >= rules.least_charge * sum(case.row.values())


def _blames(case: suspect.Case, excess: dict[str, float]) -> tuple[Blame, ...]:
    """Return what each one's excess cost, largest first."""
    everybody = [case.victim, *case.others]
    loads = [_load(one, case) for one in everybody]
    parts = [
        excess.get(one.entity, 0.0) if one is not case.victim else 0.0
        for one in everybody
    ]
    found = zip(
        everybody,
        crowd.spared(loads, parts, case.cpus),
        parts,
        strict=True,
    )
    blames = [
        Blame(one.entity, spared, cores)
        for one, spared, cores in found
        if cores > 0
    ]
    return tuple(sorted(blames, key=lambda b: (-b.blame, b.entity)))


def _load(one: suspect.Suspect, case: suspect.Case) -> crowd.Load:
    if one.entity != case.victim.entity:
        return crowd.Load(one.threads, one.cores * one.overlap)
    others = one.threads - 1
    return crowd.Load(others, one.cores * others / max(one.threads, 1))
