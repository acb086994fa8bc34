# SPDX-License-Identifier: Apache-2.0
"""One sentence for people about disk, memory or network."""

from collections.abc import Sequence

from kvm_insight.detect import words
from kvm_insight.model import finding


def summary(
    found: finding.Finding, aggressors: Sequence[finding.Aggressor]
) -> str:
    """Return who lost what, and because of whom."""
    lost = f'{words.party(found.victim)} {_loss(found)}'
    if aggressors:
        because = ', '.join(_because(one) for one in aggressors)
        if found.verdict == 'host_process':
            return f'{lost} because of the host itself: {because}.'
        return f'{lost} because of {because}.'
    reasons = _REASONS | _OF_RESOURCE[found.resource]
    return f'{lost}: {reasons.get(found.cause or "", found.verdict)}.'


def _loss(found: finding.Finding) -> str:
    part = found.evidence.suffering
    if found.resource == 'disk':
        times = 1 / max(1 - part, 0.001)
        where = found.evidence.device or 'its disks'
        return f'waited {times:.1f} times as long as usual for {where}'
    if found.resource == 'memory':
        return f'stalled for {part:.0%} of the time for pages of its memory'
    return f'lost {part:.0%} of its packets'


def _because(one: finding.Aggressor) -> str:
    name = words.party(one.party)
    if not one.excess or one.unit is None:
        return name
    return f'{name} [{_amount(one.excess, one.unit)} over its usual]'


def _amount(excess: float, unit: str) -> str:
    if unit == 'bytes':
        return f'{excess / 2**30:.2f} GiB'
    return f'{excess:.0f} {unit}'


_REASONS = {
    'burst': 'it asks for more than is usual for it',
    'crowded': 'all together ask for too much, nobody of them too much',
    'chronic': 'for hours now',
    'insufficient_evidence': 'the evidence does not say because of whom',
}
_OF_RESOURCE = {
    'disk': {'limit': 'it reached its own limit of requests or bytes'},
    'memory': {'limit': 'its own memory is too small for what it does'},
    'network': {'limit': 'it reached its own limit'},
}
