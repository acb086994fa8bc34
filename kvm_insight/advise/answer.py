# SPDX-License-Identifier: Apache-2.0
"""Answer: what a check says of one host or domain, and of whom."""

import dataclasses
from collections.abc import Iterator

from kvm_insight.advise import check, registry
from kvm_insight.model import entity, finding, host_config

#: In the class below a field of that name hides the module.
_Severity = check.Severity
_Outcome = check.Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """One check's, with who it is about; None is the host itself."""

    check: str
    severity: _Severity
    party: finding.Party | None
    outcome: _Outcome

    @property
    def uuid(self) -> str | None:
        """The domain that it is about."""
        return None if self.party is None else self.party.uuid


def of(told: host_config.HostConfig) -> Iterator[Answer]:
    """Yield all that checks say of a host and its domains; nothing where the
    agent does not tell how the host is configured."""
    if told.facts is None:
        return
    domains = tuple(one.facts for one in told.domains if one.facts)
    whole = check.HostCase(told.facts, domains)
    for asked in registry.of_host(whole):
        one = asked.asked
        yield Answer(one.id, one.severity, None, asked.outcome)
    found = registry.of_domains(told.facts, domains)
    for domain in told.domains:
        party = _party(domain)
        for answered in found.get(domain.uuid, ()):
            each = answered.asked
            yield Answer(each.id, each.severity, party, answered.outcome)


def _party(one: host_config.Domain) -> finding.Party:
    identity = one.identity
    return finding.Party(
        entity=entity.domain(one.uuid),
        uuid=one.uuid,
        name=one.name,
        instance_name=identity.instance_name,
        project_id=identity.project_id,
        project_name=identity.project_name,
    )
