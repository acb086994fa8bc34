# SPDX-License-Identifier: Apache-2.0
"""What libvirt last said, and what of it stays when it says no more."""

from kvm_insight.model import sample
from kvm_insight.observe import bulk, connection, knowledge

UUID = '5e3d076b-2f7d-4c7d-9357-4413af8a19f7'
OTHER = 'a87a72dd-a5e3-402c-aef4-3be00d906b62'


def measured(rss_bytes: int) -> bulk.Measured:
    return bulk.Measured(sample.Memory(rss_bytes=rss_bytes), (), (), None)


def answer(uuid: str, rss_bytes: int | None) -> connection.Answer:
    return connection.Answer(
        uuid, 'web', None if rss_bytes is None else measured(rss_bytes)
    )


def details(reason: str | None = 'booted') -> connection.Details:
    return connection.Details('web', 'running', reason, '<domain/>')


def test_a_busy_domain_keeps_its_values_and_their_age() -> None:
    board = knowledge.Board()
    board.measured([answer(UUID, 5)], 10.0)
    board.measured([answer(UUID, None)], 20.0)
    known = board.view().domains[UUID]
    assert known.measured == measured(5)
    assert known.measured_s == 10.0


def test_a_domain_that_libvirt_no_longer_lists_is_forgotten() -> None:
    board = knowledge.Board()
    board.measured([answer(UUID, 5), answer(OTHER, 6)], 10.0)
    board.measured([answer(OTHER, 7)], 20.0)
    assert list(board.view().domains) == [OTHER]


def test_trouble_leaves_everything_as_it_was() -> None:
    board = knowledge.Board()
    board.connected('node1')
    board.measured([answer(UUID, 5)], 10.0)
    board.described(UUID, details())
    board.trouble('gone')
    view = board.view()
    assert view.trouble == 'gone'
    assert view.domains[UUID].xml == '<domain/>'
    assert view.hostname == 'node1'
    board.connected('node1')
    assert board.view().trouble is None


def test_a_description_may_come_before_the_first_measurement() -> None:
    board = knowledge.Board()
    board.described(UUID, details())
    board.measured([answer(UUID, 5)], 10.0)
    known = board.view().domains[UUID]
    assert (known.state, known.measured_s) == ('running', 10.0)
    board.described(UUID, None)
    assert board.view().domains == {}


def test_a_view_does_not_change_any_more() -> None:
    board = knowledge.Board()
    board.measured([answer(UUID, 5)], 10.0)
    view = board.view()
    board.measured([answer(OTHER, 6)], 20.0)
    assert list(view.domains) == [UUID]


def test_who_migrates_or_has_a_job_is_looked_at_for_one() -> None:
    board = knowledge.Board()
    board.measured([answer(UUID, 5), answer(OTHER, 6)], 10.0)
    board.described(UUID, details('migration'))
    board.job(OTHER, sample.Job(kind='unbounded'))
    assert board.working() == {UUID, OTHER}
    board.described(UUID, details('migrated'))
    board.job(OTHER, None)
    assert board.working() == frozenset()


def test_nobody_waits_longer_than_for_the_first_trouble() -> None:
    board = knowledge.Board()
    board.trouble('refused')
    board.wait_for_round(60.0)
