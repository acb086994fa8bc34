# SPDX-License-Identifier: Apache-2.0
"""simulate: hosts whose truth is known, from seeded generators and traces."""
