# SPDX-License-Identifier: Apache-2.0
"""What a real libvirt is asked for, and what it is not bothered with."""

import pytest

pytest.importorskip('libvirt')

import libvirt

from kvm_insight.observe import connection


@pytest.mark.parametrize(('wanted', 'counted'), [(True, 1), (False, 0)])
def test_snapshots_are_counted_for_who_wants_to_know(
    counted: int, *, wanted: bool
) -> None:
    other = libvirt.open('test:///default')
    (domain,) = other.listAllDomains()
    words = '<domainsnapshot><name>before</name></domainsnapshot>'
    snapshot = domain.snapshotCreateXML(words)
    link = connection.Connection(
        'test:///default',
        read_only=True,
        with_snapshots=wanted,
        changed=lambda *_: None,
        lost=lambda: None,
    )
    try:
        found = link.describe(domain.UUIDString())
    finally:
        link.close()
        snapshot.delete()
        other.close()
    assert found is not None
    assert found.snapshots == counted
