# SPDX-License-Identifier: Apache-2.0
"""Large blocks have pages of their own, whatever was freed before."""

import subprocess
import sys

PROGRAM = """
import ctypes
from kvm_insight.cmd import allocator

class Counts(ctypes.Structure):
    _fields_ = [(f'f{n}', ctypes.c_size_t) for n in range(10)]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Counts

def apart() -> int:
    return library.mallinfo2().f4

assert allocator.keep_large_apart()
for _ in range(3):
    bytes(1_000_000)
before = apart()
# A few fit into what is free of the heap already.
blocks = [bytes(100_000) for _ in range(50)]
assert apart() - before >= 40 * 100_000, (before, apart())
del blocks
assert apart() == before
"""


def test_a_large_block_comes_and_goes_by_itself() -> None:
    subprocess.run([sys.executable, '-c', PROGRAM], check=True)
