# SPDX-License-Identifier: Apache-2.0
"""What only those may ask who run the cloud."""

from oslo_policy import policy

from kvm_insight.api.policy import rule


def _noun(
    noun: str, path: str, what: str
) -> list[policy.DocumentedRuleDefault]:
    """Return the rules of one kind of orders."""
    name = f'insight:{noun}'
    return [
        rule.documented(
            f'{name}:read', rule.OPERATOR, f'Read {what}.', f'GET {path}'
        ),
        rule.documented(
            f'{name}:write',
            rule.ADMIN,
            f'Make {what}, and take them back.',
            f'POST {path}',
            f'DELETE {path}/{{id}}',
        ),
    ]


RULES = [
    rule.documented(
        'insight:hosts:read',
        rule.OPERATOR,
        'Read hosts, their ledgers and hours, aggregates and zones.',
        'GET hosts',
        'GET hosts/{name}',
        'GET hosts/{name}/ledger',
        'GET hosts/{name}/hours',
        'GET aggregates',
        'GET availability-zones',
    ),
    rule.documented(
        'insight:recommendations:read',
        rule.OPERATOR,
        'Read recommendations.',
        'GET recommendations',
        'GET recommendations/{id}',
    ),
    rule.documented(
        'insight:recommendations:decide',
        rule.ADMIN,
        'Approve and reject recommendations.',
        'POST recommendations/{id}/approve',
        'POST recommendations/{id}/reject',
    ),
    rule.documented(
        'insight:overcommit:read',
        rule.OPERATOR,
        'Read which allocation ratios aggregates carry.',
        'GET overcommit',
    ),
    rule.documented(
        'insight:health:read',
        rule.OPERATOR,
        'Read how agents, planner and recorder are.',
        'GET health',
    ),
    rule.documented(
        'insight:metrics:read',
        rule.OPERATOR,
        'Read the metrics, for Prometheus.',
        'GET metrics',
    ),
    *_noun('mutes', 'mutes', 'mutes'),
    *_noun('acknowledgements', 'acknowledgements', 'acknowledgements'),
    *_noun('opt_outs', 'opt-outs', 'opt-outs'),
    *_noun('blackout_windows', 'blackout-windows', 'blackout windows'),
]
