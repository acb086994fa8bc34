# SPDX-License-Identifier: Apache-2.0
"""Kinds: what the records of each topic are."""

from kvm_insight import exception
from kvm_insight.bus import topic
from kvm_insight.model import (
    codec,
    configuration,
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
    topic.RECOMMENDATIONS: recommendation.Recommendation,
    topic.CONTROL: control.Order,
}
#: Where there are several; each says in its schema which it is.
_SEVERAL: dict[str, dict[str, type[sample.Wire]]] = {
    topic.FINDINGS: {
        finding.SCHEMA: finding.Finding,
        configuration.SCHEMA: configuration.Finding,
    },
    topic.INVENTORY: dict(inventory.KINDS),
}


def read(name: str, value: bytes) -> sample.Wire:
    """Return what a record of a topic says; raise CodecError."""
    kind = _KINDS.get(name)
    if kind is not None:
        return codec.decode(value, kind)
    schema = codec.schema_of(value)
    kind = _SEVERAL.get(name, {}).get(schema)
    if kind is None:
        raise exception.SchemaUnknown(f'{schema} on {name}')
    return codec.decode(value, kind)
