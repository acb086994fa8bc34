# SPDX-License-Identifier: Apache-2.0
"""What is exposed of each domain.

Devices and vCPUs are added up, so that the number of series of a domain is
bounded.
"""

from collections.abc import Iterator, Mapping

from kvm_insight.model import entity, sample
from kvm_insight.scrape import domain_family, family, sums

_US = 1e6


def points(one: sample.Domain, grown: sums.Sums) -> Iterator[family.Point]:
    """Yield all that was measured of a domain; ``grown`` adds up parts."""
    who = (one.uuid, one.identity.project_id)
    yield domain_family.STATE, (*who, one.state), 1.0
    for what, measure in domain_family.SIMPLE:
        yield from family.known(what, measure(one), *who)
    yield from _threads(one, grown, who)
    yield from pressure(domain_family.STALLED, one.pressure, who)
    yield from _devices(one, grown, who)


def waits(
    one: sample.Domain, known: Mapping[str, int]
) -> Iterator[family.Point]:
    """Yield by whom it was kept waiting, and how long others were by it.

    All of them from the beginning, zero included: a counter that comes into
    being with its first growth hides that from ``rate``.
    """
    who = (one.uuid, one.identity.project_id)
    for kind in entity.KINDS:
        yield (
            domain_family.WAITED,
            (*who, kind),
            known.get(f'wait/{kind}', 0) / _US,
        )
    yield domain_family.CAUSED, who, known.get('caused', 0) / _US


def pressure(
    what: family.Family,
    psi: sample.Pressure | None,
    who: tuple[str, ...] = (),
) -> Iterator[family.Point]:
    """Yield pressure stall totals by resource and stall."""
    for field in sample.Pressure.__struct_fields__:
        resource, stall, _ = field.split('_')
        us = getattr(psi, field, None)
        yield from family.known(
            what, domain_family.seconds(us), *who, resource, stall
        )


def _threads(
    one: sample.Domain, grown: sums.Sums, who: tuple[str, ...]
) -> Iterator[family.Point]:
    for what, field in (
        (domain_family.RUN, 'run_us'),
        (domain_family.DELAY, 'run_delay_us'),
    ):
        parts = {
            f'{one.epoch}/{vcpu.index}/{vcpu.tid}': getattr(vcpu, field)
            for vcpu in one.vcpus
        }
        us = grown.total(one.uuid, f'vcpu/{field}', parts)
        yield from family.known(what, domain_family.seconds(us), *who, 'vcpu')
        for threads in one.threads:
            name = f'{threads.kind}/{field}'
            part = {one.epoch: getattr(threads, field)}
            us = grown.total(one.uuid, name, part)
            yield from family.known(
                what, domain_family.seconds(us), *who, threads.kind
            )
    own = one.cpu.throttled_us if one.cpu else None
    parts = {
        f'{one.epoch}/{vcpu.index}': vcpu.throttled_us for vcpu in one.vcpus
    }
    us = grown.total(one.uuid, 'throttled', {one.epoch: own, **parts})
    yield from family.known(
        domain_family.THROTTLED, domain_family.seconds(us), *who
    )


def _devices(
    one: sample.Domain, grown: sums.Sums, who: tuple[str, ...]
) -> Iterator[family.Point]:
    for families, fields, devices in (
        (domain_family.DISK, domain_family.DISK_FIELDS, one.disks),
        (domain_family.NETWORK, domain_family.NETWORK_FIELDS, one.interfaces),
    ):
        for name, what in families.items():
            field = fields[name]
            parts = {
                f'{one.epoch}/{device.name}': getattr(device, field)
                for device in devices or []
            }
            total = grown.total(one.uuid, what.name, parts)
            if total is not None:
                scale = _US if field.endswith('_us') else 1.0
                yield what, who, total / scale
