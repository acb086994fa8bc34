# SPDX-License-Identifier: Apache-2.0
"""JSON Schemas of all records, made from the types.

``python -m kvm_insight.model.schema NAME`` prints one; without a name, the
names. The documentation has them in ``reference/schema``.
"""

import json
import sys
from typing import Any

import msgspec

from kvm_insight.model import (
    cluster,
    configuration,
    control,
    dead_letter,
    execution,
    finding,
    host_config,
    host_report,
    inventory,
    mark,
    notice,
    recommendation,
    recording,
    sample,
    state,
    tenant_report,
    usage,
)

RECORDS: dict[str, type[sample.Wire]] = {
    'sample': sample.Sample,
    'finding': finding.Finding,
    'configuration': configuration.Finding,
    'advice': configuration.Advice,
    'state': state.HostState,
    'cluster': cluster.Cluster,
    'recommendation': recommendation.Recommendation,
    'usage': usage.HostUsage,
    'host': host_report.HostReport,
    'host_config': host_config.HostConfig,
    'control': control.Order,
    'inventory_host': inventory.HostFacts,
    'inventory_project': inventory.ProjectFacts,
    'inventory_user': inventory.UserFacts,
    'inventory_group': inventory.GroupFacts,
    'inventory_flavor': inventory.FlavorFacts,
    'inventory_outlook': inventory.Outlook,
    'inventory_aggregate': inventory.AggregateAdvice,
    'inventory_marks': mark.Marks,
    'inventory_execution': execution.Execution,
    'inventory_planner': inventory.PlannerStatus,
    'notice': notice.Notice,
    'tenant_report': tenant_report.TenantReport,
    'dead_letter': dead_letter.DeadLetter,
    'recorded': recording.Recorded,
}


def text(name: str) -> str:
    """Return one record's JSON Schema, ready to be written to a file."""
    kind = RECORDS[name]
    made: dict[str, Any] = msgspec.json.schema(kind)
    tag = str(kind.__struct_config__.tag)
    whole = {
        '$schema': 'https://json-schema.org/draft/2020-12/schema',
        '$id': f'urn:{tag.replace("/", ":")}',
        'title': tag,
        **made,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + '\n'


def main(words: list[str]) -> int:
    """Print what was asked for."""
    if not words:
        sys.stdout.write('\n'.join(RECORDS) + '\n')
    for name in words:
        sys.stdout.write(text(name))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
