# SPDX-License-Identifier: Apache-2.0
"""Advice for a project's owner: what checks say of its own instances."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kvm_insight.advise import check, registry
from kvm_insight.model import history, tenant_report
from kvm_insight.report import total, value

Results = Sequence[registry.Result[check.InstanceCase]]


def given(
    instances: Sequence[history.Instance], rule: tenant_report.SizingRule
) -> value.Advised:
    """Return all advice, the worst first, and what it saves together."""
    told = [
        (one, registry.of_instance(check.InstanceCase(one, rule)))
        for one in instances
    ]
    unknown = Counter(
        each.asked.id
        for _, results in told
        for each in results
        if isinstance(each.outcome, check.CannotTell)
    )
    advice = [each for one, results in told for each in _advice(one, results)]
    return value.Advised(
        advice=sorted(advice, key=_order),
        checks=len(registry.INSTANCE),
        unknown={one.id: unknown[one.id] for one in registry.INSTANCE},
        saving=_saving(results for _, results in told),
    )


def _advice(
    one: history.Instance, results: Results
) -> Iterator[tenant_report.Advice]:
    for each in results:
        bad, asked = each.outcome, each.asked
        if not isinstance(bad, check.Bad):
            continue
        saving = bad.saving or check.Saving()
        yield tenant_report.Advice(
            check=asked.id,
            severity=asked.severity,
            instance=one.uuid,
            name=one.name,
            text=bad.what,
            saved_vcpus=saving.vcpus,
            saved_memory_bytes=saving.memory_bytes,
            saved_core_s=total.seconds(saving.core_s * 1e6),
            remedy=asked.nova if one.flavor else asked.libvirt,
            unless=asked.unless,
            source=asked.source,
        )


def _order(
    one: tenant_report.Advice,
) -> tuple[int, float, int, str, str, str]:
    severities: Sequence[str] = check.SEVERITIES
    return (
        severities.index(one.severity),
        -one.saved_core_s,
        -one.saved_memory_bytes,
        one.name or '',
        one.instance or '',
        one.check,
    )


def _saving(all_results: Iterable[Results]) -> tenant_report.Saving:
    """Return what is saved together: of one instance the most, since who
    follows one piece of advice has no more use of another."""
    vcpus = memory_bytes = instances = 0
    parts: list[float] = []
    for results in all_results:
        savings = [
            each.outcome.saving
            for each in results
            if isinstance(each.outcome, check.Bad) and each.outcome.saving
        ]
        if not savings:
            continue
        instances += 1
        vcpus += max(one.vcpus for one in savings)
        memory_bytes += max(one.memory_bytes for one in savings)
        parts.append(max(one.core_s for one in savings))
    return tenant_report.Saving(
        instances=instances,
        vcpus=vcpus,
        memory_bytes=memory_bytes,
        core_s=total.added(parts),
    )
