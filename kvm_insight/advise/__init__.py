# SPDX-License-Identifier: Apache-2.0
"""What holds hosts and domains back, by how they are configured."""
