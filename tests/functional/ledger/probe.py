# SPDX-License-Identifier: Apache-2.0
"""Run as another user by the tests: does the exact ledger work here?"""

import os
import pathlib
import sys
import time

from kvm_insight import exception
from kvm_insight.model import entity
from kvm_insight.observe.ledger import ebpf, port

ME = entity.domain('00000000-0000-0000-0000-000000000001')


def main() -> int:
    """Load, watch this process, print what came of it; wait if asked."""
    paths = [pathlib.Path(word) for word in sys.argv[2:]]
    try:
        collector = ebpf.Ebpf(*paths)
    except exception.LedgerError as why:
        sys.stdout.write(f'{why}\n')
        return 1
    collector.watch([port.Member(ME, (os.getpid(),))])
    time.sleep(0.3)
    told = collector.collect({})
    switches = collector.counts().switches
    sys.stdout.write(
        f'uid {os.getuid()}: {len(told.rows)} row, {switches} switches\n'
    )
    sys.stdout.flush()
    if sys.argv[1] == 'stay':
        time.sleep(60)
    collector.close()
    return 0


sys.exit(main())
