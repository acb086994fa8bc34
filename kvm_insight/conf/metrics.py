# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``metrics``: where Prometheus may scrape."""

import dataclasses

from oslo_config import cfg

from kvm_insight import exception

GROUP = 'metrics'

_PORTS = {
    'agent': 19710,
    'analyzer': 19711,
    'planner': 19712,
    'feed': 19713,
    'api': 19714,
}
OPTIONS: list[cfg.Opt] = [
    cfg.IPOpt(
        'listen',
        help='Each service serves its metrics for Prometheus at this IP '
        'address, under /metrics; without one none does. Set it to an '
        'address that only the monitoring reaches, or set '
        'tls_client_ca_file, too. 127.0.0.1 is for a Prometheus, or a proxy, '
        'on the same machine.',
    ),
    cfg.StrOpt(
        'tls_cert_file',
        help='The certificate to serve with, and its chain (PEM); read at '
        'the start. Set it together with tls_key_file where scrapes cross a '
        'network that others share.',
    ),
    cfg.StrOpt(
        'tls_key_file',
        help='The key of tls_cert_file (PEM, without a password). Set it '
        'together with that.',
    ),
    cfg.StrOpt(
        'tls_client_ca_file',
        help='Only a scraper with a certificate of this authority (PEM) is '
        'answered. Set it where others reach the address.',
    ),
    *(
        cfg.PortOpt(
            f'{name}_port',
            default=port,
            min=1,
            help=f'The port of kvm-insight-{name}. Change it where something '
            'else has it, or for another copy of the service on the same '
            'machine.',
        )
        for name, port in _PORTS.items()
    ),
    cfg.IntOpt(
        'series_limit',
        default=20_000,
        min=100,
        help='Series of domains that an agent exposes, and of hosts that an '
        'analyzer does, at most; whole domains and hosts are left out, and '
        'counted. A domain has about 50. Lower it to spare Prometheus, raise '
        'it on hosts with more than 400 domains.',
    ),
]


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Where one service listens, and how much it shows."""

    address: str
    port: int
    series_limit: int
    #: Certificate, key, and whose scrapers may read.
    tls: tuple[str, str, str | None] | None = None


def settings(conf: cfg.ConfigOpts, service: str) -> Settings | None:
    """Return those of a service; None where nothing is to be served.

    Raises ConfigError for options of which one needs another.
    """
    group = conf[GROUP]
    if not group.listen:
        return None
    return Settings(
        group.listen,
        group[f'{service}_port'],
        group.series_limit,
        _tls(group),
    )


def _tls(
    group: cfg.ConfigOpts.GroupAttr,
) -> tuple[str, str, str | None] | None:
    cert, key = group.tls_cert_file, group.tls_key_file
    if cert and key:
        return cert, key, group.tls_client_ca_file
    for name in ('tls_cert_file', 'tls_key_file', 'tls_client_ca_file'):
        if group[name]:
            raise exception.ConfigError(
                f'[{GROUP}] {name} = {group[name]}: set tls_cert_file and'
                ' tls_key_file, too'
            )
    return None
