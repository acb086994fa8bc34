# SPDX-License-Identifier: Apache-2.0
"""Resources: what is asked and answered, one file a noun."""
