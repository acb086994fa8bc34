# SPDX-License-Identifier: Apache-2.0
"""What each question to a domain begins with: could its XML be read?"""

import functools
from collections.abc import Callable

from kvm_insight.advise import check
from kvm_insight.model import facts

Look = Callable[[check.DomainCase], check.Outcome]

#: Where settings of devices are described.
DOMAIN_FORMAT = 'https://libvirt.org/formatdomain.html'
EXTRA_SPECS = (
    'https://docs.openstack.org/nova/latest/configuration/extra-specs.html'
)


def reads(*fields: str) -> Callable[[Look], Look]:
    """Answer for a look whose fields stand there but are not understood."""

    def wrap(look: Look) -> Look:
        @functools.wraps(look)
        def asked(case: check.DomainCase) -> check.Outcome:
            return _damaged(case.domain, fields) or look(case)

        return asked

    return wrap


def needs(*fields: str) -> Callable[[Look], Look]:
    """Answer for a look that can say nothing without these fields, too."""

    def wrap(look: Look) -> Look:
        @reads(*fields)
        @functools.wraps(look)
        def asked(case: check.DomainCase) -> check.Outcome:
            domain = case.domain
            missing = [x for x in fields if getattr(domain, x) is None]
            if missing:
                return check.CannotTell(f'{missing[0]}: not in its XML')
            return look(case)

        return asked

    return wrap


def word(value: object) -> str:
    """Return what evidence says of a value; ``absent`` for None."""
    return 'absent' if value is None else str(value)


def _damaged(
    domain: facts.DomainFacts, fields: tuple[str, ...]
) -> check.CannotTell | None:
    if 'xml' in domain.unknown:
        return check.unreadable(domain)
    for name in fields:
        if name in domain.unknown:
            return check.CannotTell(f'{name}: {domain.unknown[name]}')
    return None
