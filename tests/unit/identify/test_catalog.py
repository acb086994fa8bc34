# SPDX-License-Identifier: Apache-2.0
"""Who a domain is, from sweep to sweep."""

from kvm_insight.identify import catalog, mapping

UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
OTHER = 'a87a72dd-a5e3-402c-aef4-3be00d906b62'
OWN = (
    '<domain><metadata><i:owner xmlns:i="urn:kvm-insight:1" project="{}"/>'
    '</metadata></domain>'
)
PLAIN = '<domain/>'


def project(known: catalog.Catalog, xml: str | None, uuid: str = UUID) -> str:
    return known.describe(uuid, 'web', xml).identity.project_id


def test_changed_xml_changes_the_owner() -> None:
    known = catalog.Catalog()
    assert project(known, OWN.format('a')) == 'a'
    assert project(known, OWN.format('b')) == 'b'


def test_while_libvirt_is_away_everybody_is_who_they_were() -> None:
    known = catalog.Catalog()
    project(known, OWN.format('a'))
    assert project(known, None) == 'a'
    assert known.describe(OTHER, 'x', None).identity.status == 'missing'


def test_the_mapping_speaks_for_those_without_a_project() -> None:
    known = catalog.Catalog(mapping.parse('[web]\nproject = m\n'))
    assert project(known, PLAIN) == 'm'
    assert project(known, OWN.format('a')) == 'a'
    assert known.failures() == {}


def test_a_new_mapping_counts_from_the_next_sweep() -> None:
    known = catalog.Catalog()
    assert project(known, PLAIN) == 'unassigned'
    known.adopt(mapping.parse('[web]\nproject = m\n'))
    assert project(known, PLAIN) == 'm'


def test_failures_are_counted_by_status_of_those_who_are_here() -> None:
    known = catalog.Catalog()
    known.describe(UUID, 'a', PLAIN)
    known.describe(OTHER, 'b', 'broken')
    assert known.failures() == {'broken': 1, 'missing': 1}
    known.keep([OTHER])
    assert known.failures() == {'broken': 1}
    # Nothing of it is kept: it is a new one when it comes back.
    assert known.describe(UUID, 'a', None).identity.status == 'missing'
