# SPDX-License-Identifier: Apache-2.0
"""Our trait in a real Placement, beside others who write at the same time."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from keystoneauth1 import adapter, session, token_endpoint
from moves import claims

from kvm_insight import exception
from kvm_insight.cloud import placement_traits
from kvm_insight.feed import placement, port
from kvm_insight.model import mark

pytestmark = pytest.mark.filterwarnings('ignore')
OURS = placement_traits.TRAIT
Json = dict[str, Any]


class Wire(session.Session):
    """The way to Placement; something may happen before each request."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(auth=token_endpoint.Token(endpoint, 'admin'))
        self.before: Callable[[str, str], None] = lambda method, url: None
        self.answer: requests.Response | None = None
        # Placement's database of the fixture serves one at a time.
        self.lock = threading.RLock()

    def request(  # type: ignore[override]
        self, url: str, method: str, **more: Any
    ) -> requests.Response:
        with self.lock:
            self.before(method, url)
            if self.answer is not None:
                return self.answer
            return super().request(url, method, **more)


class Service:
    """A Placement with some providers."""

    def __init__(self, real: claims.Placement, hosts: int) -> None:
        self.real = real
        self.uuids = {f'c{n}': str(uuid.uuid4()) for n in range(hosts)}
        for name, one in self.uuids.items():
            body = {'name': name, 'uuid': one}
            real.call('POST', '/resource_providers', body)
        self.wire = Wire(real.endpoint)
        self.feed = placement.Placement({}, publish, self.traits())

    def traits(self) -> placement_traits.PlacementTraits:
        way = adapter.Adapter(self.wire, service_type='placement')
        return placement_traits.PlacementTraits(way)

    def of(self, name: str) -> set[str]:
        """Return a provider's traits."""
        path = f'/resource_providers/{self.uuids[name]}/traits'
        return set(self.real.call('GET', path)['traits'])

    def marked(self) -> list[str]:
        return [name for name in self.uuids if OURS in self.of(name)]

    def put(self, name: str, trait: str) -> None:
        """Add a trait as somebody else does, with no retry."""
        self.real.call('PUT', f'/traits/{trait}')
        path = f'/resource_providers/{self.uuids[name]}/traits'
        told = self.real.call('GET', path)
        told['traits'].append(trait)
        self.real.call('PUT', path, told)

    def told(self, *names: str) -> port.Told:
        marks = [
            mark.Mark(
                host=name, provider=self.uuids[name], heat=1.0, since_us=1
            )
            for name in names
        ]
        return port.Told(1, 1, mark.Marks(time_us=1, hosts=marks))


def publish(name: str, key: str, value: bytes) -> None:
    raise AssertionError(name)


def yes() -> bool:
    return True


@pytest.fixture
def service() -> Iterator[Service]:
    logging.disable(logging.WARNING)
    with claims.Placement() as real:
        yield Service(real, 6)
    logging.disable(logging.NOTSET)


def test_marks_come_and_go_and_nothing_else(service: Service) -> None:
    for name in service.uuids:
        service.put(name, 'CUSTOM_SSD')
    service.feed.write(service.told('c1', 'c4'), yes)
    assert service.marked() == ['c1', 'c4']
    service.feed.write(service.told('c4', 'c5'), yes)
    assert service.marked() == ['c4', 'c5']
    service.feed.write(service.told(), yes)
    assert service.marked() == []
    assert all(service.of(name) == {'CUSTOM_SSD'} for name in service.uuids)


def test_a_dry_run_tells_and_writes_nothing(service: Service) -> None:
    service.feed.write(service.told('c1'), yes)
    assert list(service.feed.would(service.told('c2'))) == [
        f'remove {OURS} from c1',
        f'add {OURS} to c2',
    ]
    assert list(service.feed.would(service.told('c1'))) == [
        'nothing is to be changed'
    ]
    assert service.marked() == ['c1']


def candidates(service: Service) -> list[str]:
    """Return who may take an instance whose flavor forbids our trait."""
    for one in service.uuids.values():
        path = f'/resource_providers/{one}/inventories'
        told = service.real.call('GET', path)
        if not told['inventories']:
            told['inventories'] = {'VCPU': {'total': 4}}
            service.real.call('PUT', path, told)
    found = service.real.call(
        'GET', f'/allocation_candidates?resources=VCPU:1&required=!{OURS}'
    )
    known = {one: name for name, one in service.uuids.items()}
    return sorted(known[one] for one in found['provider_summaries'])


def test_a_flavor_may_forbid_the_trait_before_the_first_mark_and_after_all(
    service: Service,
) -> None:
    """Placement refuses whoever asks for a trait that it does not know."""
    everybody = sorted(service.uuids)
    service.feed.write(port.Told(1, 1, None), yes)
    assert candidates(service) == everybody
    service.feed.write(service.told('c2'), yes)
    assert candidates(service) == [x for x in everybody if x != 'c2']
    service.feed.clear(yes)
    assert candidates(service) == everybody


def test_clear_leaves_no_mark_of_ours_whoever_put_it(
    service: Service,
) -> None:
    service.put('c0', OURS)
    service.feed.write(service.told('c0', 'c3'), yes)
    assert service.feed.clear(yes) == [
        f'removed {OURS} from {name}'
        for name in sorted(['c0', 'c3'], key=lambda x: service.uuids[x])
    ]
    assert service.marked() == []
    traits = service.real.call('GET', '/traits?associated=true')
    assert traits['traits'] == []
    assert service.feed.clear(yes) == []


def test_without_a_decision_nothing_is_touched(service: Service) -> None:
    service.feed.write(service.told('c1'), yes)
    service.feed.write(port.Told(1, 2, None), yes)
    assert service.marked() == ['c1']


def test_a_writer_before_each_write_of_ours_loses_nothing(
    service: Service,
) -> None:
    """Each of our writes meets as many conflicts as there are others."""
    conflicts: list[str] = []

    def meddle(method: str, url: str) -> None:
        if method == 'PUT' and url.endswith('/traits') and others:
            (name,) = (x for x, one in service.uuids.items() if one in url)
            trait = f'CUSTOM_OTHER_{len(conflicts)}'
            if others.pop() == name:
                service.put(name, trait)
                conflicts.append(name)

    others = ['c1'] * 7
    service.wire.before = meddle
    service.feed.write(service.told('c1'), yes)
    assert len(conflicts) == 7
    wanted = {OURS, *(f'CUSTOM_OTHER_{n}' for n in range(7))}
    assert service.of('c1') == wanted
    others = ['c1'] * 7
    service.feed.write(service.told(), yes)
    assert len(conflicts) == 14
    assert service.of('c1') == {f'CUSTOM_OTHER_{n}' for n in range(14)}


class Other(threading.Thread):
    """Adds ten traits to each host, as somebody who knows the protocol."""

    def __init__(self, service: Service, number: int) -> None:
        super().__init__()
        self.service = service
        self.conflicts = 0
        self.traits = [f'CUSTOM_W{number}_{turn}' for turn in range(10)]
        self.is_done = False

    def run(self) -> None:
        for trait in self.traits:
            for one in self.service.uuids.values():
                self.add(one, trait)
        self.is_done = True

    def add(self, provider: str, trait: str) -> None:
        way = adapter.Adapter(self.service.wire, service_type='placement')
        path = f'/resource_providers/{provider}/traits'
        more: Json = {'microversion': '1.23', 'raise_exc': False}
        way.request(f'/traits/{trait}', 'PUT', **more)
        while True:
            told = way.request(path, 'GET', **more).json()
            told['traits'].append(trait)
            answer = way.request(path, 'PUT', json=told, **more)
            if answer.status_code != 409:
                assert answer.status_code == 200
                return
            self.conflicts += 1


class Ours(threading.Thread):
    """A planner that changes its mind again and again."""

    def __init__(self, service: Service, start: int) -> None:
        super().__init__()
        self.service = service
        self.first = start
        self.is_done = False

    def run(self) -> None:
        feed = placement.Placement({}, publish, self.service.traits())
        names = list(self.service.uuids)
        for turn in range(self.first, self.first + 12):
            chosen = names[turn % len(names)]
            feed.write(self.service.told(chosen, names[0]), yes)
        self.is_done = True


def test_all_writes_of_concurrent_writers_survive(service: Service) -> None:
    """Two planners and two others at once; all of them end up as wanted."""
    others = [Other(service, number) for number in range(2)]
    planners = [Ours(service, number) for number in range(2)]
    threads: list[Other | Ours] = [*others, *planners]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
        assert one.is_done
    service.feed.write(service.told('c0', 'c2'), yes)
    assert service.marked() == ['c0', 'c2']
    theirs = {trait for one in others for trait in one.traits}
    assert all(theirs <= service.of(name) for name in service.uuids)
    assert sum(other.conflicts for other in others) > 0


def test_who_lost_the_lease_writes_no_more(service: Service) -> None:
    left = [True, True]

    def may() -> bool:
        return bool(left) and left.pop()

    with pytest.raises(exception.LeaseLost):
        service.feed.write(service.told('c1', 'c2', 'c3'), may)
    assert len(service.marked()) == 2


def test_a_conflict_asks_again_whether_we_may(service: Service) -> None:
    """A planner that hung, and woke up to a conflict."""
    asked: list[int] = []

    def meddle(method: str, url: str) -> None:
        if method == 'PUT' and url.endswith('/traits') and len(asked) == 1:
            service.put('c1', 'CUSTOM_NEW')

    def may() -> bool:
        asked.append(1)
        return len(asked) == 1

    service.wire.before = meddle
    with pytest.raises(exception.LeaseLost):
        service.feed.write(service.told('c1'), may)
    assert service.of('c1') == {'CUSTOM_NEW'}


def test_a_host_that_is_gone_from_placement_is_passed_over(
    service: Service,
) -> None:
    gone = service.uuids['c1']
    service.real.call('DELETE', f'/resource_providers/{gone}')
    service.feed.write(service.told('c1', 'c2'), yes)
    assert OURS in service.of('c2')


@pytest.mark.parametrize('code', [401, 403, 429, 500, 503])
def test_a_placement_that_refuses_is_told_without_secrets(
    service: Service, code: int
) -> None:
    answer = requests.Response()
    answer.status_code = code
    answer.request = requests.Request(
        'GET', 'https://example.org/traits?token=hidden'
    ).prepare()
    answer._content = b'{"errors": [{"detail": "hidden"}]}'
    service.wire.answer = answer
    feed = service.feed
    with pytest.raises(exception.CloudError, match=str(code)) as caught:
        feed.write(service.told('c1'), yes)
    assert 'hidden' not in str(caught.value)
