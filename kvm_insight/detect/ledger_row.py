# SPDX-License-Identifier: Apache-2.0
"""A victim's row of the ledger by class, if it may be trusted."""

import dataclasses

from kvm_insight.detect import settings, suspect
from kvm_insight.model import entity


@dataclasses.dataclass(frozen=True, slots=True)
class Shares:
    """Parts of a trusted row that fell to each class."""

    own: float
    host: float
    others: float


def of(case: suspect.Case, rules: settings.Settings) -> Shares | None:
    """Return the row by class, if there is one to go by."""
    total = sum(case.row.values())
    waited = case.delay_us - case.quota_us
    if case.source is None or total <= 0 or total * 2 < waited:
        return None
    if case.source != 'ebpf' and (case.confidence or 0.0) < rules.trusted:
        return None
    own = case.row.get(case.victim.entity, 0)
    host = sum(us for who, us in case.row.items() if entity.is_host(who))
    others = sum(
        us
        for who, us in case.row.items()
        if entity.uuid_of(who) is not None and who != case.victim.entity
    )
    return Shares(own / total, host / total, others / total)


def seen(case: suspect.Case, shares: Shares) -> suspect.Case:
    """Return the case with the host's load where the ledger saw it: nobody
    tells us which CPUs its processes use."""
    others = tuple(
        dataclasses.replace(
            one,
            overlap=min(1.0, shares.host * case.cpus / max(one.cores, 0.01)),
        )
        if entity.is_host(one.entity)
        else one
        for one in case.others
    )
    return dataclasses.replace(case, others=others)
