# SPDX-License-Identifier: Apache-2.0
from kvm_insight.osc import instance, table


def test_whom_it_waits_for_now_is_said_line_by_line() -> None:
    others = {'kind': 'other projects', 'uuid': None, 'name': None}
    own = {'kind': 'instance', 'uuid': 'u', 'name': 'vm\x1b2'}
    now = {
        'suffered': [{'party': others, 'waited_us': 12_000_000}],
        'caused': [{'party': own, 'waited_us': 1_500_000}],
    }
    words = instance._WORDS
    (value,) = table.one({'ledger_now': now}, words)[1]
    assert value.human_readable() == (
        'for other projects: 12.0 core-s\nby vm\ufffd2: 1.5 core-s'
    )
    (value,) = table.one({'ledger_now': None}, words)[1]
    assert value.human_readable() == '-'
