# SPDX-License-Identifier: Apache-2.0
"""Policy: who may ask what, in code; a file may say otherwise.

``oslopolicy-sample-generator --namespace kvm_insight`` writes that file.
"""

from oslo_config import cfg
from oslo_policy import policy

from kvm_insight.api.policy import operator, rule, tenant

#: Whoever may do this is shown what is of all projects.
ALL_PROJECTS = rule.ALL_PROJECTS
METRICS = 'insight:metrics:read'


def list_rules() -> list[policy.RuleDefault]:
    """Return all of them, for oslopolicy-sample-generator."""
    return [*rule.RULES, *tenant.RULES, *operator.RULES]


def enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """Return who decides, by these and by the policy file."""
    made = policy.Enforcer(conf)
    made.register_defaults(list_rules())
    return made


def get_enforcer() -> policy.Enforcer:
    """Return the same by the default configuration, for oslopolicy-*."""
    conf = cfg.ConfigOpts()
    conf([], project='kvm-insight', default_config_files=[])
    return enforcer(conf)
