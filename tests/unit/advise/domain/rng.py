# SPDX-License-Identifier: Apache-2.0
"""Cases of the check of random numbers."""

from ..case import BAD, CANNOT_TELL, GOOD, DomainRow

GONE = {'<devices>': '<hardware>', '</devices>': '</hardware>'}

ROWS = (
    DomainRow('rng.missing', GOOD),
    DomainRow('rng.missing', GOOD, 'arm'),
    DomainRow('rng.missing', BAD, 'defaults'),
    DomainRow('rng.missing', BAD, 'windows'),
    DomainRow('rng.missing', CANNOT_TELL, changes={'</domain>': ''}),
    DomainRow('rng.missing', CANNOT_TELL, changes=GONE, says='devices'),
)
