# SPDX-License-Identifier: Apache-2.0
"""Feeds: whoever acts on what was found, each off until it is configured."""
