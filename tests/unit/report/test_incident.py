# SPDX-License-Identifier: Apache-2.0
"""Findings in a tenant's words: nobody else is named, nor counted."""

from kvm_insight.model import codec, finding
from kvm_insight.report import incident, tenant, value
from tests.unit.report import material

BEGIN_US = material.BEGIN_US
OTHER = 'ffffffffffffffffffffffffffffffff'
FOREIGN = material.party(
    'eeeeeeee-0000-4000-8000-00000000000e', OTHER, 'secret-instance'
)
FOREIGN_2 = material.party(
    'eeeeeeee-0000-4000-8000-00000000000f', OTHER, 'secret-second'
)
OWN = material.party(material.TWO, name='batch')
SERVICE = finding.Party(entity='service:secret-ceph', name='secret-ceph')


def told(*aggressors: finding.Party) -> str:
    found = value.Found(material.found(*aggressors), 'opaque')
    made_of = material.of(material.use(), found=(found,))
    report = tenant.report(made_of, material.NOVEMBER, material.END_US)
    whole = codec.encode(report).decode()
    for word in ('secret', 'eeeeeeee', OTHER, 'user-7', 'summary'):
        assert word not in whole
    return report.findings[0].text


def test_others_are_one_however_many() -> None:
    assert told(FOREIGN).count('other projects') == 1
    both = told(FOREIGN, FOREIGN_2)
    assert both.count('other projects') == 1
    assert '18.0 s' in both


def test_one_s_own_are_named_and_the_host_is_the_host() -> None:
    text = told(OWN, SERVICE, FOREIGN)
    assert 'your own batch' in text
    assert 'the host [' in text


def test_without_aggressors_the_cause_is_told() -> None:
    assert 'took more than their share' in told()


def test_an_incident_that_goes_on_has_no_end() -> None:
    found = value.Found(material.found(FOREIGN, closed_us=None))
    (one,) = incident.told([found], material.PROJECT, BEGIN_US + 5_000_000)
    assert (one.closed_us, one.duration_s) == (None, 5.0)


def blamed(
    opened: int, closed: int | None, *, own: bool = False
) -> value.Blamed:
    return value.Blamed(
        uuid=material.ONE,
        name='web-1',
        resource='cpu',
        opened_us=BEGIN_US + opened,
        closed_us=None if closed is None else BEGIN_US + closed,
        waited_us=1_000_000,
        own=own,
    )


def test_findings_that_overlap_are_one_cause_of_trouble() -> None:
    parts = [blamed(0, 10), blamed(5, 20), blamed(20, 21), blamed(30, 40)]
    first, second = incident.caused(parts)
    assert first.end_us == BEGIN_US + 21
    assert first.waited_core_s == 3.0
    assert second.begin_us == BEGIN_US + 30
    assert first.name == 'web-1'


def test_what_goes_on_takes_in_all_that_comes_after() -> None:
    (one,) = incident.caused([blamed(0, None), blamed(50, 60, own=True)])
    assert one.end_us is None
    assert not one.own_only
    (own,) = incident.caused([blamed(0, 5, own=True)])
    assert own.own_only
