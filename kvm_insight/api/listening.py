# SPDX-License-Identifier: Apache-2.0
"""Listening: who may reach the API where there is no Keystone.

Nothing but loopback is listened on, and only by its own names: a page of a
stranger that lets its name lead here (DNS rebinding) is refused.
"""

import ipaddress
import socket
from urllib import parse

from kvm_insight import exception
from kvm_insight.api import problem

NAMES = frozenset({'localhost', '127.0.0.1', '::1'})


def check_address(host: str) -> None:
    """Raise ConfigError unless the address is of this machine alone."""
    try:
        found = {
            str(info[4][0])
            for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        }
        is_local = all(ipaddress.ip_address(one).is_loopback for one in found)
    except (OSError, ValueError):
        found, is_local = set(), False
    if not (found and is_local):
        raise exception.ConfigError(
            f'[api] host = {host}: without Keystone only this machine may'
            ' ask; choose 127.0.0.1, or set auth = keystone'
        )


def check_peer(address: str | None) -> None:
    """Raise Problem for another machine: a server of somebody else's may
    listen where ours would not."""
    try:
        is_local = ipaddress.ip_address(address or '').is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise problem.forbidden()


def check_host(header: str, names: frozenset[str]) -> None:
    """Raise Problem for a request to another name than these."""
    try:
        name = parse.urlsplit(f'//{header}').hostname
    except ValueError:
        name = None
    if name not in names:
        raise problem.Problem(
            400,
            problem.BAD_REQUEST,
            'Host: not a name of this service; see [api] names.',
        )
