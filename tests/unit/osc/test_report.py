# SPDX-License-Identifier: Apache-2.0
"""What was not measured is no zero in the client's words."""

import json
from typing import Any

from kvm_insight.model import codec
from kvm_insight.osc import report
from kvm_insight.report import tenant, value
from tests.unit.report import material


def figures(cpu: value.Sums) -> dict[str, Any]:
    made_of = material.of(material.use(cpu=cpu))
    made = tenant.report(made_of, material.NOVEMBER, material.END_US)
    return report._figures(json.loads(codec.encode(made)))


def test_sums_of_nothing_measured_are_told_as_not_measured() -> None:
    told = figures(value.Sums())
    for name in ('run_core_s', 'waited_core_s', 'causes', 'caused_core_s'):
        assert told[name] is None
    (instance,) = told['instances']
    assert 'waited - (-), unknown' in report._instance(instance)


def test_sums_of_what_was_measured_are_told() -> None:
    told = figures(material.sums(run_us=10**7))
    assert (told['run_core_s'], told['waited_core_s']) == (10.0, 0.0)
