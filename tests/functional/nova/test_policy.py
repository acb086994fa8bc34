# SPDX-License-Identifier: Apache-2.0
"""The role of the actuator is admin for Nova's own policy code."""

import json
import pathlib
import subprocess

WORKER = pathlib.Path(__file__).with_name('permitted.py')
PREFIX = 'os_compute_api:'
#: All that the actuator asks Nova for.
NEEDED = [
    'servers:show',
    'os-extended-server-attributes',
    'os-migrate-server:migrate_live',
    'os-migrate-server:migrate_live:host',
    'servers:migrations:index',
    'servers:migrations:index:host',
    'servers:migrations:delete',
    'os-migrations:index',
    'os-migrations:index:all_projects',
    'os-migrations:index:host',
]


def test_the_role_may_all_that_is_needed_and_others_may_no_more_than_before(
    nova_python: pathlib.Path, tree: pathlib.Path
) -> None:
    path = tree / 'etc/kvm-insight/policy/nova-actuator.yaml'
    request = {
        'roles': ['kvm_insight_actuator', 'kvm_insight', 'member', 'admin'],
        'policies': [f'{PREFIX}{name}' for name in NEEDED],
    }
    done = subprocess.run(
        [nova_python, WORKER, path],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    everything = {'is_admin': True, 'allowed': request['policies']}
    nothing = {'is_admin': False, 'allowed': []}
    assert found == {
        'kvm_insight_actuator': everything,
        'admin': everything,
        'kvm_insight': nothing,
        'member': nothing,
    }
