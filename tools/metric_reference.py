#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the metric reference from the model's types.

tools/metric_reference.py           write the page
tools/metric_reference.py --check   exit 1 if it is not as it should be
"""

import argparse
import pathlib
import sys

from kvm_insight.model import metric

PAGE = pathlib.Path(__file__).parents[1] / 'doc/source/reference/metrics.md'


def main(words: list[str] | None = None) -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true')
    check = parser.parse_args(words).check
    wrong = metric.undocumented()
    if wrong:
        print('without words, or words without a field:', *wrong, sep='\n  ')
        return 1
    text = metric.render()
    if not check:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        print(f'{PAGE} is stale: run tools/metric_reference.py')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
