# SPDX-License-Identifier: Apache-2.0
"""SQL that makes a row for each number of a sequence."""

import dataclasses
import json
from typing import Any

from benchmarks import cloud_primitives

PROJECTS = 300
USERS = 600
ZONES = ('north', 'south', 'west')
NOW = 'utc_timestamp()'


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """How large the cloud is."""

    hosts: int
    servers: int


def uuid(kind: str, number: str = 'seq') -> str:
    """Return SQL for the UUID of one thing of a kind."""
    words = f"md5(concat('{kind}-',{number}))"
    for place in (21, 17, 13, 9):
        words = f"insert({words},{place},0,'-')"
    return words


def key(kind: str, number: str) -> str:
    """Return SQL for the id of a project or user."""
    return f"md5(concat('{kind}-',{number}))"


def owner() -> dict[str, str]:
    """Return the columns that say whose a server is, or a group."""
    return {
        'user_id': key('user', f'(seq%{USERS})+1'),
        'project_id': key('project', f'(seq%{PROJECTS})+1'),
    }


def many(table: str, count: int, where: str = '', /, **columns: object) -> str:
    """Return SQL that fills a table, a row for each number from 1 on."""
    names = ','.join(f'`{name}`' for name in columns)
    values = ','.join(str(value) for value in columns.values())
    more = f' where {where}' if where else ''
    return (
        f'insert into {table} ({names}) select {values}'
        f' from seq_1_to_{count}{more};'
    )


def text(value: Any) -> str:
    """Return a value as a literal, as JSON where it is none yet."""
    words = value if isinstance(value, str) else json.dumps(value)
    words = words.replace('\\', '\\\\').replace("'", "''")
    return f"'{words}'"


def at(shape: Shape) -> str:
    """Return SQL for the number of a server's host."""
    return f'((seq-1)%{shape.hosts}+1)'


def of_flavor(number: int) -> str:
    """Return SQL that is true for the servers of a flavor."""
    return f'seq%{len(cloud_primitives.FLAVORS)}={number}'
