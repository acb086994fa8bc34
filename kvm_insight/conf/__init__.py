# SPDX-License-Identifier: Apache-2.0
"""Options, one file per group; ``cmd`` hands plain values down."""

from oslo_config import cfg

from kvm_insight import exception
from kvm_insight.conf import (
    agent,
    analyzer,
    api,
    bus,
    cloud,
    database,
    feed,
    log,
    metrics,
    plain,
    planner,
    recorder,
)

GROUPS = (
    agent,
    analyzer,
    api,
    bus,
    cloud,
    database,
    feed,
    log,
    metrics,
    plain,
    planner,
    recorder,
)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return all groups and options, for oslo-config-generator."""
    return [(group.GROUP, group.OPTIONS) for group in GROUPS]


def load(
    config_files: list[str] | None, program: str = 'kvm-insight'
) -> cfg.ConfigOpts:
    """Return the configuration; raise ConfigError for what cannot be read.

    ``None`` looks where oslo.config looks (``/etc/kvm-insight`` and the
    home folder); an empty list means defaults only.
    """
    conf = cfg.ConfigOpts()
    for group, options in list_opts():
        conf.register_opts(options, group=group)
    try:
        conf(
            args=[],
            project='kvm-insight',
            prog=program,
            default_config_files=config_files,
        )
    except cfg.Error as why:
        raise exception.ConfigError(str(why)) from why
    _check(conf)
    return conf


def _check(conf: cfg.ConfigOpts) -> None:
    """Look at each option now; oslo.config would wait until it is used."""
    for group, options in list_opts():
        for option in options:
            try:
                conf[group].get(option.dest)
            except cfg.ConfigFileValueError as why:
                _, _, reason = str(why).rpartition('is not valid: ')
                raise exception.ConfigError(
                    f'[{group}] {option.name}: {reason}'
                ) from why
