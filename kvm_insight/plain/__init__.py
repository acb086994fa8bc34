# SPDX-License-Identifier: Apache-2.0
"""Hosts without OpenStack: what they themselves tell, as one cluster."""
