# SPDX-License-Identifier: Apache-2.0
"""Cases of the checks of an instance, one module a subject."""
