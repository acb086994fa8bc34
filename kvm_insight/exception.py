# SPDX-License-Identifier: Apache-2.0
"""Every error that kvm_insight raises on purpose.

::

    KvmInsightError
    ├── ConfigError          an option cannot work; says which, and the remedy
    │   └── SchemaError         the database's tables are another version's
    ├── NoData               this kernel or guest does not have the value
    ├── ListenError          a port for metrics cannot be opened
    ├── CollectorError       a source is there but could not be read
    │   └── LedgerError      an exact ledger cannot run here, or not any more
    ├── HypervisorError      libvirt is away, hangs or refuses
    ├── BusError             the bus could not do what was asked
    │   ├── BusUnavailable   no broker answers; try again later
    │   ├── BusRefused       password, ACL, missing topic: operator, act
    │   │   └── RecordRefused   this record will never be taken, others may
    │   ├── LeaseLost        somebody else is the active one
    │   └── SpoolFull        a record was larger than the whole spool
    ├── FeedError            whom we feed is away, slow or refuses
    │   └── MoveDeclined     Nova or libvirt says no to a migration
    ├── StoreError           the database could not do what was asked
    │   ├── StoreUnavailable    it is away, slow or full; try again later
    │   ├── StoreRefused        it will never take this; the rest it may
    │   └── StoreLost           somebody else writes what was ours to write
    ├── ClusterError         a cluster description from which nothing follows
    ├── CloudError           OpenStack could not be read
    │   ├── CloudUnavailable    slow, broken, stopped; try again later
    │   │   └── CloudDeclined   not as things are now (400, 409)
    │   ├── CloudRefused        password, role, policy: operator, act
    │   └── CloudGone           what was asked for is not there any more
    ├── ApiError             what was asked is not answered; says why
    ├── MarkerUnknown        a list cannot go on from what is not in it
    └── CodecError           bytes are not a record that we can read
        ├── SchemaUnknown    another schema, or a major from the future
        └── RecordDamaged    right schema, broken or out of bounds
"""

import traceback


def unworded(why: BaseException) -> str:
    """Return an error's kind and where it came from, without its words:
    those of a library may hold anything, a password among it."""
    calls = traceback.format_list(traceback.extract_tb(why.__traceback__))
    return f'{type(why).__name__}, from\n{"".join(calls)}'.rstrip()


class KvmInsightError(Exception):
    """The root of the tree; catch it at the edge of a service."""


class ConfigError(KvmInsightError):
    """An option cannot work; the message names option, value and remedy."""


class SchemaError(ConfigError):
    """A database has no tables yet, or those of another version."""


class NoData(KvmInsightError):
    """The kernel, libvirt or the guest does not offer this value."""


class ListenError(KvmInsightError):
    """A port cannot be had now; it may be free, or the address there, when
    the service is started again."""


class CollectorError(KvmInsightError):
    """A source is there, but could not be read or understood."""


class LedgerError(CollectorError):
    """A ledger collector cannot start here, or must stop."""


class HypervisorError(KvmInsightError):
    """libvirt is away, hangs or refuses."""


class BusError(KvmInsightError):
    """The bus could not do what was asked."""


class BusUnavailable(BusError):
    """No broker answers; the caller keeps its records and tries again."""


class BusRefused(BusError):
    """The broker refuses: password, ACL, missing topic. Retrying is vain."""


class RecordRefused(BusRefused):
    """One record is never taken (too large, no key); others may be."""


class LeaseLost(BusError):
    """What was to be said is not ours to say any more."""


class SpoolFull(BusError):
    """One record is larger than the whole spool may be."""


class FeedError(KvmInsightError):
    """Whoever is fed did not take it; says why, and nothing secret."""


class MoveDeclined(FeedError):
    """A migration, or its abort, is not done as things are now; says why."""


class StoreError(KvmInsightError):
    """The database could not do what was asked; nothing secret in it."""


class StoreUnavailable(StoreError):
    """The database is away, slow, locked or full; nothing was written."""


class StoreRefused(StoreError):
    """What was to be written will never be taken, whoever tries."""


class StoreLost(StoreError):
    """A partition of the bus has another writer by now."""


class ClusterError(KvmInsightError):
    """No recommendation can come from this cluster; says what is wrong."""


class CloudError(KvmInsightError):
    """Keystone, Nova or Placement could not be read; says which one.

    No message has a password, token or header in it.
    """


class CloudUnavailable(CloudError):
    """No answer, or not a good one; the same may work a little later."""


class CloudDeclined(CloudUnavailable):
    """What was asked for is not done as things are now."""


class CloudRefused(CloudError):
    """An identity, role or endpoint is missing; says what to do."""


class CloudGone(CloudError):
    """What was asked for is not there, or not any more."""


class ApiError(KvmInsightError):
    """What was asked over HTTP is not answered; says why."""


class MarkerUnknown(KvmInsightError):
    """A list cannot go on from something that is not in it."""


class CodecError(KvmInsightError):
    """Bytes are not a record that this version can read."""


class SchemaUnknown(CodecError):
    """The record says another schema, or a newer major."""


class RecordDamaged(CodecError):
    """The schema is known, its content is broken or out of bounds."""
