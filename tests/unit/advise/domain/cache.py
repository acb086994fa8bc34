# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of cache and AIO modes."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

NONE = "cache='none'"
UNSAFE = {NONE: "cache='unsafe'"}
THROUGH = {NONE: "cache='writethrough'"}
DIRECT = {NONE: "cache='directsync'"}
STRANGE = {NONE: "cache='some'"}
NO_TYPE = {"type='block' ": ''}
THREADS = {"io='native'": "io='threads'"}

ROWS = (
    DomainRow('cache.unsafe', GOOD),
    DomainRow('cache.unsafe', GOOD, 'defaults'),
    DomainRow('cache.unsafe', BAD, changes=UNSAFE, says='vda'),
    DomainRow('cache.unsafe', CANNOT_TELL, changes=STRANGE, says='some'),
    DomainRow('cache.unsafe', NOT_CONCERNED, 'huge'),
    DomainRow('cache.synchronous', GOOD),
    DomainRow('cache.synchronous', GOOD, 'windows'),
    DomainRow('cache.synchronous', BAD, changes=THROUGH, says='vda'),
    DomainRow('cache.synchronous', BAD, changes=DIRECT),
    DomainRow('cache.synchronous', CANNOT_TELL, changes=STRANGE),
    DomainRow('cache.synchronous', NOT_CONCERNED, 'huge'),
    DomainRow('cache.doubled', GOOD),
    DomainRow('cache.doubled', GOOD, 'tuned'),
    DomainRow('cache.doubled', BAD, 'defaults', says='hda'),
    DomainRow('cache.doubled', BAD, 'windows'),
    DomainRow('cache.doubled', CANNOT_TELL, changes=NO_TYPE),
    DomainRow('cache.doubled', NOT_CONCERNED, 'arm'),
    DomainRow('cache.aio-threads', GOOD),
    DomainRow('cache.aio-threads', GOOD, 'amd'),
    DomainRow('cache.aio-threads', BAD, changes=THREADS),
    DomainRow('cache.aio-threads', BAD, changes={" io='native'": ''}),
    DomainRow('cache.aio-threads', CANNOT_TELL, changes=NO_TYPE),
    DomainRow('cache.aio-threads', NOT_CONCERNED, 'defaults'),
)
