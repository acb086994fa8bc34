# SPDX-License-Identifier: Apache-2.0
"""How hosts and domains are configured, by libvirt's XML: facts only."""
