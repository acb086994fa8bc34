# SPDX-License-Identifier: Apache-2.0
"""Windows to findings: victims, aggressors, verdicts. Values in, values out."""
