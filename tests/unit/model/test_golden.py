# SPDX-License-Identifier: Apache-2.0
"""Records that were published once are read for ever."""

import pathlib

import pytest

from kvm_insight.detect import host, hour_record, settings
from kvm_insight.model import (
    cluster,
    codec,
    finding,
    recommendation,
    sample,
    schema,
    state,
    usage,
)

GOLDEN = pathlib.Path(__file__).with_name('golden')
FILES = sorted(GOLDEN.glob('*.json'))


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_it_comes_back_byte_for_byte(path: pathlib.Path) -> None:
    value = path.read_bytes().strip()
    kind = schema.RECORDS[path.stem.rpartition('-')[0]]
    assert codec.encode(codec.decode(value, kind)) == value


def test_there_is_one_of_each_that_is_consumed() -> None:
    assert {
        'sample-1',
        'usage-1',
        'host-1',
        'host_config-1',
        'finding-1',
        'state-1',
        'cluster-1',
        'recommendation-1',
    } <= {p.stem for p in FILES}


def test_the_golden_sample_means_what_it_meant() -> None:
    value = (GOLDEN / 'sample-1.json').read_bytes()
    one = codec.decode(value.strip(), sample.Sample)
    assert one.sequence == 12
    assert {domain.name for domain in one.domains} == {
        'agg',
        'neighbour',
        'quiet',
        'vic',
    }
    assert one.ledger is not None
    assert one.ledger.source == 'ebpf'
    assert one.domains[0].identity.project_id != 'unassigned'


def test_the_golden_finding_means_what_it_meant() -> None:
    value = (GOLDEN / 'finding-1.json').read_bytes()
    one = codec.decode(value.strip(), finding.Finding)
    assert (one.verdict, one.state) == ('antagonist', 'closed')
    assert one.victim.name == 'vic'
    assert [a.party.name for a in one.aggressors] == ['agg']
    assert (
        one.aggressors[0].waited_us
        == one.accounts[one.aggressors[0].party.entity]
    )


def test_the_golden_hour_can_be_gone_on_with() -> None:
    value = (GOLDEN / 'usage-1.json').read_bytes().strip()
    one = codec.decode(value, usage.HostUsage)
    assert codec.encode(hour_record.of(hour_record.rebuilt(one))) == value
    victim, *_ = one.instances
    assert victim.name == 'vic'
    waited = usage.row(one, victim.uuid)
    agg = next(each for each in one.instances if each.name == 'agg')
    assert waited[f'domain:{agg.uuid}'] > 0.5 * victim.cpu.delay_us


def test_the_golden_state_can_be_gone_on_with() -> None:
    value = (GOLDEN / 'state-1.json').read_bytes()
    kept = codec.decode(value.strip(), state.HostState)
    assert (kept.partition, kept.offset) == (3, 77)
    detector = host.Detector(kept.host, settings.Settings())
    detector.restore(kept)
    assert detector.counters == kept.counters
    again = detector.state()
    assert again.window == kept.window
    assert again.incidents == kept.incidents


def test_the_golden_cluster_means_what_it_meant() -> None:
    one = cluster.read((GOLDEN / 'cluster-1.json').read_bytes())
    assert [host.name for host in one.hosts] == [
        'r1/compute-1',
        'r1/compute-2',
    ]
    memory = one.hosts[0].inventories['MEMORY_MB']
    assert (memory.total, memory.reserved, memory.used) == (
        262144,
        4096,
        None,
    )
    assert one.instances[2].opted_out
    assert one.instances[0].server_group == one.server_groups[0].id


def test_the_golden_recommendation_means_what_it_meant() -> None:
    value = (GOLDEN / 'recommendation-1.json').read_bytes()
    one = codec.decode(value.strip(), recommendation.Recommendation)
    assert (one.state, one.mode, len(one.moves)) == ('executed', 'relieve', 1)
    assert one.validity.verdict == 'valid'
    assert one.outcome is not None
    assert one.outcome.victims[0].lost_cores_after == 0.0
