# SPDX-License-Identifier: Apache-2.0
"""What Keystone says: the names of projects."""

from kvm_insight.cloud import client


class Project(client.Wire, frozen=True, kw_only=True):
    """A project and its name."""

    id: str
    name: str


class _Projects(client.Wire, frozen=True, kw_only=True):
    projects: list[Project]


def parse_projects(value: bytes) -> dict[str, str]:
    """Return id -> name of all projects."""
    told = client.decoded('identity', value, _Projects).projects
    return {one.id: one.name for one in told}


def read_projects(ask: client.Client) -> dict[str, str]:
    """Return id -> name of all projects."""
    return parse_projects(ask.get('identity', '/projects'))
