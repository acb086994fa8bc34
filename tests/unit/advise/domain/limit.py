# SPDX-License-Identifier: Apache-2.0
"""Cases of the check of disks at their limits."""

from kvm_insight.model import facts

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow


def use(ratio: float, samples: int = 360) -> facts.Use:
    return facts.Use(
        span_s=3600, samples=samples, disk_limited_ratio={'vda': ratio}
    )


OTHER = facts.Use(span_s=60, samples=60, disk_limited_ratio={'vdb': 0.5})
WRONG = {'>200</total_iops_sec>': '>lots</total_iops_sec>'}

ROWS = (
    DomainRow('limit.disk', GOOD, 'tuned', use=use(0.01)),
    DomainRow('limit.disk', BAD, 'tuned', use=use(0.4), says='40%'),
    DomainRow('limit.disk', CANNOT_TELL, 'tuned'),
    DomainRow('limit.disk', CANNOT_TELL, 'tuned', use=use(0.4, 3)),
    DomainRow('limit.disk', CANNOT_TELL, 'tuned', use=OTHER),
    DomainRow('limit.disk', CANNOT_TELL, 'tuned', WRONG, use=use(0.4)),
    DomainRow('limit.disk', NOT_CONCERNED, use=use(0.4)),
)
