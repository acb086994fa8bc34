# SPDX-License-Identifier: Apache-2.0
"""What the recorder alone does: records of the bus into the tables."""
