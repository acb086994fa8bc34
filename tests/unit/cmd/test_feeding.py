# SPDX-License-Identifier: Apache-2.0
"""Who moves instances waits for a cloud longer than a planner may."""

import pytest

from kvm_insight import exception
from kvm_insight.cmd import cluster_source, feeding
from kvm_insight.model import cluster

WHOLE = cluster.Cluster(time_us=1)


def source(*answers: Exception | cluster.Cluster) -> cluster_source.Source:
    left = list(answers)

    def confirm(hosts: frozenset[str]) -> cluster.Cluster:
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    return cluster_source.Source(lambda: WHOLE, confirm)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, '_AGAIN_S', 0.0)


def test_a_cloud_that_is_not_read_yet_is_waited_for() -> None:
    why = exception.CloudUnavailable('it is being read for the first time')
    ask = feeding._patient(source(why, why, WHOLE))
    assert ask(frozenset()) == WHOLE


def test_a_cloud_that_stays_away_or_refuses_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(exception.CloudRefused):
        feeding._patient(source(exception.CloudRefused('403')))(frozenset())
    monkeypatch.setattr(feeding, '_PATIENT_S', 0.0)
    with pytest.raises(exception.CloudUnavailable):
        feeding._patient(source(exception.CloudUnavailable('503')))(
            frozenset()
        )


def test_a_file_is_read_as_it_is() -> None:
    one = cluster_source.Source(lambda: WHOLE)
    assert feeding._patient(one)(frozenset()) == WHOLE
