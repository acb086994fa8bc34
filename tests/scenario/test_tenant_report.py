# SPDX-License-Identifier: Apache-2.0
"""A tenant's report is what his raw samples say, and says nobody else's.

Simulated hosts: a guest that harms others with an exact ledger, one that
moves to another host in the middle of its work, reboots, a quota; samples are
lost, doubled and late, an agent restarts, and one host is silent for a while.
"""

import datetime
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec
import pytest
import sqlalchemy as sa
import zstandard

from kvm_insight.cmd import insight, report_file, report_text
from kvm_insight.detect import host, settings
from kvm_insight.model import (
    codec,
    finding,
    recording,
    sample,
    tenant_report,
    usage,
)
from kvm_insight.report import page, period, sheet
from kvm_insight.store import report_source
from kvm_insight.store.write import findings, hours, told
from tests.scenario import report_from_samples as plain
from tests.unit.store import filling

#: Scenario, seed, more words of the command.
HOSTS = (
    ('antagonist', 1, '--family slices --cpus 2 --hours 0.7 --ledger ebpf'),
    ('migration', 2, '--cpus 8 --hours 1.6'),
    ('reboot', 3, '--cpus 8 --hours 1.6 --dirty'),
    ('quota', 4, '--cpus 8 --hours 1.6 --dirty'),
)
#: Of the last host nothing came for ten minutes.
Record = TypeVar('Record', bound=sample.Wire)
SILENT = slice(200, 260)
CLOSE = 1e-3


def recorded(path: pathlib.Path) -> dict[str, list[sample.Sample]]:
    """Return a recording's samples by host, as they came."""
    found: dict[str, list[sample.Sample]] = {}
    with path.open('rb') as file:
        whole = zstandard.ZstdDecompressor().stream_reader(file).readall()
    for line in whole.splitlines():
        content = codec.decode(line, recording.Recorded).content()
        assert content is not None
        one = named(codec.decode(content, sample.Sample))
        found.setdefault(one.host, []).append(one)
    return found


def named(one: sample.Sample) -> sample.Sample:
    """Give each domain names that no other one has."""
    domains = []
    for domain in one.domains:
        word = domain.uuid[:8]
        identity = msgspec.structs.replace(
            domain.identity,
            instance_name=f'vm-{word}',
            user_id=f'user-{word}',
            user_name=f'Jo {word}',
        )
        domains.append(
            msgspec.structs.replace(
                domain, name=f'instance-{word}', identity=identity
            )
        )
    return msgspec.structs.replace(one, domains=domains)


@pytest.fixture(scope='module')
def hosts(
    tmp_path_factory: pytest.TempPathFactory,
) -> list[list[sample.Sample]]:
    folder = tmp_path_factory.mktemp('samples')
    found: list[list[sample.Sample]] = []
    for kind, seed, words in HOSTS:
        path = folder / f'{kind}.zst'
        code = insight.main(
            [
                'simulate',
                *('--scenario', kind),
                *('--seed', str(seed)),
                *words.split(),
                str(path),
            ]
        )
        assert code == 0
        found += recorded(path).values()
    del found[-1][SILENT]
    return found


def judged(
    samples: Sequence[sample.Sample],
) -> tuple[list[usage.HostUsage], list[finding.Finding]]:
    """Return what an analyzer tells of one host."""
    detector = host.Detector(samples[0].host, settings.Settings())
    used: list[usage.HostUsage] = []
    found: dict[str, finding.Finding] = {}
    for one in samples:
        found |= {each.id: each for each in detector.consume(one)}
        used += detector.account.drain()
    last = detector.account.record()
    assert last is not None
    return [*used, last], [*found.values()]


@pytest.fixture(scope='module')
def connection(
    hosts: list[list[sample.Sample]],
) -> Iterator[sa.Connection]:
    with filling.memory() as database, database.begin() as opened:
        for samples in hosts:
            used, found = judged(samples)
            hours.write(opened, [told_of(one, '') for one in used])
            findings.write(opened, [told_of(one, one.id) for one in found])
        yield opened


def told_of(record: Record, key: str) -> told.Told[Record]:
    """Return a record as it is read of the bus."""
    return told.Told(0, key, record, codec.encode(record), 0)


@pytest.fixture(scope='module')
def month(hosts: list[list[sample.Sample]]) -> period.Period:
    first = period.local(hosts[0][0].time_us, datetime.UTC)
    return period.month(f'{first:%Y-%m}', datetime.UTC, 'UTC')


@pytest.fixture(scope='module')
def reports(
    connection: sa.Connection, month: period.Period
) -> list[tenant_report.TenantReport]:
    return [
        report_source.report(connection, one, month, month.until_us)
        for one in report_source.projects(connection)
    ]


@pytest.fixture(scope='module')
def expected(
    hosts: list[list[sample.Sample]], month: period.Period
) -> dict[str, plain.Instance]:
    return plain.instances(hosts, month.since_us, month.until_us)


def near(told: float, us: float) -> bool:
    """Say whether seconds are within 0.1 % of µs, or of a millisecond."""
    return told == pytest.approx(us / 1e6, rel=CLOSE, abs=2e-3)


def test_all_that_happened_is_among_the_samples(
    hosts: list[list[sample.Sample]],
    reports: list[tenant_report.TenantReport],
) -> None:
    seen: dict[str, set[str]] = {}
    epochs: dict[str, set[str]] = {}
    for samples in hosts:
        for one in samples:
            for domain in one.domains:
                seen.setdefault(domain.uuid, set()).add(one.host)
                epochs.setdefault(domain.uuid, set()).add(domain.epoch)
    assert max(map(len, seen.values())) == 2, 'a migration'
    assert max(map(len, epochs.values())) == 2, 'a reboot'
    assert len({one.agent_id for one in hosts[-1]}) == 2, 'a new agent'
    numbers = [(one.agent_id, one.sequence) for one in hosts[-1]]
    assert len(set(numbers)) < len(numbers), 'doubled samples'
    causes = [one.totals.cpu.causes for one in reports]
    for name in ('other_projects', 'own_project', 'quota', 'unattributed'):
        assert max(getattr(one, name) for one in causes) > 1.0, name
    assert sum(len(one.findings) for one in reports) > 1
    assert sum(len(one.caused) for one in reports) > 0


def test_sums_are_those_of_the_raw_samples(
    reports: list[tenant_report.TenantReport],
    expected: dict[str, plain.Instance],
) -> None:
    told = {
        one.uuid: (report.project_id, one.cpu)
        for report in reports
        for one in report.instances
    }
    assert set(told) == set(expected)
    for uuid, (project, cpu) in told.items():
        raw = expected[uuid]
        assert project == raw.project
        assert near(cpu.measured_s, raw.measured)
        assert near(cpu.run_core_s, raw.run)
        assert near(cpu.wanted_core_s, raw.wanted)
        assert near(cpu.waited_core_s, raw.waited)
        assert near(cpu.caused_core_s, raw.caused)


def test_totals_are_those_of_the_raw_samples(
    reports: list[tenant_report.TenantReport],
    expected: dict[str, plain.Instance],
) -> None:
    for report in reports:
        raw = [
            one
            for one in expected.values()
            if one.project == report.project_id
        ]
        cpu = report.totals.cpu
        assert near(cpu.run_core_s, sum(one.run for one in raw))
        assert near(cpu.waited_core_s, sum(one.waited for one in raw))
        days = [slot.waited_core_s for slot in report.timeline]
        assert near(sum(days), sum(one.waited for one in raw))


def test_causes_are_those_of_the_raw_ledgers(
    reports: list[tenant_report.TenantReport],
    expected: dict[str, plain.Instance],
) -> None:
    for report in reports:
        for one in report.instances:
            raw = expected[one.uuid]
            known = sum(raw.causes.values())
            for name in plain.NAMED:
                told = getattr(one.cpu.causes, name)
                assert near(told, raw.causes[name]), (one.name, name)
            rest = max(0, raw.waited - known)
            assert one.cpu.causes.unattributed == pytest.approx(
                rest / 1e6, rel=CLOSE, abs=CLOSE * raw.waited / 1e6 + 2e-3
            )


def test_quantiles_are_within_one_bin_of_the_raw_ones(
    reports: list[tenant_report.TenantReport],
    expected: dict[str, plain.Instance],
) -> None:
    for report in reports:
        for one in report.instances:
            for part, cores in (
                (0.5, one.sizing.p50_cores),
                (0.95, one.sizing.p95_cores),
                (0.99, one.sizing.p99_cores),
            ):
                assert cores is not None
                exact = plain.bin_number(expected[one.uuid].quantile(part))
                # What is told is a bin's upper edge.
                assert abs(plain.bin_number(cores * 0.999) - exact) <= 1


def test_a_silence_is_no_health(
    hosts: list[list[sample.Sample]],
    reports: list[tenant_report.TenantReport],
) -> None:
    silent = {domain.uuid for domain in hosts[-1][0].domains}
    assert silent
    for report in reports:
        for one in report.instances:
            assert one.coverage is not None
            # Of a month there are two hours.
            assert one.coverage < 0.01
        assert any('without data' in note for note in report.notes)


def test_nobody_else_is_in_any_form_of_a_report(
    hosts: list[list[sample.Sample]],
    reports: list[tenant_report.TenantReport],
) -> None:
    whose: dict[str, set[str]] = {}
    for samples in hosts:
        for one in samples:
            for domain in one.domains:
                who = domain.identity
                words = {domain.uuid, who.project_id, who.instance_name}
                words |= {who.project_name, who.user_id, who.user_name}
                kept = whose.setdefault(who.project_id, set())
                kept |= {word for word in words if word}
    of_hosts = {samples[0].host for samples in hosts}
    of_hosts |= {one.agent_id for samples in hosts for one in samples}
    services = {
        service.name
        for samples in hosts
        for one in samples
        for service in one.system.services or ()
    }
    assert len(whose) > 2
    for report in reports:
        own = whose[report.project_id]
        others = set().union(*whose.values()) - own
        for form in forms(report):
            found = {word for word in others if word in form}
            assert found == set()
            assert not {name for name in of_hosts if name in form}
            assert not {name for name in services if f'{name}.' in form}


def forms(report: tenant_report.TenantReport) -> Iterator[str]:
    yield codec.encode(report).decode()
    yield page.text(report, datetime.UTC)
    yield report_text.text(report, datetime.UTC)
    yield from (sheet.text(report, table) for table in sheet.TABLES)
    letter = report_file.letter('a@example.org', 'b@example.org')
    yield report_file.rendered(
        report, datetime.UTC, 'eml', 'instances', letter
    ).decode()


def test_json_keeps_to_its_schema(
    reports: list[tenant_report.TenantReport],
) -> None:
    import jsonschema

    path = pathlib.Path('doc/source/reference/schema/tenant_report.json')
    checks = jsonschema.Draft202012Validator(json.loads(path.read_text()))
    for report in reports:
        checks.validate(json.loads(codec.encode(report)))
