# SPDX-License-Identifier: Apache-2.0
"""What goes wrong in the lab."""


class LabError(Exception):
    """The lab cannot do that; the message says the remedy."""
