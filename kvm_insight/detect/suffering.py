# SPDX-License-Identifier: Apache-2.0
"""How much of the CPU time that a domain wanted was spent waiting."""


def share(run_us: int, delay_us: int, poll_us: int) -> float:
    """Return delay / (run + delay), polling not counted as wanted."""
    wanted = offered(run_us, delay_us, poll_us)
    return min(1.0, delay_us / wanted) if wanted > 0 else 0.0


def offered(run_us: int, delay_us: int, poll_us: int) -> int:
    """Return the load offered: what would have run on an empty host."""
    return max(run_us - poll_us, 0) + delay_us


def active(
    offered_us: int, measured_us: int, vcpus: int, activity: float
) -> bool:
    """Say whether the domain wanted enough for its wait to mean anything."""
    return (
        measured_us > 0
        and offered_us > 0
        and offered_us >= activity * max(vcpus, 1) * measured_us
    )
