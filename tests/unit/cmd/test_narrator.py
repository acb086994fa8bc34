# SPDX-License-Identifier: Apache-2.0
"""What people read while standalone runs."""

import io
import json

import msgspec

from kvm_insight.cmd import narrator
from kvm_insight.model import sample
from tests import golden

from . import samples


def test_the_first_line_says_who_is_watched_and_how() -> None:
    assert narrator.watching(samples.host(1)) == (
        'node1: watching 2 domains: web (project p-web), batch (project'
        ' p-batch); ledger ebpf'
    )


def test_a_host_without_domains_says_why_that_may_be() -> None:
    bare = samples.host(1, domains=[], missing={'libvirt': 'no socket'})
    assert narrator.watching(bare) == (
        'node1: no running domain yet (libvirt: no socket)'
    )


def test_many_domains_make_one_short_line() -> None:
    many = [
        sample.Domain(
            uuid=f'00000000-0000-0000-0000-{n:012}', name=f'd{n}', epoch='1.1'
        )
        for n in range(40)
    ]
    line = narrator.watching(samples.host(1, domains=many))
    assert line.endswith('d7 and 32 more; ledger ebpf')


def test_progress_says_how_busy_the_host_is() -> None:
    line = narrator.progress(samples.host(1), samples.host(2), 1)
    assert line == '2 domains, ledger ebpf, CPUs 75% busy, 1 finding open'


def test_a_finding_is_told_as_it_opens_and_closes_but_not_between() -> None:
    out = io.StringIO()
    tell = narrator.Narrator(out, as_json=False, title='')
    tell.finding(samples.found('open'))
    tell.finding(samples.found('update'))
    tell.finding(samples.found('closed'))
    lines = [line.partition('  ')[2] for line in out.getvalue().splitlines()]
    because = 'web (project p-web) lost 20.0 s because of batch.'
    assert lines == [
        f'OPENED antagonist: {because}',
        f'CLOSED antagonist after 90 s (recovered): {because}',
    ]


def test_a_finding_says_where_it_is_as_the_cloud_calls_it() -> None:
    found = msgspec.structs.replace(
        samples.found('open'),
        availability_zone='north',
        aggregates=['fast', 'ssd'],
    )
    assert narrator.words(found).endswith(
        'because of batch. [node1: zone north, aggregate fast, aggregate ssd]'
    )


def test_json_is_findings_and_nothing_else() -> None:
    out = io.StringIO()
    tell = narrator.Narrator(out, as_json=True, title='')
    tell.sample(samples.host(1))
    for state in ('open', 'update', 'closed'):
        tell.finding(samples.found(state))
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line['state'] for line in lines] == ['open', 'update', 'closed']


def test_a_title_stands_before_each_line() -> None:
    out = io.StringIO()
    tell = narrator.Narrator(out, as_json=False, title='SIMULATED ')
    tell.sample(samples.host(1))
    assert out.getvalue().partition('  ')[2].startswith('SIMULATED node1')


def test_findings_reach_the_file_at_once() -> None:
    file = io.StringIO()
    keep = narrator.Recorder(file)
    told: list[str] = []
    take = narrator.both(keep.finding, lambda found: told.append(found.id))
    take(samples.found())
    assert json.loads(file.getvalue())['id'] == 'f1'
    assert told == ['f1']


def test_a_recommendation_is_told_with_its_state_and_reason() -> None:
    one = golden.recommended()
    out = io.StringIO()
    tell = narrator.Narrator(out, as_json=False, title='')
    tell.recommendation(one)
    assert one.state.upper() in out.getvalue()
    assert out.getvalue().endswith(f': {one.summary}\n')
    quiet = io.StringIO()
    narrator.Narrator(quiet, as_json=True, title='').recommendation(one)
    assert quiet.getvalue() == ''
