# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``bus``."""

from oslo_config import cfg

GROUP = 'bus'
OPTIONS: list[cfg.Opt] = []
