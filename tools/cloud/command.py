# SPDX-License-Identifier: Apache-2.0
"""The command ``cloud``."""

import argparse
import os
import pathlib
import sys

from cloud import bed, node, package, place


def main() -> int:
    """Do what was asked; return the exit code."""
    parser = argparse.ArgumentParser(prog='cloud', description=__doc__)
    state = os.environ.get('XDG_STATE_HOME') or '~/.local/state'
    parser.add_argument(
        '--home',
        type=pathlib.Path,
        default=pathlib.Path(state).expanduser() / 'kvm-insight/cloud',
        help='where its state is (default: %(default)s)',
    )
    parser.add_argument(
        '--fakes',
        type=int,
        default=0,
        metavar='N',
        help='so many nodes with the fake driver beside the two real ones',
    )
    verbs = parser.add_subparsers(dest='verb', required=True)
    for verb, what in (
        ('install', 'the services; nothing is started'),
        ('up', 'start all, install what is missing'),
        ('down', 'stop all; the state stays'),
        ('wipe', 'stop all, delete the state'),
        ('status', 'what runs'),
        ('env', 'shell lines for an OpenStack client'),
        ('uri', "a node's libvirt"),
    ):
        made = verbs.add_parser(verb, help=what)
        if verb == 'env':
            made.add_argument('user', nargs='?', default='admin')
        if verb == 'uri':
            made.add_argument('node')
    args = parser.parse_args()
    cloud = bed.Cloud(args.home, fakes=args.fakes)
    try:
        return _do(args, cloud)
    except place.CloudError as why:
        print(f'cloud: {why}', file=sys.stderr)
        return 1


def _do(args: argparse.Namespace, cloud: bed.Cloud) -> int:
    where = cloud.where
    match args.verb:
        case 'install':
            package.install()
        case 'up':
            cloud.up()
        case 'down':
            cloud.down()
        case 'wipe':
            cloud.wipe()
        case 'uri':
            print(node.uri(where, args.node))
        case 'status':
            for name in where.names():
                print(f'{name:20} {where.pid(name) or "stopped"}')
        case 'env':
            for name, value in client(where, args.user).items():
                print(f'export {name}={value}')
    return 0


def client(where: place.Place, user: str) -> dict[str, str]:
    """Return the variables by which OpenStack's clients know a user."""
    projects = {'admin': 'admin', 'kvm-insight': 'service'}
    return {
        'OS_AUTH_URL': where.url('keystone'),
        'OS_USERNAME': user,
        'OS_PASSWORD': where.secret(user),
        'OS_PROJECT_NAME': projects.get(user, user),
        'OS_USER_DOMAIN_NAME': 'Default',
        'OS_PROJECT_DOMAIN_NAME': 'Default',
        'OS_REGION_NAME': place.REGION,
        'OS_IDENTITY_API_VERSION': '3',
        'OS_COMPUTE_API_VERSION': '2.90',
    }
