# SPDX-License-Identifier: Apache-2.0
"""Scope: whose rows a query may see; part of the query itself."""

import dataclasses

import sqlalchemy as sa

from kvm_insight.store import table


@dataclasses.dataclass(frozen=True, slots=True)
class Everything:
    """All projects', and what is no project's: for operators."""

    def holds(self, project: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        """Return what a row's ``project_id`` must be."""
        return sa.true()


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """One project's own."""

    uuid: str

    def __post_init__(self) -> None:
        if not self.uuid:
            raise ValueError('a project without an id owns nothing')

    def holds(self, project: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        """Return what a row's ``project_id`` must be."""
        return project == numbered(self.uuid)


Scope = Everything | Project


def numbered(uuid: str) -> sa.ScalarSelect[int]:
    """Return a project's number, which is none where nobody knows it."""
    found = sa.select(table.PROJECT.c.id)
    return found.where(table.PROJECT.c.uuid == uuid).scalar_subquery()
