# SPDX-License-Identifier: Apache-2.0
"""Feeds are known by name, also where what they need is not installed."""

import subprocess
import sys

PROGRAM = """
import sys

for name in ('openstack', 'keystoneauth1', 'requests'):
    sys.modules[name] = None
from kvm_insight.cmd import feed
from kvm_insight.feed import registry

assert 'placement' in registry.names()
assert 'nova' in registry.names()
"""


def test_names_are_known_without_what_one_of_them_needs() -> None:
    subprocess.run([sys.executable, '-c', PROGRAM], check=True)
