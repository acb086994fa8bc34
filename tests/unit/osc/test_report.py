# SPDX-License-Identifier: Apache-2.0
from typing import Any

from kvm_insight.osc import report


def figures(measured_s: float) -> dict[str, Any]:
    """Return what is told of one instance."""
    cpu = {
        'measured_s': measured_s,
        'run_core_s': 0.0,
        'wanted_core_s': 0.0,
        'waited_core_s': 0.0,
        'waited_ratio': None,
        'causes': {'quota': 0.0},
        'caused_core_s': 0.0,
    }
    sizing = {'verdict': 'unknown'}
    one = {'uuid': 'u', 'name': 'vm', 'cpu': cpu, 'sizing': sizing}
    return {
        'project_id': 'p',
        'project_name': None,
        'totals': {'cpu': cpu, 'coverage': 0.0},
        'period': {'since_us': 0, 'until_us': 1},
        'instances': [one],
        'worst': [],
        'findings': [],
        'caused': [],
        'advice': [],
        'notes': [],
    }


def said(measured_s: float) -> dict[str, Any]:
    return dict(zip(*report.shown(figures(measured_s)), strict=True))


def test_what_was_not_measured_is_a_dash_for_people() -> None:
    found = said(0.0)
    for name in ('run_core_s', 'waited_core_s', 'causes', 'coverage'):
        assert found[name].human_readable() == '-', name
    assert found['instances'].human_readable() == 'vm: waited - (-), unknown'


def test_programs_get_the_numbers_of_the_api() -> None:
    assert said(0.0)['run_core_s'].machine_readable() == 0.0


def test_who_was_measured_and_did_nothing_did_nothing() -> None:
    found = said(3600.0)
    assert found['run_core_s'].human_readable() == '0.000 core-s'
    assert 'waited 0.000' in found['instances'].human_readable()
