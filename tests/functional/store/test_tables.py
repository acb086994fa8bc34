# SPDX-License-Identifier: Apache-2.0
"""Tables that are filled: changed, changed back, and made smaller."""

import datetime
import pathlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from database import server as database_server

from kvm_insight import recorder
from kvm_insight.cmd import insight as command
from kvm_insight.conf import recorder as options
from kvm_insight.store import engine, schema, settings
from kvm_insight.store.write import account, book
from tests import kept
from tests.functional.store import conftest, stream
from tests.unit.store import made

DAY_US = 24 * 3_600_000_000


@pytest.fixture(params=['sqlite', *conftest.KINDS])
def full(
    request: pytest.FixtureRequest,
    servers: Callable[[str], conftest.Server],
    bench: conftest.Bench,
    words: list[stream.Word],
    tmp_path: pathlib.Path,
) -> Iterator[tuple[str, sa.Engine]]:
    """A database of each kind with a day in it."""

    def fill(url: str) -> Iterator[tuple[str, sa.Engine]]:
        with conftest.filled(url) as found:
            bench.publish(words)
            bench.start(url)
            bench.wait(found)
            bench.stop()
            yield url, found

    if request.param == 'sqlite':
        yield from fill(f'sqlite:///{tmp_path}/store.db')
    else:
        with conftest.on(servers(request.param)) as url:
            yield from fill(url)


Insight = Callable[..., tuple[int, str]]
_NEWER = {'waited_own_project_us', 'uniform', 'peak_delay_us'}


@pytest.fixture
def insight(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> Insight:
    """Runs a command with a database: returns how it ends, and all that it
    says."""
    config = tmp_path / 'kvm-insight.conf'

    def run(url: str, *words: str) -> tuple[int, str]:
        config.write_text(f'[database]\nconnection = {url}\n')
        code = command.main([*words, '--config-file', str(config)])
        return code, ''.join(capsys.readouterr())

    return run


def test_migrations_go_down_and_up_with_all_that_is_there(
    full: tuple[str, sa.Engine], insight: Insight
) -> None:
    url, database = full
    before = kept.tables(database)
    code, said = insight(url, 'db', 'downgrade', '0003', '--yes')
    assert code == 0, said
    assert '0003' in said
    assert insight(url, 'db', 'check')[0] == 3
    assert schema.difference(database)
    code, said = insight(url, 'db', 'upgrade')
    assert code == 0, said
    assert insight(url, 'db', 'check')[0] == 0
    assert schema.difference(database) == []
    after = kept.tables(database)
    for row in before['instance']:
        if row['state'] is not None:
            # The older tables had no place for it; this is the best guess.
            row['report_us'] = row['last_seen_us']
    for name in ('instance_hour', 'instance_day'):
        for row in before[name]:
            # What older rows did not tell stays unknown.
            row |= dict.fromkeys(_NEWER & row.keys())
    assert kept.differences(after, before) == []
    code, said = insight(url, 'db', 'downgrade', 'base', '--yes')
    assert code == 0, said
    assert insight(url, 'db', 'upgrade')[0] == 0
    assert not any(kept.tables(database).values())


def test_causes_of_older_rows_are_made_to_add_up(
    full: tuple[str, sa.Engine], insight: Insight
) -> None:
    url, database = full
    assert insight(url, 'db', 'downgrade', '0005', '--yes')[0] == 0
    with database.begin() as connection:
        connection.execute(
            sa.text(
                'UPDATE instance_hour SET polled_us = run_us + 5,'
                ' throttled_us = delay_us / 2 + 1, waited_quota_us = 0,'
                ' waited_neighbour_us = 3 * delay_us + 7'
            )
        )
    assert insight(url, 'db', 'upgrade')[0] == 0
    rows = kept.tables(database)['instance_hour']
    assert len(rows) > 50
    for row in rows:
        waited = [row[f'waited_{kind}_us'] for kind in account.CLASSES]
        # The database rounds each of them.
        assert abs(sum(waited) - row['delay_us']) <= len(waited)
        assert row['polled_us'] == row['run_us']
        if row['delay_us'] > 1000:
            by_quota = row['waited_quota_us'] / row['delay_us']
            assert by_quota <= 0.5 / 3.5 + 0.01


def test_a_purge_leaves_what_is_newer_and_nothing_that_leads_nowhere(
    full: tuple[str, sa.Engine], insight: Insight
) -> None:
    url, database = full
    before = kept.tables(database)
    day = made.START_US // DAY_US + 1
    code, said = insight(url, 'db', 'purge', '--before', _date(day))
    assert code == 0, said
    assert 'instance_hour: ' in said
    after = kept.tables(database)
    for name in ('host_hour', 'instance_hour'):
        assert after[name] == [
            row for row in before[name] if row['hour'] >= day * 24
        ]
        assert after[name]
    for name in ('host_day', 'instance_day'):
        assert after[name] == [
            row for row in before[name] if row['day'] >= day
        ]
    code, said = insight(url, 'db', 'purge', '--before', _date(day + 900))
    assert code == 0, said
    left = kept.tables(database)
    for name in ('instance_hour', 'instance_day', 'finding', 'instance'):
        assert left[name] == [], name
    # What the bus still has is not told again, so it stays.
    assert {row['name'] for row in left['host']} == {
        row['name'] for row in before['host'] if row['enabled'] is not None
    }
    assert {row['id'] for row in left['recommendation']} == {
        row['id'] for row in before['recommendation'] if not row['gone_us']
    }
    keys = {row['key'] for row in left['fact']}
    assert {f'project/{row["uuid"]}' for row in left['project']} <= keys


def _date(day: int) -> str:
    return str(datetime.date(1970, 1, 1) + datetime.timedelta(days=day))


def test_no_word_of_a_command_has_the_password(
    server: conftest.Server, url: str, insight: Insight
) -> None:
    wrong = url.replace('pass%3A', 'hunter%3A')
    assert wrong != url
    for broken in (wrong, wrong.replace('127.0.0.1:', '127.0.0.1:1')):
        for words in (('check',), ('upgrade',)):
            code, said = insight(broken, 'db', *words)
            assert code in (1, 2)
            assert said.count('\n') == 1, said
            assert 'hunter' not in said
            assert database_server.PASSWORD not in said


def test_a_day_of_a_file_is_purged_by_the_recorder_itself(
    bench: conftest.Bench, words: list[stream.Word], tmp_path: pathlib.Path
) -> None:
    """What it was told of 2024 is too old by what it keeps by default."""
    url = f'sqlite:///{tmp_path}/store.db'
    with conftest.filled(url) as database:
        bench.publish(words)
        bench.start(url)
        bench.wait(database)
        bench.stop()
        stop = threading.Event()
        one = recorder.Recorder(
            bench.bus,
            book.Book(database),
            options.Settings(prefix=bench.prefix),
        )
        thread = threading.Thread(target=one.run, args=(stop,))
        thread.start()
        wait_until(lambda: one.status().purged > 0)
        stop.set()
        thread.join(20)
        found = kept.tables(database)
    for name in ('host_hour', 'instance_hour', 'instance_day', 'finding'):
        assert found[name] == []


def wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not done():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_standalone_keeps_its_history_in_a_file(
    tmp_path: pathlib.Path,
) -> None:
    code = 'import sys; from kvm_insight.cmd import insight; '
    code += 'sys.exit(insight.main())'
    words = [
        *('--state', str(tmp_path), '--run-dir', str(tmp_path)),
        *('--uri', 'test:///default', '--host', 'here'),
        *('--for', '6', '--interval', '2'),
    ]

    def run(*more: str) -> None:
        done = subprocess.run(
            [sys.executable, '-c', code, 'standalone', *words, *more],
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ''

    run('--no-store')
    path = tmp_path / 'store.db'
    assert not path.exists()
    run()
    url = f'sqlite:///{path}'
    database = engine.connect(settings.Settings(connection=url))
    (host,) = kept.tables(database)['host']
    assert host['name'] == 'here'
    assert host['report_us']
    database.dispose()
