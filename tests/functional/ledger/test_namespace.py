# SPDX-License-Identifier: Apache-2.0
"""Where pids are not the host's, the exact ledger does not begin."""

import subprocess
import sys

CODE = """
from kvm_insight import exception
from kvm_insight.observe.ledger import ebpf
try:
    ebpf.Ebpf().close()
except exception.LedgerError as why:
    print(why)
else:
    print('it counts')
"""


def say(*before: str) -> str:
    words = [*before, sys.executable, '-c', CODE]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_container_with_pids_of_its_own_is_told_what_is_missing() -> None:
    nested = say('unshare', '--pid', '--fork', '--mount-proc')
    assert nested.endswith('run the container with pid: host')
    assert say() == 'it counts'
