# SPDX-License-Identifier: Apache-2.0
"""Ways to ask: clouds.yaml, a token of one's own, paging, completion, and
what a tenant sees."""

import json
import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from tests import filling
from tests.functional.api import conftest as apis
from tests.functional.osc import conftest, test_commands
from tests.unit.api import conftest as units


def test_a_token_in_the_environment_will_do(cloud: conftest.Cloud) -> None:
    surroundings = conftest.environment(
        OS_AUTH_TYPE='admin_token',
        OS_ENDPOINT=cloud.endpoint,
        OS_TOKEN=cloud.token_file.read_text().strip(),
    )
    done = conftest.openstack(
        surroundings, 'insight', 'host', 'list', '-f', 'value', '-c', 'Name'
    )
    assert done.stderr == ''
    assert done.stdout.split() == ['r/h1', 'r/h2', 'r/h3']


def test_clouds_yaml_knows_it_by_a_name(
    cloud: conftest.Cloud, tmp_path: pathlib.Path
) -> None:
    (tmp_path / 'clouds.yaml').write_text(
        'clouds:\n'
        '  here:\n'
        '    auth_type: kvm_insight\n'
        "    insight_api_version: '1.0'\n"
        '    auth:\n'
        f'      endpoint: {cloud.endpoint}\n'
        f'      insight_token_file: {cloud.token_file}\n'
    )
    surroundings = conftest.environment(
        OS_CLIENT_CONFIG_FILE=str(tmp_path / 'clouds.yaml')
    )
    done = conftest.openstack(
        surroundings,
        *[
            '--os-cloud',
            'here',
            'insight',
            'finding',
            'show',
            'f-1',
            '-f',
            'json',
        ],
    )
    assert done.stderr == ''
    assert json.loads(done.stdout)['id'] == 'f-1'


def test_a_reason_may_be_any_words(cloud: conftest.Cloud) -> None:
    reason = 'it\'s "ours" | $(true) \N{SNOWMAN}'
    words = [
        'insight',
        'mute',
        'create',
        '--host',
        'r/h3',
        '-f',
        'json',
        '--reason',
    ]
    done = conftest.openstack(cloud.environment(), *words, reason)
    assert json.loads(done.stdout)['reason'] == reason
    said = cloud.said()['mute/host/r/h3']
    assert said is not None
    assert said.reason == reason


def test_a_list_goes_on_where_it_ended(cloud: conftest.Cloud) -> None:
    name = 'insight host list -f value -c Name'
    out, errors = conftest.interactive(
        cloud.environment(),
        [
            f'{name} --limit 2',
            f'{name} --marker r/h2',
            f'{name} --sort name:desc --limit 1',
            f'{name} --aggregate fast --state silent --enabled true',
        ],
    )
    assert errors == ''
    assert [one.split() for one in out] == [
        ['r/h1', 'r/h2'],
        ['r/h3'],
        ['r/h3'],
        ['r/h1', 'r/h2', 'r/h3'],
    ]


def test_a_gap_is_no_health(cloud: conftest.Cloud) -> None:
    period = '--since 2026-11-28T00:00:00Z --until 2026-11-28T06:00:00Z'
    _, errors = conftest.interactive(
        cloud.environment(),
        [f'insight instance ledger {filling.uuid(1)} {period}'],
    )
    assert errors.startswith('16.7 % of the time was measured')


def test_a_report_is_written_into_a_file(
    cloud: conftest.Cloud, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / 'report.json'
    name = f'insight report show --project alpha --month 2026-11 --file {path}'
    out, errors = conftest.interactive(
        cloud.environment(),
        [f'{name} -f json', f'{name}/nope --format-of-report json'],
    )
    assert 'Not a directory; name a file' in errors
    told = json.loads(out[0])
    found = json.loads(path.read_text())
    assert found['schema'] == 'kvm_insight.tenant_report/1'
    assert found['totals']['cpu']['waited_core_s'] == told['waited_core_s']


def test_a_report_is_written_as_what_its_name_says(
    cloud: conftest.Cloud, tmp_path: pathlib.Path
) -> None:
    name = 'insight report show --project alpha --month 2026-11 --file'
    _, errors = conftest.interactive(
        cloud.environment(),
        [
            f'{name} {tmp_path}/report.html',
            f'{name} {tmp_path}/report.csv --table worst',
            f'{name} {tmp_path}/report --format-of-report csv',
        ],
    )
    assert errors == ''
    page = (tmp_path / 'report.html').read_text()
    assert page.startswith('<!DOCTYPE html>')
    assert 'vm-1' in page
    worst = (tmp_path / 'report.csv').read_text().splitlines()
    assert worst[0].startswith('instance,name,start_us')
    assert filling.uuid(1) in worst[1]
    whole = (tmp_path / 'report').read_text().splitlines()
    assert whole[0].startswith('uuid,name,flavor')
    assert len(whole) == 3


def test_bash_completes_all_commands(cloud: conftest.Cloud) -> None:
    done = conftest.openstack(conftest.environment(), 'complete')
    assert done.returncode == 0, done.stderr
    names = sorted(test_commands.COMMANDS)
    begun = [['openstack', *name.split()[:-1], ''] for name in names]
    begun.append(['openstack', 'insight', 'host', 'list', '--agg'])
    *found, switches = completions(done.stdout, begun)
    for name, proposed in zip(names, found, strict=True):
        assert name.split()[-1] in proposed, name
    assert switches == ['--aggregate']


def completions(script: str, begun: list[list[str]]) -> list[list[str]]:
    """Return what bash proposes for the last of each of these words."""
    lines = [
        '_get_comp_words_by_ref() { words=("${COMP_WORDS[@]}");'
        ' cur=${COMP_WORDS[COMP_CWORD]}; prev=; }',
        script,
    ]
    for words in begun:
        typed = ' '.join(f"'{word}'" for word in words)
        lines += [
            f'COMP_WORDS=({typed}) COMP_CWORD={len(words) - 1}',
            '_openstack; echo "${COMPREPLY[@]}"',
        ]
    done = subprocess.run(
        ['bash', '-s'],
        input='\n'.join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split() for line in done.stdout.splitlines()]


@pytest.fixture(scope='module')
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[apis.Served]:
    """The same cloud, before tenants whose names are their tokens."""
    folder = tmp_path_factory.mktemp('shared')
    with units.store(pathlib.Path(folder)) as database:
        conftest.fill(database)
        with apis.serving(units.site(database)) as served:
            yield served


def tenant(served: apis.Served, name: str) -> dict[str, str]:
    return conftest.environment(
        OS_AUTH_TYPE='admin_token',
        OS_ENDPOINT=f'http://127.0.0.1:{served.port}',
        OS_TOKEN=name,
    )


#: Those that tell nobody but operators anything.
OPERATORS = ('host', 'recommendation', 'overcommit', 'health')
ORDERS = ('mute', 'acknowledgement', 'optout', 'blackout')


def test_a_tenant_sees_what_is_his(shared: apis.Served) -> None:
    theirs = [
        name
        for name in test_commands.COMMANDS
        if name.split()[1] not in (*OPERATORS, *ORDERS)
        and name.split()[2] in ('list', 'ledger', 'show')
        and name != 'insight finding show'
    ]
    lines = []
    for name in theirs:
        words = test_commands.WORDS[name].replace(' --host r/h1', '')
        lines += [f'{name} {words} -f {form}' for form in ('json', 'table')]
    out, errors = conftest.interactive(tenant(shared, 'alice'), lines)
    assert errors == ''
    assert len(theirs) >= 6
    told = ''.join(out)
    assert filling.uuid(1) in told
    for secret in ('r/h1', 'beta', 'vm-3', filling.uuid(3), 'sshd'):
        assert secret not in told
    assert 'other projects' in told
    found = json.loads(out[2 * theirs.index('insight instance list')])
    assert [set(one) >= {'Host ID'} for one in found] == [True, True]


def test_a_tenant_asks_for_a_finding_by_the_id_that_he_was_told(
    shared: apis.Served,
) -> None:
    name = 'insight finding list -f value -c ID --sort opened_us:asc'
    (listed,), _ = conftest.interactive(tenant(shared, 'alice'), [name])
    asked = [f'insight finding show {one} -f json' for one in listed.split()]
    assert len(asked) >= 2
    out, errors = conftest.interactive(tenant(shared, 'alice'), asked)
    assert errors == ''
    assert [json.loads(one)['id'] for one in out] == listed.split()


def test_what_is_not_for_tenants_is_refused_in_a_line_each(
    shared: apis.Served,
) -> None:
    names = [
        f'{name} {test_commands.WORDS[name]}'
        for name in sorted(test_commands.COMMANDS)
        if name.split()[1] in (*OPERATORS, *ORDERS)
    ]
    out, errors = conftest.interactive(tenant(shared, 'alice'), names)
    assert set(out) == {''}
    assert errors.count('The policy does not allow this') == len(names)
    assert 'Traceback' not in errors
    assert shared.site.said == []
