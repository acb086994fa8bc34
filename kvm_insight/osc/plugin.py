# SPDX-License-Identifier: Apache-2.0
"""What ``openstack`` asks of a plugin: its options, and its client."""

import argparse
import re
from typing import Any

from osc_lib import exceptions, utils

API_NAME = 'insight'
API_VERSION_OPTION = 'os_insight_api_version'
DEFAULT_API_VERSION = '1.0'

_VERSION = re.compile(r'1\.\d{1,4}')


def build_option_parser(
    parser: argparse.ArgumentParser,
) -> argparse.ArgumentParser:
    """Add our options to those of ``openstack``."""
    parser.add_argument(
        '--os-insight-api-version',
        metavar='<insight-api-version>',
        default=utils.env('OS_INSIGHT_API_VERSION'),
        help='Insight API version, default='
        f'{DEFAULT_API_VERSION} (Env: OS_INSIGHT_API_VERSION)',
    )
    return parser


def check_api_version(version: str) -> bool:
    """Say that a version can be asked for; raise CommandError if not."""
    if not _VERSION.fullmatch(version):
        raise exceptions.CommandError(
            f'--os-insight-api-version {version}: give'
            f' {DEFAULT_API_VERSION}, or a newer 1.N that the API knows'
        )
    return True


def make_client(instance: Any) -> Any:
    """Return the client; only a command that asks the API needs it."""
    from kvm_insight.osc import client

    return client.Client(
        session=instance.session,
        version=instance._api_version[API_NAME],
        interface=instance.interface,
        region=instance.region_name,
    )
