# SPDX-License-Identifier: Apache-2.0
"""One node on which the plugin's phases run under DevStack's stand-ins."""

import dataclasses
import os
import pathlib
import subprocess
from collections.abc import Mapping

HERE = pathlib.Path(__file__).resolve().parent
STACK = ('pre-install', 'install', 'post-config', 'extra')
#: What unstack.sh has of openrc, and stack.sh has not.
OPENRC = {'OS_PROJECT_NAME': 'demo', 'OS_USERNAME': 'demo'}
ALL_IN_ONE = 'key,n-api,n-cpu,n-cond,n-sch,placement-api,g-api,mysql,rabbit'


@dataclasses.dataclass
class Node:
    """One node: what lies in ``root`` is all that the phases can make."""

    root: pathlib.Path
    plugin: pathlib.Path
    settings: Mapping[str, str]
    #: What goes before PATH: programs that stand in for real ones.
    programs: str = f'{HERE}/bin:'

    def run(
        self, *phases: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run phases as stack.sh, unstack.sh and clean.sh would.

        A shell of its own for each of the three, as theirs are.
        """
        done = self.tried(*phases, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def tried(
        self, *phases: str, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Do the same, whether it ends well or not."""
        lines = ['set -o errexit', f'source {HERE}/functions']
        lines += [f'source {self.plugin}/settings']
        lines += [f'source {self.plugin}/plugin.sh {one}' for one in phases]
        lines += ['echo "services $ENABLED_SERVICES"']
        return subprocess.run(
            ['bash', '-c', '\n'.join(lines)],
            env={
                'PATH': f'{self.programs}{os.environ["PATH"]}',
                'HOME': str(self.root / 'nobody'),
                'ROOT': str(self.root),
                **(OPENRC if 'unstack' in phases else {}),
                **self.settings,
                **more,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def stack(self, **more: str) -> None:
        """Run all that stack.sh runs."""
        self.run(*(f'stack {phase}' for phase in STACK), **more)

    def clean(self, **more: str) -> None:
        """Run what clean.sh runs: unstack.sh first, then its own."""
        self.run('unstack', **more)
        self.run('clean', **more)

    def services(self, **more: str) -> set[str]:
        """Which of ours are enabled on this node."""
        (line,) = [
            one
            for one in self.run(**more).stdout.splitlines()
            if one.startswith('services ')
        ]
        names = line.removeprefix('services ').split(',')
        return {name for name in names if name.startswith('kvm-insight')}

    def tree(self) -> dict[str, str]:
        """Each file with its mode and content, each folder with its mode."""
        return {
            str(path.relative_to(self.root)): f'{path.stat().st_mode:o} '
            + (path.read_text() if path.is_file() else '')
            for path in sorted(self.root.rglob('*'))
        }

    def venv(self) -> dict[str, str]:
        """DevStack's own part of the tree, which it removes itself."""
        begin = 'opt/stack/data'
        return {
            path: what
            for path, what in self.tree().items()
            if path == begin or path.startswith(f'{begin}/venv')
        }

    def running(self) -> set[str]:
        """Which services run_process has started and nobody has stopped."""
        return {path.name for path in (self.root / 'running').glob('*')}

    def calls(self) -> list[str]:
        """What was asked of DevStack, the oldest first."""
        path = self.root.with_name(self.root.name + '.calls')
        return path.read_text().splitlines() if path.exists() else []

    @property
    def configuration(self) -> pathlib.Path:
        """Where the plugin writes our services' options."""
        return self.root / 'etc/kvm-insight/kvm-insight.conf'
