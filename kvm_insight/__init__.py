# SPDX-License-Identifier: Apache-2.0
"""Who suffers on a KVM host, who makes it suffer, and what to do."""
