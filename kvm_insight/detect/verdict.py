# SPDX-License-Identifier: Apache-2.0
"""Verdict: why a domain waits, and who is to blame if anybody is.

The ledger decides the class and says who was there; what would have been
spared without somebody's excess decides who is named (``detect.contest``).
"""

import dataclasses

from kvm_insight.detect import (
    confidence,
    contest,
    ledger_row,
    settings,
    suspect,
)
from kvm_insight.model import entity, finding


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """The class, its cause, and who is named."""

    verdict: finding.Verdict
    cause: finding.Cause | None
    confidence: float
    named: tuple[contest.Blame, ...] = ()
    others: tuple[contest.Blame, ...] = ()

    def key(self) -> tuple[str, str | None, tuple[str, ...]]:
        """Return what must differ for two verdicts to be different."""
        names = tuple(sorted(blame.entity for blame in self.named))
        return self.verdict, self.cause, names

    def is_narrow(self, rules: settings.Settings) -> bool:
        """Say whether a burst of a minute could make those named look so."""
        return (
            bool(self.named)
            and self.verdict == 'antagonist'
            and all(
                one.excess < rules.least_named_unseen for one in self.named
            )
        )


#: A name with neither a ledger nor a history to go by.
_GUESS = confidence.kind('antagonist', None, None, 'entitlement')
#: Causes that say less than that it was always so.
_LESS: tuple[finding.Cause | None, ...] = (None, 'crowded')


def unknown(sure: float, others: tuple[contest.Blame, ...] = ()) -> Verdict:
    """Return that the evidence does not say because of whom."""
    return Verdict(
        'unknown', 'insufficient_evidence', min(sure, 0.3), others=others
    )


def judge(case: suspect.Case, rules: settings.Settings) -> Verdict:
    """Return the verdict on one victim."""
    found = _judged(case, rules)
    if case.chronic and found.cause in _LESS:
        found = dataclasses.replace(found, cause='chronic')
    kind = confidence.kind(
        found.verdict, found.cause, case.source, case.baseline
    )
    sure = confidence.calibrated(kind, found.confidence)
    if sure < rules.likelier and _is_to_be_likely(found, case, kind):
        # What is wrong more often than right stays an alternative.
        return unknown(round(sure, 4), found.named + found.others)
    if case.baseline == 'entitlement':
        sure = min(sure, confidence.MOST_WITHOUT_HISTORY)
    return dataclasses.replace(found, confidence=round(sure, 4))


def _is_to_be_likely(found: Verdict, case: suspect.Case, kind: str) -> bool:
    """Say whether a verdict is told only if it is right more often than not:
    where that was counted, or it would be a name on a guess; who is named
    already stays so."""
    if not case.incumbents.isdisjoint(one.entity for one in found.named):
        return False
    return confidence.is_known(kind) or kind == _GUESS


def _judged(case: suspect.Case, rules: settings.Settings) -> Verdict:
    sure = _confidence(case)
    if case.quota_us * 2 >= case.delay_us > 0:
        part = case.quota_us / case.delay_us
        return Verdict('self_inflicted', 'quota', _by(sure, part))
    shares = ledger_row.of(case, rules)
    if shares is not None:
        case = ledger_row.seen(case, shares)
    if shares is not None and shares.host >= 0.5:
        return _host(case, shares, sure, shares.host, rules)
    found = contest.weigh(case, shares, rules)
    if shares is not None and _own_threads(shares, found):
        return Verdict('self_inflicted', 'own_threads', _by(sure, shares.own))
    if not found.total:
        return _nobody(case, shares, sure, rules)
    if found.own * 2 >= found.total:
        sure = _by(sure, found.own / found.total)
        return Verdict('self_inflicted', 'burst', sure, others=found.blames)
    least = rules.host_charge
    if case.is_known:
        least = rules.least_charge
    half = found.total / 2
    if any(entity.is_host(who) for who in case.incumbents):
        # It was the host; that it is a little less does not change it.
        half *= rules.host_stays
    if found.host >= half and (shares is None or shares.host >= least):
        part = case.grown * found.host / found.total
        return _host(case, shares, sure, part, rules)
    return _others(case, found, sure)


def _own_threads(shares: ledger_row.Shares, found: contest.Contest) -> bool:
    return shares.own >= 0.5 and not found.named


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
    blame = contest.Blame(name, min(1.0, part), excess)
    return Verdict('host_process', 'service', _by(sure, part), (blame,))


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
    if (
        not case.is_known
        and over >= rules.least_excess
        and not any(
            one.cores > one.entitled and one.overlap > 0 for one in case.others
        )
    ):
        return Verdict('self_inflicted', 'burst', sure)
    load = sum(one.cores * one.overlap for one in case.others)
    load += case.victim.cores
    crowded = load >= 0.8 * case.cpus
    if shares is not None:
        crowded = shares.others + shares.own >= 0.5
    if crowded:
        return Verdict('overcommit', 'crowded', sure)
    return unknown(sure)


def _others(
    case: suspect.Case, found: contest.Contest, sure: float
) -> Verdict:
    named = found.named
    rest = tuple(one for one in found.blames if one not in named)
    if not named:
        # The more one of them comes near to be named, the less it is a crowd.
        nearest = max((one.blame for one in rest), default=0.0)
        sure = _by(sure, 1 - nearest / max(case.grown, nearest, 1e-9))
        return Verdict('overcommit', 'crowded', sure, others=rest)
    sure = _by(sure, sum(one.blame for one in named))
    return Verdict('antagonist', None, sure, named, rest)


def _by(sure: float, part: float) -> float:
    """Return how sure one is of what makes so large a part of the wait."""
    return sure * (0.6 + 0.4 * min(1.0, max(0.0, part)))


def _confidence(case: suspect.Case) -> float:
    """Return how sure a verdict on this evidence can be at most."""
    sure = 0.95 if case.history else 0.7
    if case.source is None:
        sure *= 0.6
    elif case.source != 'ebpf':
        sure *= 0.5 + 0.5 * (case.confidence or 0.0)
    return round(sure * (0.5 + 0.5 * case.coverage), 3)
