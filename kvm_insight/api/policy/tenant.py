# SPDX-License-Identifier: Apache-2.0
"""What those of a project may ask, about what is theirs."""

from kvm_insight.api.policy import rule

RULES = [
    rule.documented(
        'insight:instances:read',
        rule.MEMBER,
        'Read instances, their ledgers and their hours.',
        'GET instances',
        'GET instances/{uuid}',
        'GET instances/{uuid}/ledger',
        'GET instances/{uuid}/hours',
    ),
    rule.documented(
        'insight:findings:read',
        rule.MEMBER,
        'Read findings.',
        'GET findings',
        'GET findings/{id}',
    ),
    rule.documented(
        'insight:configuration_findings:read',
        rule.MEMBER,
        'Read configuration findings.',
        'GET configuration-findings',
    ),
    rule.documented(
        'insight:reports:read',
        rule.MEMBER,
        'Read the report of a project.',
        'GET projects/{id}/report',
    ),
]
