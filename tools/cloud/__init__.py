# SPDX-License-Identifier: Apache-2.0
"""A small real OpenStack on one machine, for the functional tests."""
