# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked, nothing breaks; what is answered is as documented."""

import collections
import dataclasses
from typing import Any

import hypothesis
import pytest
import schemathesis
import schemathesis.openapi
import sqlalchemy as sa
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)

from kvm_insight.api import openapi
from tests import filling
from tests.unit.api import conftest as units

pytestmark = pytest.mark.functional

SCHEMA = schemathesis.openapi.from_dict(openapi.made())
ALL: list[Any] = list(SCHEMA.get_all_operations())
#: What takes nothing that could be wrong.
PLAIN = ('/', '/v1/', '/v1/metrics')
OPERATIONS = [one for found in ALL if (one := found.ok()).path not in PLAIN]
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
WHO = ('operator', 'alice', 'stranger')
#: Things that are there, so that more is reached than "not found".
THERE: dict[str, dict[str, str]] = {
    'uuid': {'uuid': filling.uuid(1)},
    'name': {'name': 'r/h1'},
}


@dataclasses.dataclass
class Counted:
    """An API, and what it was asked."""

    site: units.Site
    statuses: collections.Counter[int]


@pytest.fixture(scope='module')
def counted(database: sa.Engine) -> Counted:
    return Counted(units.site(database), collections.Counter())


def fuzzed(counted: Counted, operation: Any, mode: Any, many: int) -> None:
    names = {one.name for one in operation.path_parameters}
    known = next((THERE[x] for x in names if x in THERE), None)

    @hypothesis.settings(
        max_examples=many,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        operation.as_strategy(generation_mode=mode),
        hypothesis.strategies.sampled_from(WHO),
        hypothesis.strategies.booleans(),
    )
    def ask(case: Any, who: str, there: bool) -> None:
        if known and there:
            case.path_parameters = dict(known)
        answer = case.call(
            app=counted.site.application, headers={'X-Auth-Token': who}
        )
        counted.statuses[answer.status_code] += 1
        assert answer.status_code < 500, answer.text
        case.validate_response(
            answer,
            checks=[status_code_conformance, response_schema_conformance],
        )

    ask()


@pytest.mark.parametrize('mode', MODES, ids=str)
@pytest.mark.parametrize('operation', OPERATIONS, ids=lambda one: one.label)
def test_nothing_that_is_asked_breaks_it(
    counted: Counted,
    operation: Any,
    mode: Any,
    pytestconfig: pytest.Config,
) -> None:
    many = 170 if pytestconfig.getoption('--full') else 30
    fuzzed(counted, operation, mode, many)


def test_enough_was_asked(
    counted: Counted, pytestconfig: pytest.Config
) -> None:
    least = 10_000 if pytestconfig.getoption('--full') else 1500
    assert sum(counted.statuses.values()) >= least, counted.statuses
    # Not all of it was refused at the door.
    assert counted.statuses[200] > least / 20
