# SPDX-License-Identifier: Apache-2.0
"""Wording: a finding in one sentence, for a project.

It is made anew of what the project may know: the record's own summary names
hosts, services and whoever else is in it.
"""

from collections.abc import Sequence

from kvm_insight.api.resource import finding as resource
from kvm_insight.api.resource import party
from kvm_insight.model import finding

_WHAT = {
    'cpu': 'CPU time',
    'disk': 'its disks',
    'memory': 'memory',
    'network': 'the network',
}
_WHY: dict[finding.Verdict, str] = {
    'antagonist': 'because of others on its host',
    'self_inflicted': 'because of its own load or limits',
    'overcommit': 'because its host is too full',
    'host_process': 'because of work of the host itself',
    'unknown': 'for a reason that is not known',
}


def summary(
    one: finding.Finding,
    victim: party.Party,
    aggressors: Sequence[resource.Aggressor],
) -> str:
    """Return who waited for what, and why."""
    what = _WHAT[one.resource]
    waits = 'waited' if one.state == 'closed' else 'waits'
    text = f'{_name(victim)} {waits} for {what}, {_WHY[one.verdict]}'
    if one.verdict == 'antagonist' and aggressors:
        text += f': {_named([who.party for who in aggressors])}'
    return f'{text}.'


def _named(parties: Sequence[party.Party]) -> str:
    return ', '.join(_name(one) for one in parties)


def _name(one: party.Party) -> str:
    if one.kind == 'other projects':
        return 'instances of other projects'
    if one.kind == 'host':
        return 'the host'
    return one.name or one.uuid or one.kind
