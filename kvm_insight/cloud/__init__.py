# SPDX-License-Identifier: Apache-2.0
"""What Keystone, Nova and Placement say; only this room speaks to them."""
