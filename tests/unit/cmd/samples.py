# SPDX-License-Identifier: Apache-2.0
"""Small samples and findings for tests of what people see."""

from kvm_insight.model import finding, sample

VICTIM = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
NOISY = 'a87a72dd-a5e3-402c-aef4-3be00d906b62'
SECOND = 1_000_000


def domain(uuid: str, name: str, run_us: int, delay_us: int) -> sample.Domain:
    return sample.Domain(
        uuid=uuid,
        name=f'instance-{name}',
        epoch='1.1',
        state='running',
        identity=sample.Identity(
            source='nova',
            instance_name=name,
            project_id=f'id-{name}',
            project_name=f'p-{name}',
        ),
        vcpus=[
            sample.Vcpu(
                index=0, tid=7, run_us=run_us, run_delay_us=delay_us, slices=1
            )
        ],
    )


def host(
    number: int,
    *,
    name: str = 'node1',
    agent_id: str = 'a',
    charges: dict[str, int] | None = None,
    **more: object,
) -> sample.Sample:
    """The sample of this number; victim waits 0.5, noisy runs 0.9 cores."""
    time_us = number * 10 * SECOND
    fields: dict[str, object] = {
        'host': name,
        'boot_id': 'b',
        'agent_id': agent_id,
        'sequence': number,
        'time_us': 1_000_000 * SECOND + time_us,
        'uptime_us': 100 * SECOND + time_us,
        'interval_us': 10 * SECOND,
        'agent': sample.Agent(version='1', spooled=0),
        'system': sample.System(
            cpus='0-1',
            user_us=number * 15 * SECOND,
            idle_us=number * 5 * SECOND,
        ),
        'domains': [
            domain(VICTIM, 'web', number * SECOND, number * 5 * SECOND),
            domain(NOISY, 'batch', number * 9 * SECOND, number * SECOND),
        ],
        'ledger': sample.Ledger(
            source='ebpf',
            interval_us=10 * SECOND,
            rows=[
                sample.Row(
                    victim=VICTIM,
                    charges=charges
                    or {f'domain:{NOISY}': 4 * SECOND, 'host': SECOND},
                    confidence=1.0,
                )
            ],
        ),
    }
    return sample.Sample(**(fields | more))  # type: ignore[arg-type]


def found(state: str = 'open', **more: object) -> finding.Finding:
    """An antagonist's finding; one that is closed lasted 90 seconds."""
    begin_us = 1_000_000 * SECOND
    fields: dict[str, object] = {
        'id': 'f1',
        'state': state,
        'host': 'node1',
        'resource': 'cpu',
        'victim': finding.Party(
            entity=f'domain:{VICTIM}', uuid=VICTIM, instance_name='web'
        ),
        'verdict': 'antagonist',
        'confidence': 0.7,
        'severity_cores': 0.5,
        'lost_us': 20 * SECOND,
        'opened_us': begin_us,
        'updated_us': begin_us + 90 * SECOND,
        'closed_us': begin_us + 90 * SECOND if state == 'closed' else None,
        'closed_reason': 'recovered' if state == 'closed' else None,
        'evidence': finding.Evidence(
            window_s=30,
            start_us=0,
            end_us=1,
            first_sequence=0,
            last_sequence=3,
            agent_id='a',
            samples=3,
            coverage=1.0,
            suffering=0.5,
            floor=0.2,
            baseline=0.2,
            baseline_source='entitlement',
            run_us=1,
            run_delay_us=1,
            throttled_us=0,
        ),
        'summary': 'web (project p-web) lost 20.0 s because of batch.',
    }
    return finding.Finding(**(fields | more))  # type: ignore[arg-type]
