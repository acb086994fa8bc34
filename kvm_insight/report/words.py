# SPDX-License-Identifier: Apache-2.0
"""One sentence about a finding, of which only the project itself is named.

Made anew and not from the finding's own summary, in which others are: other
projects' instances are *other projects*, however many, and whatever of the
host it was is *the host*.
"""

from kvm_insight.model import entity, finding

OTHERS = 'other projects'
_WAITED_FOR = {
    'cpu': 'for a CPU',
    'disk': 'for its disks',
    'memory': 'for memory',
    'network': 'for the network',
}
_REASONS = {
    'quota': 'its own CPU limit stopped it',
    'limit': 'its own limit held it back',
    'burst': 'it wanted more than its share while others kept to theirs',
    'own_threads': 'its own vCPUs waited for one another',
    'crowded': 'too much was wanted there at once, by nobody too much',
    'chronic': 'it waits so for hours, or as long as it is known',
    'microarchitecture': 'caches or memory bandwidth were shared',
    'insufficient_evidence': 'what was measured does not say because of what',
}
_VERDICTS = {
    'antagonist': 'other instances took more than their share',
    'self_inflicted': 'it is of its own making',
    'overcommit': 'the host is overcommitted',
    'host_process': 'the host itself was busy',
    'unknown': 'what was measured does not say because of what',
}


def name(who: finding.Party) -> str:
    """Return what one's own instance is called."""
    return who.instance_name or who.name or who.uuid or 'an instance'


def sentence(found: finding.Finding, project_id: str) -> str:
    """Return who waited, how long, and because of what."""
    lost = f'{found.lost_us / 1e6:.1f} s'
    what = _WAITED_FOR.get(found.resource, 'for what it shares')
    share = ''
    if found.resource == 'cpu':
        share = f' ({found.evidence.suffering:.0%} of what it wanted)'
    why = _because(found, project_id) or _reason(found)
    return f'{name(found.victim)} lost {lost} waiting {what}{share}: {why}.'


def _reason(found: finding.Finding) -> str:
    reason = _REASONS.get(found.cause or '')
    return reason or _VERDICTS.get(found.verdict, found.verdict)


def _because(found: finding.Finding, project_id: str) -> str | None:
    """Return whom it waited for, each class once."""
    if not found.aggressors:
        return None
    whom: dict[str, int] = {}
    for one in found.aggressors:
        who = _whom(one.party, project_id)
        whom[who] = whom.get(who, 0) + one.waited_us
    told = (f'{who} [{us / 1e6:.1f} s]' for who, us in whom.items())
    return f'because of {", ".join(told)}'


def _whom(who: finding.Party, project_id: str) -> str:
    if who.uuid is None:
        return 'the host' if entity.is_host(who.entity) else OTHERS
    if who.project_id == project_id:
        return f'your own {name(who)}'
    return OTHERS
