# SPDX-License-Identifier: Apache-2.0
"""Kinds: what the records of each topic are."""

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.model import (
    codec,
    control,
    finding,
    host_report,
    inventory,
    recommendation,
    sample,
    usage,
)

_KINDS: dict[str, type[sample.Wire]] = {
    topic.USAGE: usage.HostUsage,
    topic.HOSTS: host_report.HostReport,
    topic.FINDINGS: finding.Finding,
    topic.RECOMMENDATIONS: recommendation.Recommendation,
    topic.CONTROL: control.Order,
}


def read(name: str, value: bytes) -> sample.Wire:
    """Return what a record of a topic says; raise CodecError."""
    kind = _KINDS.get(name)
    if kind is not None:
        return codec.decode(value, kind)
    schema = codec.schema_of(value)
    if name != topic.INVENTORY or schema not in inventory.KINDS:
        raise exception.SchemaUnknown(f'{schema} on {name}')
    return codec.decode(value, inventory.KINDS[schema])
