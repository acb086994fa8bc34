# SPDX-License-Identifier: Apache-2.0
"""No identifier or name of another project is in any form of a report."""

import dataclasses
import datetime
import re
import string
import uuid

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight.cmd import report_file
from kvm_insight.model import entity, finding, usage
from kvm_insight.report import sheet
from kvm_insight.store import report_source
from tests.unit.report import material
from tests.unit.store import filling

HOUR_US = usage.HOUR_US
LETTERS = string.ascii_letters + string.digits + '<>&"\'=@;,{}%'


@dataclasses.dataclass(frozen=True)
class Vm:
    uuid: str
    name: str
    project: str
    host: str

    def party(self) -> finding.Party:
        return finding.Party(
            entity=entity.domain(self.uuid),
            uuid=self.uuid,
            name=f'domain {self.name}',
            instance_name=self.name,
            project_id=self.project,
            project_name=f'name of {self.project}',
            user_name=f'user of {self.name}',
        )

    def used(self, delay_us: int) -> usage.Instance:
        return usage.Instance(
            uuid=self.uuid,
            name=f'domain {self.name}',
            instance_name=self.name,
            project_id=self.project,
            vcpus=2,
            cpu=usage.Cpu(
                measured_us=HOUR_US,
                run_us=HOUR_US,
                delay_us=delay_us,
                histogram=[(90, 36_000)],
            ),
        )


@st.composite
def clouds(draw: st.DrawFn) -> tuple[list[Vm], list[finding.Finding]]:
    count = draw(st.integers(2, 8))
    strange = st.text(LETTERS, max_size=6)
    vms = [
        Vm(
            str(uuid.UUID(int=2**100 + number)),
            f'{draw(strange)}vm{number}x{draw(strange)}',
            # A letter each, so that none is within another one's words.
            f'tenant{draw(st.sampled_from("ABC"))}',
            f'node{draw(st.sampled_from("KL"))}',
        )
        for number in range(count)
    ]
    service = finding.Party(entity='service:ceph-osd-x', name='ceph-osd-x')
    someone = st.sampled_from([*(vm.party() for vm in vms), service])
    found = []
    for number in range(draw(st.integers(0, 5))):
        victim = draw(st.sampled_from(vms))
        aggressors = draw(st.lists(someone, max_size=3, unique=True))
        one = material.found(*aggressors, victim=victim.party())
        found.append(
            msgspec.structs.replace(
                one, id=f'secret-{number}', host=victim.host
            )
        )
    return vms, found


@settings(max_examples=20)
@given(clouds(), st.integers(0, 10**9))
def test_no_word_of_anybody_else_is_in_any_form(
    cloud: tuple[list[Vm], list[finding.Finding]], delay_us: int
) -> None:
    vms, found = cloud
    with filling.memory() as database, database.begin() as connection:
        fill = filling.Filling(connection)
        for host in {vm.host for vm in vms}:
            here = [vm for vm in vms if vm.host == host]
            fill.hour(_hour(host, here, delay_us))
        for one in found:
            fill.incident(one)
        for whose in report_source.projects(connection):
            made = report_source.report(
                connection, whose, material.NOVEMBER, material.END_US
            )
            others = [vm for vm in vms if vm.project != whose.uuid]
            own = {vm.name for vm in vms if vm.project == whose.uuid}
            assert {one.name for one in made.instances} == own
            secrets = {'secret', 'ceph-osd', 'user of', 'domain '}
            for vm in others:
                # Also where the rest of the name is escaped.
                core = re.search(r'vm\d+x', vm.name)
                assert core is not None
                secrets |= {vm.uuid, core[0], vm.project}
            secrets |= {vm.host for vm in vms}
            for form in _forms(made):
                assert not {one for one in secrets if one in form}


def _hour(host: str, vms: list[Vm], delay_us: int) -> usage.HostUsage:
    entities = ['service:ceph-osd-x', *(entity.domain(vm.uuid) for vm in vms)]
    among = range(len(entities))
    return usage.HostUsage(
        host=host,
        start_us=material.BEGIN_US,
        agent_id='secret-agent',
        first_sequence=1,
        last_sequence=2,
        measured_us=HOUR_US,
        instances=[vm.used(delay_us) for vm in vms],
        entities=entities,
        charges=[
            (victim, runner, delay_us // len(entities))
            for victim in among[1:]
            for runner in among
        ],
    )


def _forms(made: object) -> list[str]:
    letter = report_file.letter('a@example.org', 'b@example.org')
    forms = [
        report_file.rendered(made, datetime.UTC, form, 'instances', letter)  # type: ignore[arg-type]
        for form in report_file.FORMATS
    ]
    tables = [
        report_file.rendered(made, datetime.UTC, 'csv', table)  # type: ignore[arg-type]
        for table in sheet.TABLES
    ]
    return [one.decode() for one in [*forms, *tables]]
