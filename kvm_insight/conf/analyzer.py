# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``analyzer``."""

from oslo_config import cfg

GROUP = 'analyzer'
OPTIONS: list[cfg.Opt] = []
