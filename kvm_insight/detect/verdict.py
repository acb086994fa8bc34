# SPDX-License-Identifier: Apache-2.0
"""Verdict: why a domain waits, and who is to blame if anybody is.

The ledger decides the class and says who was there; what would have been
spared without somebody's excess decides who is named. Excess is what one used
while the victim waited, over the greater of what it is entitled to and what
is usual for it: nobody within its rights is ever blamed.
"""

import dataclasses
from collections.abc import Sequence

from kvm_insight.detect import (
    confidence,
    crowd,
    ledger_row,
    settings,
    suspect,
)
from kvm_insight.model import entity, finding


@dataclasses.dataclass(frozen=True, slots=True)
class Blame:
    """One who is to blame, or was considered."""

    entity: str
    blame: float
    excess: float


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The class, its cause, and who is named."""

    verdict: finding.Verdict
    cause: finding.Cause | None
    confidence: float
    named: tuple[Blame, ...] = ()
    others: tuple[Blame, ...] = ()

    def key(self) -> tuple[str, str | None, tuple[str, ...]]:
        """Return what must differ for two verdicts to be different."""
        names = tuple(sorted(blame.entity for blame in self.named))
        return self.verdict, self.cause, names


def judge(case: suspect.Case, rules: settings.Settings) -> Verdict:
    """Return the verdict on one victim."""
    found = _judged(case, rules)
    kind = confidence.kind(
        found.verdict, found.cause, case.source, history=case.history
    )
    sure = confidence.calibrated(kind, found.confidence)
    if not case.history:
        sure = min(sure, confidence.MOST_WITHOUT_HISTORY)
    return dataclasses.replace(found, confidence=round(sure, 4))


def _judged(case: suspect.Case, rules: settings.Settings) -> Verdict:
    sure = _confidence(case)
    if case.quota_us * 2 >= case.delay_us > 0:
        return Verdict('self_inflicted', 'quota', sure)
    shares = ledger_row.of(case, rules)
    if shares is not None:
        case = ledger_row.seen(case, shares)
    if shares is not None and shares.host >= 0.5:
        return _host(case, shares, sure, shares.host, rules)
    contest = _contest(case, shares, rules)
    if shares is not None and _own_threads(shares, contest):
        return Verdict('self_inflicted', 'own_threads', sure)
    if not contest.total:
        return _nobody(case, shares, sure, rules)
    if contest.own * 2 >= contest.total:
        return Verdict('self_inflicted', 'burst', sure, others=contest.blames)
    if contest.host * 2 >= contest.total and (
        shares is None or shares.host >= rules.host_charge
    ):
        return _host(case, shares, sure, contest.host / contest.total, rules)
    return _others(case, contest, sure)


@dataclasses.dataclass(frozen=True, slots=True)
class _Contest:
    """Who used more than is theirs, and how much of all that is whose."""

    total: float
    own: float
    host: float
    blames: tuple[Blame, ...]
    named: tuple[Blame, ...]


def _contest(
    case: suspect.Case,
    shares: ledger_row.Shares | None,
    rules: settings.Settings,
) -> _Contest:
    """Weigh everybody's excess; first only of those who rose."""
    present = [
        one for one in case.others if _was_there(one, case, shares, rules)
    ]
    if case.history:
        return _by_history(case, present, rules)
    excess, needed = _excesses(case, present, rules)
    blames = _blames(case, excess)
    total = sum(excess.values())
    named = {
        blame.entity
        for blame in blames
        if _is_enough(blame, excess[blame.entity] / total, needed, case, rules)
    }
    return _sorted_out(case, excess, blames, named)


def _by_history(
    case: suspect.Case,
    present: Sequence[suspect.Suspect],
    rules: settings.Settings,
) -> _Contest:
    """Share what the wait grew by among all who ran more than they use to,
    each by how much of that fell on the victim's CPUs."""
    excess = {one.entity: one.beyond(rules) for one in (case.victim, *present)}
    total = sum(excess.values())
    grown = max(0.0, 1 - case.usual / max(case.suffering, 1e-9))
    blames = tuple(
        sorted(
            (
                Blame(one.entity, grown * excess[one.entity] / total, cores)
                for one in present
                if (cores := excess[one.entity]) > 0
            ),
            key=lambda one: (-one.blame, one.entity),
        )
    )
    named = set()
    for one in present:
        ease = rules.incumbent if one.entity in case.incumbents else 1.0
        if excess[one.entity] >= rules.share * ease * total > 0:
            named.add(one.entity)
    return _sorted_out(case, excess, blames, named)


def _sorted_out(
    case: suspect.Case,
    excess: dict[str, float],
    blames: tuple[Blame, ...],
    named: set[str],
) -> _Contest:
    """Tell the victim and the host from the others."""
    return _Contest(
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
    """Say whether it may be blamed at all: it ran while the victim waited."""
    if one.overlap <= 0:
        return False
    if shares is None:
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


def _own_threads(shares: ledger_row.Shares, contest: _Contest) -> bool:
    return shares.own >= 0.5 and not contest.named


def _host(
    case: suspect.Case,
    shares: ledger_row.Shares | None,
    sure: float,
    part: float,
    rules: settings.Settings,
) -> Verdict:
    """Name the service that ran most while the victim waited.

    What a ledger does not show there is not named, however busy it is.
    """
    host = next(
        (one for one in case.others if entity.is_host(one.entity)), None
    )
    name = _service(case, rules)
    if shares is None and case.busiest is not None:
        name = case.busiest
    excess = host.over(rules, rose=True) if host else 0.0
    blame = Blame(name, min(1.0, part), excess)
    return Verdict('host_process', 'service', sure, (blame,))


def _service(case: suspect.Case, rules: settings.Settings) -> str:
    """Return the service that the row shows most, if that is enough of what
    fell to the host: a process is not known by name from its first moment."""
    charged = {who: us for who, us in case.row.items() if entity.is_host(who)}
    services = [who for who in charged if who != entity.HOST]
    name = max(services, key=lambda it: (charged[it], it), default=None)
    if name is None:
        return entity.HOST
    enough = charged[name] >= rules.service * sum(charged.values())
    return name if enough else entity.HOST


def _nobody(
    case: suspect.Case,
    shares: ledger_row.Shares | None,
    sure: float,
    rules: settings.Settings,
) -> Verdict:
    """Nobody used more than is usual: a crowd, itself, or we do not know."""
    over = case.victim.cores - case.victim.entitled
    if over >= rules.least_excess and not any(
        one.cores > one.entitled and one.overlap > 0 for one in case.others
    ):
        return Verdict('self_inflicted', 'burst', sure)
    load = sum(one.cores * one.overlap for one in case.others)
    load += case.victim.cores
    crowded = load >= 0.8 * case.cpus
    if shares is not None:
        crowded = shares.others + shares.own >= 0.5
    if crowded:
        return Verdict('overcommit', 'crowded', sure)
    return Verdict('unknown', 'insufficient_evidence', min(sure, 0.3))


def _others(case: suspect.Case, contest: _Contest, sure: float) -> Verdict:
    named = contest.named
    rest = tuple(one for one in contest.blames if one not in named)
    if not named:
        return Verdict('overcommit', 'crowded', sure, others=rest)
    margin = min(1.0, sum(one.blame for one in named))
    return Verdict(
        'antagonist', None, sure * (0.6 + 0.4 * margin), named, rest
    )


def _confidence(case: suspect.Case) -> float:
    """Return how sure a verdict on this evidence can be at most."""
    sure = 0.95 if case.history else 0.7
    if case.source is None:
        sure *= 0.6
    elif case.source != 'ebpf':
        sure *= 0.5 + 0.5 * (case.confidence or 0.0)
    return round(sure * (0.5 + 0.5 * case.coverage), 3)
