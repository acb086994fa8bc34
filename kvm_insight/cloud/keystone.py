# SPDX-License-Identifier: Apache-2.0
"""What Keystone says: the names of projects and users."""

import urllib.parse

from kvm_insight.cloud import client


class Project(client.Wire, frozen=True, kw_only=True):
    """A project and its name."""

    id: str
    name: str


class _Projects(client.Wire, frozen=True, kw_only=True):
    projects: list[Project]


class _Named(client.Wire, frozen=True, kw_only=True):
    name: str


class _User(client.Wire, frozen=True, kw_only=True):
    user: _Named


def parse_projects(value: bytes) -> dict[str, str]:
    """Return id -> name of all projects."""
    told = client.decoded('identity', value, _Projects).projects
    return {one.id: one.name for one in told}


def read_projects(ask: client.Client) -> dict[str, str]:
    """Return id -> name of all projects."""
    return parse_projects(ask.get('identity', '/projects'))


def parse_user(value: bytes) -> str:
    """Return a user's name."""
    return client.decoded('identity', value, _User).user.name


def read_user(ask: client.Client, user: str) -> str:
    """Return a user's name; CloudGone if there is no such one."""
    path = f'/users/{urllib.parse.quote(user, safe="")}'
    return parse_user(ask.get('identity', path))
