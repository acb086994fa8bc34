# SPDX-License-Identifier: Apache-2.0
"""From windows to findings: victims, aggressors, verdicts; only values."""
