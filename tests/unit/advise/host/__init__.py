# SPDX-License-Identifier: Apache-2.0
"""Cases of checks of a host, one module a subject."""
