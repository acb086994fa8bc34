# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of the guest agent."""

from ..case import BAD, CANNOT_TELL, GOOD, NOT_CONCERNED, DomainRow

GONE = {'<devices>': '<hardware>', '</devices>': '</hardware>'}

ROWS = (
    DomainRow('agent.channel', GOOD),
    DomainRow('agent.channel', GOOD, 'tuned'),
    DomainRow('agent.channel', BAD, 'defaults'),
    DomainRow('agent.channel', BAD, changes={'guest_agent.0': 'other.0'}),
    DomainRow('agent.channel', CANNOT_TELL, changes=GONE),
    DomainRow('agent.silent', GOOD),
    DomainRow('agent.silent', BAD, 'tuned'),
    DomainRow('agent.silent', CANNOT_TELL, changes={" state='connected'": ''}),
    DomainRow('agent.silent', NOT_CONCERNED, 'defaults'),
)
