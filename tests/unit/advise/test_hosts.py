# SPDX-License-Identifier: Apache-2.0
"""Hosts judged by the records that they told, whoever judges them."""

import dataclasses

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kvm_insight import exception
from kvm_insight.advise import hosts
from kvm_insight.model import codec, configuration, host_config

from . import told


@dataclasses.dataclass
class Keeper:
    """Judges one after the other; what was kept and said stays."""

    judge: hosts.Hosts = dataclasses.field(default_factory=hosts.Hosts)
    kept: dict[str, configuration.Advice] = dataclasses.field(
        default_factory=dict
    )
    said: list[configuration.Finding] = dataclasses.field(default_factory=list)

    def take(self, offset: int, *configs: host_config.HostConfig) -> None:
        """Take some records as one batch, and bring out what follows."""
        for number, one in enumerate(configs):
            value = codec.encode(one)
            self.judge.consume(offset + number, one.host, value)
        self.bring_out()

    def bring_out(self, *, until: int = 2) -> None:
        """Keep, then say; a crash comes ``until`` then."""
        unsaid = []
        for kept, said in self.judge.due():
            if until > 0:
                self.kept[kept.host] = again(kept)
            unsaid += said
        if until > 1:
            self.said += unsaid

    def taken_over(self, end: int = 10_000) -> None:
        """Let another one go on with what was kept."""
        self.judge = hosts.Hosts()
        for one in self.kept.values():
            self.judge.restore(one, end)
        self.said += self.judge.untold()

    def newest(self) -> dict[str, configuration.Finding]:
        """Return the last word of each."""
        return {one.id: one for one in self.said}


def again(one: configuration.Advice) -> configuration.Advice:
    return codec.decode(codec.encode(one), configuration.Advice)


def test_a_host_that_is_set_up_badly_is_told_of() -> None:
    one = Keeper()
    one.take(0, told.config(5, swappiness=100))
    found = {x.check: x for x in one.said}
    assert len(found) == len(one.said) > 0
    assert found[told.SWAPPINESS].party is None
    assert all(x.opened_us == 5 for x in one.said)
    (kept,) = one.kept.values()
    assert (kept.offset, kept.time_us) == (1, 5)
    assert kept.open == one.said


def test_a_domain_is_told_of_with_its_name_and_project() -> None:
    one = Keeper()
    one.take(0, told.config(5, bus='ide'))
    found = [x.party for x in one.said if x.check == told.EMULATED]
    assert [x and (x.uuid, x.name, x.project_id) for x in found] == [
        (told.UUID, 'web', 'shop')
    ]


def test_who_does_not_tell_facts_opens_and_closes_nothing() -> None:
    one = Keeper()
    one.take(0, told.config(5, swappiness=100))
    before = len(one.said)
    bare = msgspec.structs.replace(told.config(6), facts=None)
    one.take(1, bare)
    assert len(one.said) == before


def test_what_was_mended_while_nobody_looked_is_closed_by_the_next() -> None:
    one = Keeper()
    one.take(0, told.config(5, swappiness=100))
    one.taken_over()
    one.take(1, told.config(9, swappiness=1))
    closed = [x for x in one.said if x.state == 'closed']
    assert [(x.check, x.opened_us, x.closed_us) for x in closed] == [
        (told.SWAPPINESS, 5, 9)
    ]


def test_what_is_old_or_comes_again_changes_nothing() -> None:
    one = Keeper()
    one.take(0, told.config(5, swappiness=100))
    one.take(1, told.config(9, swappiness=1))
    before = list(one.said)
    one.taken_over()
    one.take(0, told.config(5, swappiness=100))
    one.take(1, told.config(9, swappiness=1))
    assert one.newest() == {x.id: x for x in before}


def test_a_clock_that_was_set_back_makes_no_older_word() -> None:
    one = Keeper()
    one.take(0, told.config(1000, swappiness=100))
    one.take(1, told.config(5, swappiness=1))
    assert one.newest()[one.said[-1].id].state == 'closed'
    assert one.said[-1].updated_us == 1001


def test_a_topic_that_was_made_anew_is_judged_anew() -> None:
    one = Keeper()
    one.take(70, told.config(5, swappiness=100))
    one.taken_over(end=3)
    one.take(2, told.config(9, swappiness=1))
    assert one.said[-1].state == 'closed'


def test_a_host_that_was_deleted_is_closed() -> None:
    one = Keeper()
    one.take(0, told.config(5, swappiness=100))
    one.judge.forget(1, 'h', 70)
    one.judge.forget(2, 'nobody', 70)
    one.bring_out()
    assert {x.closed_reason for x in one.newest().values()} == {'gone'}
    assert {x.closed_us for x in one.newest().values()} == {70}
    assert one.kept['h'].open == []


def test_what_is_no_record_of_a_host_is_refused() -> None:
    one = hosts.Hosts()
    with pytest.raises(exception.RecordDamaged, match='key'):
        one.consume(0, 'other', codec.encode(told.config(5)))
    for value in (b'', b'{}', b'{"schema":"kvm_insight.sample/1"}'):
        with pytest.raises(exception.CodecError):
            one.consume(0, 'h', value)
    assert list(one.due()) == []


steps = st.lists(
    st.tuples(
        st.sampled_from(told.HOSTS),
        st.sampled_from([1, 60, 100]),
        st.sampled_from(['virtio', 'ide', None]),
        #: How far the one who takes it comes: nothing kept, nothing said.
        st.sampled_from([0, 1, 2, 2, 2]),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(steps)
def test_deaths_at_any_line_make_the_same_findings(
    looks: list[tuple[str, int, str | None, int]],
) -> None:
    calm, hard = Keeper(), Keeper()
    for offset, (host, swappiness, bus, until) in enumerate(looks):
        one = told.config((offset + 1) * 4_000_000_000, host, swappiness, bus)
        calm.take(offset, one)
        hard.judge.consume(offset, host, codec.encode(one))
        hard.bring_out(until=until)
        if until < 2:
            hard.taken_over()
            # Nothing was committed.
            hard.take(offset, one)
    hard.taken_over()
    assert hard.newest() == calm.newest()
    assert hard.kept == calm.kept
    # Each opening is told under one time.
    times = {(x.id, x.opened_us) for x in hard.said}
    assert times == {(x.id, x.opened_us) for x in calm.said}
