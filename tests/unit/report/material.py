# SPDX-License-Identifier: Apache-2.0
"""Material of reports: by hand, and whatever hypothesis thinks of."""

import datetime
import uuid

from hypothesis import strategies as st

from kvm_insight.model import finding, sizing, usage
from kvm_insight.report import period, value

PROJECT = 'a0c1f6a0b1d94e1c8f7b2d3e4f5a6b7c'
NOVEMBER = period.month('2026-11', datetime.UTC, 'UTC')
BEGIN_US, END_US = NOVEMBER.since_us, NOVEMBER.until_us
HOUR_US = usage.HOUR_US
ONE = '00000000-0000-4000-8000-000000000001'
TWO = '00000000-0000-4000-8000-000000000002'

_counts = st.integers(0, 10**12)
_uuids = st.integers(1, 2**60).map(lambda number: str(uuid.UUID(int=number)))


def sums(
    measured_us: int = HOUR_US, run_us: int = 0, delay_us: int = 0
) -> value.Sums:
    """Return sums of a wait for others."""
    return value.Sums(
        measured_us=measured_us,
        run_us=run_us,
        wanted_us=run_us + delay_us,
        delay_us=delay_us,
        waited=value.Waited(other_projects=delay_us),
    )


def use(
    number: str = ONE,
    cpu: value.Sums | None = None,
    *,
    name: str | None = 'web-1',
    first_seen_us: int = BEGIN_US,
    last_seen_us: int = END_US,
    gone: bool = False,
    sized: sizing.Sized | None = None,
) -> value.Use:
    """Return one instance of four vCPUs."""
    return value.Use(
        uuid=number,
        name=name,
        flavor='m1.large',
        vcpus=4,
        memory_bytes=8 * 2**30,
        first_seen_us=first_seen_us,
        last_seen_us=last_seen_us,
        gone=gone,
        sums=cpu or sums(),
        sized=sized,
    )


def of(
    *uses: value.Use,
    stretches: tuple[value.Stretch, ...] = (),
    worst: tuple[value.Stretch, ...] = (),
    found: tuple[value.Found, ...] = (),
    blamed: tuple[value.Blamed, ...] = (),
) -> value.Material:
    """Return the material of a whole November."""
    return value.Material(
        project_id=PROJECT,
        project_name='shop',
        since_us=BEGIN_US,
        until_us=END_US,
        resolution='hour',
        uses=uses,
        stretches=stretches,
        worst=worst,
        found=found,
        blamed=blamed,
    )


def party(
    number: str = ONE, project: str = PROJECT, name: str = 'web-1'
) -> finding.Party:
    """Return an instance as findings name it."""
    return finding.Party(
        entity=f'domain:{number}',
        uuid=number,
        name=f'instance-{number[-4:]}',
        instance_name=name,
        project_id=project,
        project_name=f'name of {project}',
        user_id='user-7',
    )


def found(
    *aggressors: finding.Party,
    victim: finding.Party | None = None,
    closed_us: int | None = BEGIN_US + 600_000_000,
) -> finding.Finding:
    """Return a finding whose summary names everybody."""
    return finding.Finding(
        id='secret-finding-id',
        state='open' if closed_us is None else 'closed',
        host='secret-host',
        availability_zone='secret-zone',
        aggregates=['secret-aggregate'],
        resource='cpu',
        victim=victim or party(),
        verdict='antagonist',
        aggressors=[
            finding.Aggressor(
                party=who, waited_us=9_000_000, blame=0.9, excess_cores=1.5
            )
            for who in aggressors
        ],
        confidence=0.9,
        severity_cores=1.0,
        lost_us=12_000_000,
        opened_us=BEGIN_US,
        updated_us=BEGIN_US,
        closed_us=closed_us,
        evidence=finding.Evidence(
            window_s=300,
            start_us=BEGIN_US,
            end_us=BEGIN_US,
            first_sequence=1,
            last_sequence=2,
            agent_id='secret-agent',
            samples=2,
            coverage=1.0,
            suffering=0.4,
            floor=0.1,
            baseline=0.0,
            baseline_source='history',
            run_us=1,
            run_delay_us=1,
            throttled_us=0,
            charges={'service:secret-service': 5},
        ),
        summary='secret summary',
    )


@st.composite
def any_sums(draw: st.DrawFn) -> value.Sums:
    """Draw sums that hang together."""
    waited = draw(
        st.builds(
            value.Waited,
            *[st.integers(0, 10**11).map(float) for _ in range(7)],
        )
    )
    delay_us = int(
        waited.other_projects
        + waited.own_project
        + waited.neighbours
        + waited.own_threads
        + waited.quota
        + waited.host
        + waited.unattributed
    )
    run_us = draw(_counts)
    return value.Sums(
        measured_us=draw(_counts),
        run_us=run_us,
        wanted_us=run_us + delay_us,
        delay_us=delay_us,
        caused_us=draw(_counts),
        waited=waited,
        lost_us={'antagonist': delay_us // 2},
    )


@st.composite
def any_material(draw: st.DrawFn) -> value.Material:
    """Draw a project."""
    numbers = draw(st.lists(_uuids, unique=True, max_size=6))
    names = st.one_of(st.none(), st.text(max_size=20))
    times = st.integers(BEGIN_US - 10**12, END_US + 10**12)
    uses = []
    for number in numbers:
        first, last = sorted((draw(times), draw(times)))
        uses.append(
            use(
                number,
                draw(any_sums()),
                name=draw(names),
                first_seen_us=first,
                last_seen_us=last,
                gone=draw(st.booleans()),
            )
        )
    hours = st.integers(BEGIN_US // HOUR_US, END_US // HOUR_US - 1)
    stretches = tuple(
        value.Stretch(draw(hours) * HOUR_US, HOUR_US, draw(any_sums()))
        for _ in range(draw(st.integers(0, 4)))
    )
    return of(*uses, stretches=stretches)
