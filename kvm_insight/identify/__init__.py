# SPDX-License-Identifier: Apache-2.0
"""Whose domain is it: metadata and mapping files to an Identity."""
