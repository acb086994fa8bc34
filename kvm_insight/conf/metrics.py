# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``metrics``: where Prometheus may scrape."""

import dataclasses

from oslo_config import cfg

GROUP = 'metrics'

_PORTS = {
    'agent': 19710,
    'analyzer': 19711,
    'planner': 19712,
    'feed': 19713,
}
OPTIONS: list[cfg.Opt] = [
    cfg.IPOpt(
        'listen',
        help='Each service serves its metrics for Prometheus at this IP '
        'address, under /metrics; without one none does. Set it to an '
        'address that only the monitoring reaches: there is neither TLS nor '
        'a password. 127.0.0.1 is for a Prometheus, or a proxy with both, '
        'on the same machine.',
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


def settings(conf: cfg.ConfigOpts, service: str) -> Settings | None:
    """Return those of a service; None where nothing is to be served."""
    group = conf[GROUP]
    if not group.listen:
        return None
    return Settings(group.listen, group[f'{service}_port'], group.series_limit)
