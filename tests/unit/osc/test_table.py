# SPDX-License-Identifier: Apache-2.0
import json
from typing import Any

from kvm_insight.osc import column, table

FIELDS = (
    table.Field('Name', 'name'),
    table.Field('Host', 'host', shown_to='operators'),
    table.Field('Host ID', 'host_id', shown_to='tenants'),
    table.Field('Seen', 'seen_us', long=True),
)


def told(value: Any) -> Any:
    return value.machine_readable()


def test_operators_are_shown_hosts() -> None:
    rows = [{'name': 'a', 'host': None, 'host_id': 'x'}]
    headers, made = table.made(FIELDS, rows)
    assert headers == ['Name', 'Host']
    assert list(map(told, made[0])) == ['a', None]


def test_tenants_are_shown_what_their_hosts_are_called_for_them() -> None:
    headers, made = table.made(FIELDS, [{'name': 'a', 'host_id': 'x'}])
    assert headers == ['Name', 'Host ID']
    assert list(map(told, made[0])) == ['a', 'x']


def test_an_empty_list_has_headers() -> None:
    assert table.made(FIELDS, []) == (['Name', 'Host'], [])


def test_a_long_list_has_moments_as_people_and_programs_read_them() -> None:
    rows = [{'name': 'a', 'host': 'h', 'seen_us': 0}]
    headers, made = table.made(FIELDS, rows, long=True)
    assert headers[-1] == 'Seen'
    assert told(made[0][-1]) == '1970-01-01T00:00:00Z'


def test_one_thing_has_all_its_fields_with_units_in_their_names() -> None:
    row = {
        'opened_us': 0,
        'lost_us': 5,
        'is_it': True,
        'many': ['a', 'b'],
        'pairs': {'schema': 's/1', 'b': 2},
    }
    headers, values = table.one(row, {'lost_us': column.core_us})
    raw = dict(zip(headers, map(told, values), strict=True))
    assert raw['opened_at'] == '1970-01-01T00:00:00Z'
    assert raw['lost_us'] == 5
    assert json.loads(json.dumps(raw))['pairs'] == row['pairs']
    words = [one.human_readable() for one in values]
    assert words[2:] == ['yes', 'a, b', 'b: 2']
