# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of a fleet, one module a subject."""
