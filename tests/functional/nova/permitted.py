# SPDX-License-Identifier: Apache-2.0
"""Runs in Nova's own environment: what a role may do by a policy file.

The request is JSON on stdin: roles and the names of policies.
"""

import json
import sys
from typing import Any

import nova.conf
from nova import context, policy
from oslo_policy import opts

CONF = nova.conf.CONF


def main() -> None:
    """Answer one request."""
    request = json.loads(sys.stdin.read())
    CONF([], project='nova', default_config_files=[])
    opts.set_defaults(CONF)
    CONF.set_override('policy_file', sys.argv[1], 'oslo_policy')
    policy.init(suppress_deprecation_warnings=True)
    found: dict[str, Any] = {}
    for role in request['roles']:
        one = context.RequestContext('us', 'service', roles=[role])
        found[role] = {
            'is_admin': one.is_admin,
            'allowed': [
                name
                for name in request['policies']
                if one.can(name, target={'project_id': 'other'}, fatal=False)
            ],
        }
    sys.stdout.write(json.dumps(found))


if __name__ == '__main__':
    main()
