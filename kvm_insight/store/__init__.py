# SPDX-License-Identifier: Apache-2.0
"""Store: what happened, in a database; the recorder alone writes it."""
