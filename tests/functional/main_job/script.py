# SPDX-License-Identifier: Apache-2.0
"""What happens on the stage: guests, host processes, and in which order."""

import contextlib
import dataclasses
import pathlib
import subprocess
import tempfile
from collections.abc import Iterator

from lab import guest

from kvm_insight.model import finding

Guest = guest.Guest


@dataclasses.dataclass(frozen=True, slots=True)
class Schedule:
    """One aggressor, those whom it hurts, and bystanders."""

    name: str
    aggressor: Guest
    victims: tuple[Guest, ...]
    bystanders: tuple[Guest, ...] = ()

    @property
    def guests(self) -> tuple[Guest, ...]:
        """Everybody; the aggressor comes last."""
        return (*self.victims, *self.bystanders, self.aggressor)

    def names_aggressor(self, record: finding.Finding) -> bool:
        """Say whether a victim of ours has its aggressor named."""
        victims = {one.uuid for one in self.victims}
        return (
            record.victim.uuid in victims
            and record.verdict == 'antagonist'
            and self.aggressor.uuid in named(record)
        )

    def is_over(self, record: finding.Finding) -> bool:
        """Say whether that incident has closed."""
        return record.state == 'closed' and self.names_aggressor(record)


def named(record: finding.Finding) -> set[str]:
    """Return the instances that a finding blames, the victim left out."""
    return {
        one.party.uuid
        for one in record.aggressors
        if one.party.uuid and one.party.uuid != record.victim.uuid
    }


@contextlib.contextmanager
def busy_process(name: str, cpu: int) -> Iterator[None]:
    """A process of the host, by this name, that wants all of one CPU."""
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / name
        program.symlink_to('/bin/sh')
        child = subprocess.Popen(
            ['taskset', '-c', str(cpu), program, '-c', 'while :; do :; done']
        )
        try:
            yield
        finally:
            child.kill()
            child.wait()
