# SPDX-License-Identifier: Apache-2.0
"""What alembic runs: on the connection that ``store.schema`` hands it."""

from alembic import context

from kvm_insight.store import schema

schema.run(context)
