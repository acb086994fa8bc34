# SPDX-License-Identifier: Apache-2.0
"""One sentence for people about a finding."""

from collections.abc import Mapping, Sequence

from kvm_insight.model import entity, finding, sample


def party(who: finding.Party) -> str:
    """Return a name that a person knows, with its project."""
    if who.uuid is None:
        return who.name or who.entity
    name = who.instance_name or who.name or who.uuid
    project = who.project_name or who.project_id
    known = project if project and project != 'unassigned' else None
    return f'{name} (project {known})' if known else name


def party_of(who: str, domains: Mapping[str, sample.Domain]) -> finding.Party:
    """Return who an entity is, in the words of operator and tenant."""
    uuid = entity.uuid_of(who)
    if uuid is None:
        return finding.Party(entity=who, name=entity.service_of(who) or who)
    domain = domains.get(uuid)
    if domain is None:
        return finding.Party(entity=who, uuid=uuid)
    identity = domain.identity
    return finding.Party(
        entity=who,
        uuid=uuid,
        name=domain.name,
        instance_name=identity.instance_name,
        project_id=identity.project_id,
        project_name=identity.project_name,
        user_id=identity.user_id,
        user_name=identity.user_name,
        flavor=identity.flavor.name if identity.flavor else None,
    )


def names(found: finding.Finding) -> frozenset[str]:
    """Return who is named."""
    return frozenset(one.party.entity for one in found.aggressors)


def summary(
    victim: finding.Party,
    verdict: finding.Verdict,
    cause: finding.Cause | None,
    aggressors: Sequence[finding.Aggressor],
    lost_us: int,
    suffering: float,
) -> str:
    """Return who waited, how long, and because of whom."""
    who = party(victim)
    lost = f'{who} lost {lost_us / 1e6:.1f} s waiting for a CPU'
    share = f'{suffering:.0%} of the time it wanted'
    if aggressors:
        because = ', '.join(_because(one) for one in aggressors)
        if verdict == 'host_process':
            return f'{lost} ({share}) to the host itself: {because}.'
        return f'{lost} ({share}) because of {because}.'
    return f'{lost} ({share}): {_REASONS.get(cause or "", verdict)}.'


def _because(one: finding.Aggressor) -> str:
    waited = f'{one.waited_us / 1e6:.1f} s while it ran'
    excess = f'{one.excess_cores:.2f} cores over its share'
    return f'{party(one.party)} [{waited}, {excess}]'


_REASONS = {
    'quota': 'its own CPU quota stopped it',
    'burst': 'it wants more than its share while others keep to theirs',
    'own_threads': 'its own threads wait for one another',
    'crowded': 'too many want these CPUs, nobody of them too much',
    'chronic': 'for hours, or as long as it is known',
    'insufficient_evidence': 'the evidence does not say because of whom',
}
