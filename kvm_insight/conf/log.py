# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``log``: what a service writes to standard error."""

from oslo_config import cfg

GROUP = 'log'
OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'level',
        default='INFO',
        choices=['DEBUG', 'INFO', 'WARNING', 'ERROR'],
        mutable=True,
        help='The least important message that is written. DEBUG also tells'
        ' what this host cannot measure, and why.',
    ),
]
