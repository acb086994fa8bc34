# SPDX-License-Identifier: Apache-2.0
"""Party: who waited or ran, as far as the asker may know."""

from typing import Literal

from kvm_insight.api.resource import document

Kind = Literal[
    'instance',
    #: All instances of all other projects together; for tenants.
    'other projects',
    'host',
    #: One by its name; for operators.
    'service',
    #: The CPU quota of the one who waited.
    'quota',
    'idle',
    'unattributed',
    #: What was too little to be kept one by one.
    'rest',
]


class Party(document.Document, frozen=True, kw_only=True):
    """One of them."""

    kind: Kind
    #: Of an instance.
    uuid: str | None = None
    #: Of an instance or a service.
    name: str | None = None
    project_id: str | None = None
    #: For operators.
    entity: str | document.Unset = document.UNSET
    project_name: str | document.Unset | None = document.UNSET
