# SPDX-License-Identifier: Apache-2.0
"""What a project's members are told depends on nothing of other projects.

Worlds that differ in other projects alone are asked the same; whatever is
asked, and on whichever way of the table, the answers are the same to the
byte.
"""

import dataclasses
import random
import re
from collections.abc import Iterator

import hypothesis
import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from sqlalchemy import pool
from werkzeug import test

from kvm_insight.api import identity, opaque, routes
from tests import filling
from tests.functional.api import worlds
from tests.unit.api import conftest as units

pytestmark = pytest.mark.functional

JUNK = 'ffffffff-ffff-4fff-8fff-ffffffffffff'
#: Whoever is of the project, by whichever role.
MEMBERS = {
    'reader': ('reader',),
    'member': ('member', 'reader'),
    'manager': ('manager', 'member', 'reader'),
    'stranger': ('service',),
    'nobody': (),
}
#: Of each answer they are told apart by nothing else.
VARYING = {'x-openstack-request-id', 'date'}
REQUEST_ID = re.compile(rb'req-[0-9a-f-]{36}')


@dataclasses.dataclass
class Cloud:
    """One way to write a world, and the API before it."""

    site: units.Site
    writer: worlds.Writer


def written(world: worlds.World, seed: int) -> Cloud:
    database = sa.create_engine(
        'sqlite://',
        poolclass=pool.StaticPool,
        connect_args={'check_same_thread': False},
    )
    filling.empty(database)
    with database.begin() as store:
        writer = worlds.Writer(store, world, seed)
        writer.write()
    known = {
        name: identity.Identity(name, project_id=worlds.OWN, roles=roles)
        for name, roles in MEMBERS.items()
    }
    return Cloud(units.site(database, {**units.KNOWN, **known}), writer)


def told(
    answer: test.TestResponse,
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all of an answer but what is of the request alone."""
    headers = [
        (name.lower(), value)
        for name, value in answer.headers
        if name.lower() not in VARYING
    ]
    return (
        answer.status_code,
        sorted(headers),
        REQUEST_ID.sub(b'req', answer.data),
    )


def paths(cloud: Cloud) -> Iterator[tuple[str, str]]:
    """Yield what is asked of a cloud: each way, with own things, others'
    and what is nowhere. Others' have the same place in each world."""
    own = cloud.writer.own
    findings = cloud.site.get('reader', '/v1/findings')['findings']
    chosen = {
        'uuid': [*own, cloud.writer.others[0], JUNK],
        'name+': [worlds.name(0), 'region/nowhere'],
        'id+': ['project/x', 'host/region/host-0'],
        'id': [
            *(one['id'] for one in findings),
            'finding-0',
            'finding-other-0-0',
            opaque.made(b'k' * 32, 'other-0-1', 'finding-0', filling.NOW_US),
            worlds.OWN,
            'other-0-1',
        ],
    }
    for address, methods in routes.ROUTES.items():
        variable = re.search(r'\{(.+?)\}', address)
        values = chosen[variable[1]] if variable else ['']
        for method in methods:
            for value in values:
                yield method, re.sub(r'\{.+?\}', value, address)


QUERIES = [
    '?limit=1',
    '?sort_dir=asc',
    '?sort_key=severity_cores',
    '?sort_key=waited_cores&limit=1',
    '?state=open',
    '?role=victim',
    '?since=2026-11-01&until=2026-12-01',
    '?step=day',
    '?month=2026-11',
    '?fields=id,uuid',
    '?project_id=other-0-1',
    '?host=region/host-0',
    '?limit=0',
]


@hypothesis.settings(
    max_examples=25,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
@hypothesis.given(
    worlds.worlds(), st.sampled_from(sorted(MEMBERS)), st.randoms()
)
def test_no_answer_depends_on_another_project(
    world: worlds.World, who: str, chance: random.Random
) -> None:
    one, other = written(world, 0), written(world, 1)
    asked = zip(paths(one), paths(other), strict=True)
    for (method, path), (same, alike) in asked:
        assert method == same
        queries = ['', *chance.sample(QUERIES, 3)]
        for query in queries if method == 'GET' else ['']:
            first = told(one.site.ask(who, path + query, method))
            second = told(other.site.ask(who, alike + query, method))
            assert first == second, f'{who}: {method} {path}{query}'
            text = repr(first)
            for secret in worlds.SECRETS:
                # What was asked may be in the answer.
                assert secret not in text or secret in path + query, text


@hypothesis.settings(max_examples=10)
@hypothesis.given(worlds.worlds())
def test_what_is_anothers_is_answered_like_what_is_nowhere(
    world: worlds.World,
) -> None:
    cloud = written(world, 0)
    foreign = cloud.writer.others[0]
    pairs = [
        (f'/v1/instances/{foreign}{rest}', f'/v1/instances/{JUNK}{rest}')
        for rest in ('', '/ledger', '/hours', '/hours?step=day')
    ]
    pairs += [
        ('/v1/findings/finding-other-0-0', '/v1/findings/nowhere'),
        ('/v1/projects/other-0-0/report', '/v1/projects/nowhere/report'),
        (
            '/v1/findings?marker=finding-other-0-0',
            '/v1/findings?marker=nowhere',
        ),
        (
            f'/v1/instances?marker={foreign}',
            f'/v1/instances?marker={JUNK}',
        ),
        (
            f'/v1/findings?instance={foreign}',
            f'/v1/findings?instance={JUNK}',
        ),
    ]
    for theirs, nowhere in pairs:
        answer = told(cloud.site.ask('reader', theirs))
        assert answer == told(cloud.site.ask('reader', nowhere)), theirs


def test_operators_see_what_the_project_does_not() -> None:
    world = worlds.World((0,), (), (1000,), (1000,))
    cloud = written(world, 0)
    seen = cloud.site.get('operator', '/v1/instances?limit=1000')
    uuids = {one['uuid'] for one in seen['instances']}
    assert uuids == {*cloud.writer.own, *cloud.writer.others}
    ledger = cloud.site.get(
        'operator', f'/v1/instances/{cloud.writer.own[0]}/ledger'
    )
    kinds = {line['party']['kind'] for line in ledger['suffered']}
    assert kinds == {'instance', 'service', 'host'}
    own = cloud.site.get(
        'reader', f'/v1/instances/{cloud.writer.own[0]}/ledger'
    )
    assert [
        (line['party']['kind'], line['waited_us']) for line in own['suffered']
    ] == [('other projects', 1000), ('host', 90)]
