# SPDX-License-Identifier: Apache-2.0
"""Feeds are known by name, also where what they need is not installed."""

import subprocess
import sys

import pytest

from kvm_insight import exception
from kvm_insight.feed import registry

PROGRAM = """
import sys

for name in ('openstack', 'keystoneauth1', 'requests'):
    sys.modules[name] = None
from kvm_insight.cmd import feed
from kvm_insight.feed import registry

assert 'placement' in registry.names()
assert 'nova' in registry.names()
"""

UNINSTALLED = """
import sys

for name in ('openstack', 'keystoneauth1', 'requests'):
    sys.modules[name] = None
from kvm_insight import exception
from kvm_insight.cloud import settings
from kvm_insight.feed import registry

cloud = settings.Settings(cloud='ours')
needs = {
    'placement': {},
    'actuator': {'limits': None},
    'watcher': {'recommendations_path': '/x', 'watcher_audit': 'ours'},
}
for name, more in needs.items():
    try:
        registry.load([name], {'cloud': cloud, **more}, print)
    except exception.ConfigError as why:
        assert name in str(why) and 'kvm-insight[cloud]' in str(why), why
    else:
        raise AssertionError(name)
"""


def test_names_are_known_without_what_one_of_them_needs() -> None:
    subprocess.run([sys.executable, '-c', PROGRAM], check=True)


def test_a_name_that_nobody_has_is_told_those_that_are_there() -> None:
    with pytest.raises(exception.ConfigError, match=r'no novva; .*nova, '):
        registry.load(['novva'], {}, print)


def test_what_a_feed_needs_only_to_use_openstack_is_named() -> None:
    subprocess.run([sys.executable, '-c', UNINSTALLED], check=True)
