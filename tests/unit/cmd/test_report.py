# SPDX-License-Identifier: Apache-2.0
"""``kvm-insight report``: each form, and what it says where it cannot."""

import datetime
import email
import email.policy
import json
import pathlib

import pytest
import sqlalchemy as sa

from kvm_insight.cmd import insight, report_file, report_text, service
from kvm_insight.model import tenant_report, usage
from kvm_insight.report import tenant, value
from kvm_insight.store import engine, schema, settings
from tests.unit.report import material
from tests.unit.store import filling
from tests.unit.store import test_report_source as rows

BLUE = material.PROJECT
MONTH = ['--month', '2026-11']
MAIL = ['--to', 'Blue <it@example.org>', '--from', 'cloud@example.org']


@pytest.fixture
def config(tmp_path: pathlib.Path) -> pathlib.Path:
    url = f'sqlite:///{tmp_path}/store.db'
    database = engine.connect(settings.Settings(connection=url))
    schema.upgrade(database)
    with database.begin() as connection:
        fill = filling.Filling(connection)
        fill.project(BLUE, 'shop')
        fill.project('../../escape', 'twin')
        fill.project('other-twin', 'twin')
        one = rows.instance(material.ONE, BLUE, '\x1b[31mweb', 5_000_000)
        bad = rows.instance(material.TWO, '../../escape', 'x', 1)
        fill.hour(rows.hour(3, 'secret-host', one, bad))
        connection.execute(sa.text('UPDATE instance SET gone_us = 1'))
    database.dispose()
    path = tmp_path / 'insight.conf'
    path.write_text(f'[database]\nconnection = {url}\n')
    return path


def run(config: pathlib.Path, *words: str) -> int:
    return insight.main(['--config-file', str(config), 'report', *words])


def test_text_is_for_a_terminal(
    config: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(config, '--project', 'shop', *MONTH) == service.OK
    told = capsys.readouterr().out
    assert told.startswith('shop: November 2026\n')
    assert 'RIGHT SIZE' in told
    assert '\x1b' not in told
    assert 'secret' not in told


def test_json_is_the_record(
    config: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--project', BLUE, *MONTH, '--format', 'json']
    assert run(config, *words) == service.OK
    told = json.loads(capsys.readouterr().out)
    assert told['schema'] == tenant_report.SCHEMA
    assert told['totals']['cpu']['waited_core_s'] == 5.0


def test_a_mail_has_text_and_page(
    config: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / 'mails' / 'one.eml'
    words = ['--project', 'shop', *MONTH, '--format', 'eml', *MAIL]
    assert run(config, *words, '--output', str(path)) == service.OK
    mail = email.message_from_bytes(
        path.read_bytes(), policy=email.policy.default
    )
    assert mail['Subject'] == 'shop: November 2026'
    assert mail['To'] == 'Blue <it@example.org>'
    assert mail.get_content_type() == 'multipart/alternative'
    kinds = [part.get_content_type() for part in mail.iter_parts()]
    assert kinds == ['text/plain', 'text/html']


@pytest.mark.parametrize('to', ['', 'nobody', 'a@b\nBcc: c@example.org'])
def test_a_mail_to_nobody_is_refused(
    config: pathlib.Path, to: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--project', 'shop', *MONTH, '--format', 'eml', '--to', to]
    assert run(config, *words, '--from', 'a@example.org') == service.MISUSED
    assert '--to' in capsys.readouterr().err


def test_all_projects_are_a_file_each_within_the_folder(
    config: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    folder = tmp_path / 'deep' / 'out'
    words = ['--all-projects', *MONTH, '--format', 'html']
    assert run(config, *words) == service.MISUSED
    assert run(config, *words, '--output', str(folder)) == service.OK
    names = {path.name for path in folder.iterdir()}
    assert names == {
        f'{BLUE}.html',
        report_file.name('../../escape', 'html'),
    }
    assert material.TWO not in (folder / f'{BLUE}.html').read_text()


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        (['--project', 'shob', *MONTH], 'there is: shop'),
        (['--project', 'twin', *MONTH], 'more than one'),
        (['--project', 'shop'], '--month'),
        (['--project', 'shop', '--month', '2026-13'], '2026-13'),
        (['--project', 'shop', *MONTH, '--timezone', 'Mars/X'], 'Mars/X'),
        (['--project', 'shop', *MONTH, '--timezone', '../x'], '../x'),
        (['--project', 'shop', *MONTH, '--since', '2026-11-01'], '--month'),
        (['--project', 'shop', '--since', 'x'], "'x'"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    config: pathlib.Path,
    words: list[str],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(config, *words) == service.MISUSED
    said = capsys.readouterr().err
    assert told in said
    assert said.count('\n') == 1


def test_a_period_without_data_says_which_there_are(
    config: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--project', 'shop', '--month', '2025-01']
    assert run(config, *words) == service.UNHEALTHY
    assert 'there is: 2026-11' in capsys.readouterr().err
    assert run(config, '--project', 'other-twin', *MONTH) == service.UNHEALTHY
    assert 'never' in capsys.readouterr().err


def test_a_period_that_has_not_begun_is_nothing_to_tell(
    config: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f'sqlite:///{config.parent}/store.db'
    database = engine.connect(settings.Settings(connection=url))
    with database.begin() as connection:
        connection.execute(sa.text('UPDATE instance SET gone_us = NULL'))
    database.dispose()
    words = ['--project', 'shop', '--month', '2190-09']
    assert run(config, *words) == service.UNHEALTHY
    told = capsys.readouterr()
    assert told.out == ''
    assert 'has not begun' in told.err
    assert 'there is: 2026-11' in told.err


def test_last_month_is_the_one_before_this_one(
    config: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--project', 'shop', '--month', 'last', '--format', 'json']
    code = run(config, *words)
    # Whatever this month is.
    assert code in {service.OK, service.UNHEALTHY}
    assert 'month' not in capsys.readouterr().err


def test_csv_has_one_table(
    config: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ['--project', 'shop', *MONTH, '--format', 'csv']
    assert run(config, *words, '--table', 'worst') == service.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('instance,name,start_us')
    assert str((rows.BEGIN + 3) * usage.HOUR_US) in lines[1]


def test_a_database_that_is_not_there_is_one_line(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'insight.conf'
    path.write_text(f'[database]\nconnection = sqlite:///{tmp_path}/no.db\n')
    assert run(path, '--project', 'shop', *MONTH) == service.MISUSED
    assert 'kvm-insight db upgrade' in capsys.readouterr().err


def test_what_was_not_measured_is_said_to_be_so() -> None:
    made_of = material.of(material.use(cpu=value.Sums()))
    made = tenant.report(made_of, material.NOVEMBER, material.END_US)
    told = report_text.text(made, datetime.UTC)
    assert 'WAITED FOR A CPU\nnot measured\n' in told
    assert 'LONGEST WAITS\nnot measured\n' in told
    assert 'none' not in told


def test_no_finding_is_not_told_as_no_wait() -> None:
    made_of = material.of(material.use())
    made = tenant.report(made_of, material.NOVEMBER, material.END_US)
    told = report_text.text(made, datetime.UTC)
    assert 'WAITED FOR A CPU\nnone\n' in told
    assert 'OTHERS WAITED FOR YOURS\nno finding named one' in told
    assert 'FINDINGS\nno finding about your instances' in told
