# SPDX-License-Identifier: Apache-2.0
import json
import re
from typing import Any

import pytest
from osc_lib import exceptions

from kvm_insight.osc import client, naming
from tests.unit.osc import test_client

UUID = '00000001-0000-4000-8000-000000000001'
fake = test_client.fake
asking = test_client.asking


def named(*gone: int | None) -> test_client.Respond:
    """Answer with so many instances of the name that is asked for."""

    def respond(path: str, query: dict[str, str]) -> test_client.Answer:
        assert path.endswith('/v1/instances')
        assert query['name'] == 'web-1'
        found: list[dict[str, Any]] = [
            {'uuid': f'u-{number}', 'gone_us': one}
            for number, one in enumerate(gone)
        ]
        body = json.dumps({'instances': found, 'links': []}).encode()
        return 200, 'application/json', body

    return respond


def refuse(path: str, query: dict[str, str]) -> test_client.Answer:
    one = {'detail': 'None.', 'code': 'insight.not_found', 'request_id': 'r'}
    return 404, 'application/json', json.dumps({'errors': [one]}).encode()


def test_a_uuid_is_taken_as_it_is(
    fake: test_client.Fake, asking: client.Client
) -> None:
    assert naming.instance(asking, UUID) == UUID
    assert fake.asked == []


@pytest.mark.parametrize(
    ('gone', 'uuid'), [((None,), 'u-0'), ((5, None), 'u-1'), ((5,), 'u-0')]
)
def test_a_name_is_taken_where_only_one_has_it(
    fake: test_client.Fake,
    asking: client.Client,
    gone: tuple[int | None, ...],
    uuid: str,
) -> None:
    fake.respond = named(*gone)
    assert naming.instance(asking, 'web-1') == uuid


@pytest.mark.parametrize(
    ('gone', 'words'),
    [
        ((), "No instance with the id or the name 'web-1' is known; ids"),
        ((None, None), "2 instances are called 'web-1'.*: u-0, u-1$"),
        ((4, 5), "2 instances are called 'web-1'"),
    ],
)
def test_another_name_is_refused_with_what_to_do(
    fake: test_client.Fake,
    asking: client.Client,
    gone: tuple[int | None, ...],
    words: str,
) -> None:
    fake.respond = named(*gone)
    with pytest.raises(exceptions.CommandError, match=words):
        naming.instance(asking, 'web-1')


@pytest.mark.parametrize(
    ('kind', 'words'),
    [
        ('host', "No host with the name 'x' is known; names, as region/host"),
        ('project', 'instance list'),
        ('finding', 'openstack insight finding list'),
    ],
)
def test_what_is_not_there_is_told_with_the_kind_of_id_that_is_wanted(
    fake: test_client.Fake,
    asking: client.Client,
    kind: naming.Kind,
    words: str,
) -> None:
    fake.respond = refuse
    with pytest.raises(exceptions.CommandError, match=re.escape(words)) as why:
        naming.get(asking, kind, 'x')
    # What the log of the API can be searched for.
    assert 'insight.not_found, r' in str(why.value)
