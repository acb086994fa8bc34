# SPDX-License-Identifier: Apache-2.0
"""Checks of a fleet of hosts by the measured history of their guests."""
