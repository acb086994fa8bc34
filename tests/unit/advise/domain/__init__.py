# SPDX-License-Identifier: Apache-2.0
"""Cases of checks of a domain, one module a subject."""
