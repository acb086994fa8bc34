# SPDX-License-Identifier: Apache-2.0
"""What top shows: who waits, and for whom."""

import pytest

from kvm_insight.bus import port
from kvm_insight.cmd import ranking, table, top
from kvm_insight.model import codec, configuration, sample

from . import samples


def two() -> ranking.Ranking:
    ranks = ranking.Ranking()
    ranks.add_sample(samples.host(1))
    ranks.add_sample(samples.host(2))
    return ranks


def test_who_waits_most_is_first_with_its_worst_aggressor() -> None:
    ranks = two()
    ranks.add_finding(samples.found())
    victim, noisy = ranks.rows()
    assert victim == ranking.Row(
        host='node1',
        uuid=samples.VICTIM,
        domain='instance-web',
        state='running',
        instance='web',
        project='p-web',
        vcpus=1,
        run_cores=0.1,
        wait_cores=0.5,
        worst='batch',
        worst_ratio=0.8,
        finding='antagonist',
    )
    assert (noisy.run_cores, noisy.wait_cores) == (0.9, 0.1)
    assert noisy.worst is None
    assert noisy.finding is None


def test_one_sample_has_no_rates_yet() -> None:
    ranks = ranking.Ranking()
    ranks.add_sample(samples.host(1))
    assert {row.run_cores for row in ranks.rows()} == {None}


def test_a_sample_that_comes_late_or_twice_changes_nothing() -> None:
    ranks = two()
    before = ranks.rows()
    ranks.add_sample(samples.host(1))
    ranks.add_sample(samples.host(2))
    assert ranks.rows() == before


def test_a_closed_finding_is_gone() -> None:
    ranks = two()
    ranks.add_finding(samples.found())
    ranks.add_finding(samples.found('closed'))
    assert {row.finding for row in ranks.rows()} == {None}


@pytest.mark.parametrize(
    ('charges', 'worst'),
    [
        ({'quota': 5, 'host': 1}, 'its own quota'),
        ({'service:backup.service': 5}, 'service:backup.service'),
        ({f'domain:{samples.VICTIM}': 5}, 'web'),
        ({'domain:00000000-0000-0000-0000-000000000000': 5}, None),
    ],
)
def test_the_worst_is_named_as_people_know_it(
    charges: dict[str, int], worst: str | None
) -> None:
    ranks = ranking.Ranking()
    ranks.add_sample(samples.host(2, charges=charges))
    victim = next(r for r in ranks.rows() if r.uuid == samples.VICTIM)
    assert victim.worst == (worst or next(iter(charges)))


def test_only_the_wanted_host_is_looked_at() -> None:
    ranks = ranking.Ranking('node2')
    ranks.add_sample(samples.host(1))
    assert ranks.hosts() == []


def test_cells_say_dash_for_what_nobody_knows() -> None:
    ranks = ranking.Ranking()
    bare = sample.Domain(
        uuid=samples.VICTIM, name='x', epoch='1.1', state='paused'
    )
    ranks.add_sample(samples.host(1, domains=[bare], ledger=None))
    (row,) = ranks.rows()
    assert ranking.cells(row, with_host=True) == [
        'node1: x (paused)',
        '-',
        '-',
        '0',
        '-',
        '-',
        '-',
        '-',
        '',
    ]


def test_a_table_aligns_and_lets_nobody_move_the_cursor() -> None:
    lines = table.render(
        ['NAME', '>RUN'], [['a\x1b[2J', '1.00'], ['long name', '10.00']], 80
    )
    assert lines == [
        'NAME         RUN',
        'a?[2J       1.00',
        'long name  10.00',
    ]
    assert table.render(['NAME'], [['x' * 100]], 10)[1] == 'x' * 10


def test_what_is_not_about_cpus_says_so() -> None:
    ranks = two()
    ranks.add_finding(samples.found())
    slow = samples.found(id='f2', resource='disk', verdict='overcommit')
    ranks.add_finding(slow)
    shown = {row.finding for row in ranks.rows()} - {None}
    assert shown == {'antagonist, disk: overcommit'}


def test_what_is_set_up_badly_is_no_wait() -> None:
    ranks = two()
    bad = configuration.Finding(
        id='c',
        state='open',
        host='node1',
        check='disk.emulated',
        severity='high',
        what='vda is emulated hardware',
        evidence=[],
        opened_us=1,
        updated_us=1,
    )
    where = port.Partition('findings', 0)
    records = [
        port.Record(where, place, 'c', codec.encode(one), 1, {})
        for place, one in enumerate((bad, samples.found()))
    ]
    before = ranks.rows()
    top.take(ranks, records[:1])
    assert ranks.rows() == before
    top.take(ranks, records[1:])
    assert ranks.rows() != before
