# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of vCPUs against what was measured."""

from kvm_insight.model import facts

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

WEEK_S = 7 * 86400


def use(span_s: int = WEEK_S, **known: float) -> facts.Use:
    return facts.Use(span_s=span_s, samples=1000, **known)  # type: ignore[arg-type]


EIGHT = {'>2</vcpu>': '>8</vcpu>'}
IDLE = use(cpu_p99_cores=0.7)
NO_LIMIT = {'<quota>50000</quota>': '<quota>-1</quota>'}
WRONG = {'<quota>50000</quota>': '<quota>half</quota>'}
WHOLE = {
    '<quota>50000</quota>': '<global_quota>20000</global_quota>',
}

ROWS = (
    DomainRow('use.starved', GOOD, 'tuned', use=use(quota_wait_ratio=0.01)),
    DomainRow(
        'use.starved', BAD, 'tuned', use=use(quota_wait_ratio=0.3), says='30%'
    ),
    DomainRow(
        'use.starved', BAD, 'tuned', WHOLE, use=use(quota_wait_ratio=0.3)
    ),
    DomainRow('use.starved', CANNOT_TELL, 'tuned'),
    DomainRow('use.starved', CANNOT_TELL, 'tuned', use=IDLE),
    DomainRow('use.starved', CANNOT_TELL, 'tuned', WRONG, says='half'),
    DomainRow('use.starved', NOT_CONCERNED, 'tuned', NO_LIMIT),
    DomainRow('use.starved', NOT_CONCERNED, use=use(quota_wait_ratio=0.3)),
    DomainRow('use.unused-vcpus', GOOD, use=use(cpu_p99_cores=1.5)),
    DomainRow(
        'use.unused-vcpus', BAD, changes=EIGHT, use=IDLE, says='1 of its 8'
    ),
    DomainRow(
        'use.unused-vcpus',
        BAD,
        changes=EIGHT,
        use=use(cpu_p99_cores=2.0),
        says='3 of its 8',
    ),
    # What a quota of one core keeps down is not unused.
    DomainRow(
        'use.unused-vcpus',
        GOOD,
        'tuned',
        {'>2</vcpu>': '>8</vcpu>', '50000</quota>': '12500</quota>'},
        use=use(cpu_p99_cores=0.99),
    ),
    DomainRow('use.unused-vcpus', CANNOT_TELL, changes=EIGHT),
    DomainRow('use.unused-vcpus', CANNOT_TELL, use=use()),
    DomainRow(
        'use.unused-vcpus',
        CANNOT_TELL,
        changes=EIGHT,
        use=use(3600, cpu_p99_cores=0.7),
        says='too short',
    ),
    DomainRow(
        'use.unused-vcpus',
        NOT_CONCERNED,
        changes={'>2</vcpu>': '>1</vcpu>'},
        use=IDLE,
    ),
)
