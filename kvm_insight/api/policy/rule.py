# SPDX-License-Identifier: Apache-2.0
"""Rules that the others are made of."""

from oslo_policy import policy

ADMIN = 'rule:insight:admin'
OPERATOR = 'rule:insight:operator'
MEMBER = 'rule:insight:member'
ALL_PROJECTS = 'insight:all_projects'

#: Of a token; that of a domain never is.
SCOPES = ['system', 'project']

RULES = [
    policy.RuleDefault(
        'insight:admin',
        'role:admin',
        description='Administrators of the cloud.',
    ),
    policy.RuleDefault(
        'insight:operator',
        'rule:insight:admin or (role:reader and system_scope:all)',
        description='Those who run the cloud, or watch it.',
    ),
    policy.RuleDefault(
        'insight:member',
        'rule:insight:operator or (role:reader and project_id:%(project_id)s)',
        description='Those of a project, and those who run the cloud.',
    ),
    policy.DocumentedRuleDefault(
        name=ALL_PROJECTS,
        check_str=OPERATOR,
        description='See instances, findings and reports of all projects'
        ' with hosts and names. Whoever may not sees what is of his own'
        ' project.',
        operations=[
            {'path': f'/v1/{path}', 'method': 'GET'}
            for path in (
                'instances',
                'findings',
                'configuration-findings',
                'projects/{id}/report',
            )
        ],
        scope_types=SCOPES,
    ),
]


def documented(
    name: str, check: str, description: str, *operations: str
) -> policy.DocumentedRuleDefault:
    """Return a rule about ``METHOD path`` s."""
    pairs = [one.split(' ', 1) for one in operations]
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check,
        description=description,
        operations=[
            {'method': method, 'path': f'/v1/{path}'} for method, path in pairs
        ],
        scope_types=SCOPES,
    )
