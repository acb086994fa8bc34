# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``agent``."""

from oslo_config import cfg

GROUP = 'agent'
OPTIONS: list[cfg.Opt] = []
